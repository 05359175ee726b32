"""An image of a cohort, and what its results are called (BIDS 1.11, derivatives)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from scgm.datasets.case import stem

# Entities of an image that the names of its masks may have, too; others go into `desc-`.
_KEPT = frozenset(("sub", "ses", "task", "acq", "ce", "rec", "run", "echo", "part", "chunk"))
_NO_LABEL = re.compile("[^A-Za-z0-9]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """One image, and the names of its results.

    Attributes
    ----------
    image : Path
        The file.
    source : str
        The same within the folder of the cohort, with slashes.
    subject, session : str
        Labels without ``sub-`` and ``ses-``; an empty session where there are none.
    name : str
        What its record and table begin with, as "sub-01_run-1_T2starw".
    entities : str
        What its masks begin with, as "sub-01_run-1".
    desc : str
        Label of ``desc-`` that tells its masks from those of another image; mostly empty.
    problem : str
        Why it cannot be segmented, where its name says so already; mostly empty.
    """

    image: Path
    source: str
    subject: str
    session: str
    name: str
    entities: str
    desc: str = ""
    problem: str = ""

    @property
    def subject_folder(self) -> str:
        """Folder of all results of the subject, within that of the results."""
        return f"sub-{self.subject}"

    @property
    def folder(self) -> PurePosixPath:
        """Folder of the results, within that of all results."""
        session = (f"ses-{self.session}",) if self.session else ()
        return PurePosixPath(self.subject_folder, *session, "anat")

    def file(self, suffix: str, *, label: str = "") -> str:
        """Return the name of a derivative without its ending.

        >>> scan = Scan(image=Path("a.nii"), source="a.nii", subject="01", session="",
        ...             name="sub-01_T2w", entities="sub-01", desc="T2w")
        >>> scan.file("mask", label="GM"), scan.file("dseg")
        ('sub-01_label-GM_desc-T2w_mask', 'sub-01_desc-T2w_dseg')
        """
        parts = [self.entities, f"label-{label}" if label else ""]
        parts += [f"desc-{self.desc}" if self.desc else "", suffix]
        return "_".join(filter(None, parts))


def label_of(text: str) -> str:
    """Return the letters and digits of a text, as a label of BIDS has them.

    >>> label_of("patient_007 (old)")
    'patient007old'
    """
    return _NO_LABEL.sub("", text)


def entity_values(name: str) -> dict[str, str]:
    """Return the entities of a name of BIDS, and its suffix.

    >>> entity_values("sub-01_run-2_T2starw")
    {'sub': '01', 'run': '2', 'suffix': 'T2starw'}
    """
    *tokens, suffix = name.split("_")
    pairs = (token.partition("-") for token in tokens)
    return {key: value for key, dash, value in pairs if dash} | {"suffix": suffix}


def bids_scans(root: Path, files: Sequence[Path], subject: str, session: str) -> Iterator[Scan]:
    """Give names to the images of one folder ``anat``, all of them, in their order.

    Two images that differ in their contrast alone would have masks of the same name: these get
    the contrast as ``desc-``. Entities that no mask may have are put there, too.
    """
    files_of: dict[str, list[Path]] = {}
    for file in files:
        files_of.setdefault(stem(file), []).append(file)
    derived = {name: _derived(name) for name in files_of}
    shared = Counter(derived.values())
    for name, (file, *others) in files_of.items():
        entities, desc = derived[name]
        if shared[derived[name]] > 1:
            desc += label_of(name.rpartition("_")[2])
        yield Scan(
            image=file,
            source=file.relative_to(root).as_posix(),
            subject=subject,
            session=session,
            name=name,
            entities=entities,
            desc=desc,
            problem=f"{others[0].name} is the same image once more; keep one" if others else "",
        )


def _derived(name: str) -> tuple[str, str]:
    """Split a name, without its suffix, into what masks keep and what goes into `desc-`."""
    tokens = name.split("_")[:-1]
    kept = [token for token in tokens if token.partition("-")[0] in _KEPT]
    return "_".join(kept), "".join(label_of(token) for token in tokens if token not in kept)
