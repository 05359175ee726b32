"""BIDS folders: images in ``sub-*/[ses-*/]anat``, labels in ``derivatives/*/sub-*/[ses-*/]anat``.

Names of labels differ between groups and years. Read are, for the image ``sub-01_T2starw``:

- ``sub-01_T2starw_label-GM_seg`` (or ``_mask``), with SC for the cord and WM for white matter;
- ``sub-01_label-GM_desc-rater1_mask``, which leaves the image's suffix out, as BIDS asks for,
  where only one image fits;
- the older ``sub-01_T2starw_gmseg-manual``, ``_gmseg``, ``_gm_seg``, and the same without ``gm``
  for the cord or with ``wm`` for white matter.

The rater is the ``desc-`` of the name or else the folder below ``derivatives``, without a leading
``labels_``.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from scgm.datasets.case import (
    NIFTI_ENDINGS,
    DataCase,
    DataSet,
    Reference,
    drop_absent,
    listed,
    read_cells,
    read_text,
    stem,
)
from scgm.errors import DataSetError

# fmt: off
IMAGE_SUFFIXES = frozenset((
    "T1w", "T2w", "T2star", "T2starw", "PDw", "PDT2", "inplaneT1", "inplaneT2", "FLAIR", "STIR",
    "MTS", "MTw", "MTR", "MTsat", "MPM", "VFA", "MEGRE", "PSIR", "UNIT1", "MP2RAGE",
))
# fmt: on

# Columns of participants.tsv that say where a subject was scanned; the first found counts.
SITE_COLUMNS = ("site", "institution", "institution_id")

_OTHER_DELIMITER = re.compile(r"[,;]")
_UNKNOWN = ("", "n/a")
_TISSUES = {"gm": "gm", "wm": "wm", "sc": "cord", "cord": "cord", "": "cord"}
_LABEL = re.compile(r"label-(gm|wm|sc|cord)", re.IGNORECASE)
_OLDER = re.compile(r"(?P<image>.+?)_(?P<tissue>gm|wm|)_?seg(?P<manual>[-_]manual)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Label:
    """One file of labels: the name of its image (with or without suffix), tissue and rater."""

    file: Path
    image: str
    tissue: str
    rater: str
    rank: int  # of two files for the same, the one with the lower rank counts


@dataclass(frozen=True, slots=True)
class _Matches:
    """Labels by name of the image, rater and tissue, and those that have no such place."""

    files: dict[str, dict[str, dict[str, Path]]] = field(default_factory=dict)
    lonely: set[str] = field(default_factory=set)
    unclear: list[str] = field(default_factory=list)

    def add(self, label: _Label, names: Sequence[str]) -> None:
        """Take a label that fits the images of these names."""
        if not names:
            self.lonely.add(label.image)
        elif len(names) > 1:
            self.unclear.append(f"{label.file.name} (fits {' and '.join(names)})")
        else:
            files = self.files.setdefault(names[0], {}).setdefault(label.rater, {})
            used = files.setdefault(label.tissue, label.file)
            if used != label.file:
                self.unclear.append(f"{label.file.name} (used is {used.name})")

    def references(self, name: str) -> dict[str, Reference]:
        """Return what each rater drew on an image."""
        return {
            rater: Reference(gm=files.get("gm"), wm=files.get("wm"), cord=files.get("cord"))
            for rater, files in sorted(self.files.get(name, {}).items())
        }

    @property
    def warnings(self) -> Iterator[str]:
        """Sentences about the labels that are not used."""
        if self.lonely:
            yield f"labels without an image are not used: {listed(sorted(self.lonely))}"
        if self.unclear:
            yield f"labels that fit two images, or are there twice: {listed(self.unclear)}"


def is_bids(root: Path) -> bool:
    """Tell whether a folder holds images of BIDS, or says that it is one."""
    return (root / "dataset_description.json").is_file() or any(_images(root))


def read_bids(root: Path) -> DataSet:
    """Read a BIDS folder with the labels in its derivatives.

    Parameters
    ----------
    root : Path
        The folder with ``sub-*`` and ``derivatives``.

    Returns
    -------
    DataSet
        A case for each anatomical image, labeled or not, in the order of their names; it is named
        by its file. `warnings` say which files were left out.

    Raises
    ------
    DataSetError
        If participants.tsv cannot be understood.
    """
    found, absent = drop_absent(sorted(_images(root)))
    images, passed = _known_images(found)
    drawn, absent_labels = drop_absent(sorted(_label_files(root)))
    labels, soft = _known_labels(drawn, root)
    matches = _matched(labels, images)
    sites, no_tabs = _sites(root / "participants.tsv")
    cases = tuple(
        DataCase(name, image, sites.get(_subject(image)), _subject(image), matches.references(name))
        for name, image in sorted(images.items())
    )
    warnings = (*absent, *passed, *absent_labels, *soft, *matches.warnings, *no_tabs)
    return DataSet(root.resolve().name, "bids", root, cases, warnings)


def _images(root: Path) -> Iterator[Path]:
    folders = chain(root.glob("sub-*/anat"), root.glob("sub-*/ses-*/anat"))
    for folder in folders:
        yield from (file for file in folder.glob("sub-*") if _is_nifti(file))


def _label_files(root: Path) -> Iterator[Path]:
    for file in (root / "derivatives").rglob("anat/sub-*"):
        if _is_nifti(file) and _subject(file.relative_to(root)):
            yield file


def _is_nifti(file: Path) -> bool:
    return file.name.lower().endswith(NIFTI_ENDINGS)


def _subject(file: Path) -> str:
    """Return the folder ``sub-...`` that a file lies in, or nothing."""
    folders = (part for part in reversed(file.parts[:-1]) if part.startswith("sub-"))
    return next(folders, "")


def _known_images(files: Iterable[Path]) -> tuple[dict[str, Path], tuple[str, ...]]:
    """Keep the files that are images, by name; say which are not."""
    images: dict[str, Path] = {}
    others = []
    for file in files:
        name = stem(file)
        if name.rpartition("_")[2] not in IMAGE_SUFFIXES or images.setdefault(name, file) != file:
            others.append(file.name)
    if not others:
        return images, ()
    sentence = (
        f"not read as images: {listed(others)}; labels belong into derivatives/labels, and an "
        "image ends with its contrast, as _T2starw.nii.gz, and is there once"
    )
    return images, (sentence,)


def _known_labels(files: Iterable[Path], root: Path) -> tuple[list[_Label], tuple[str, ...]]:
    """Keep the derivatives that are masks; say which other labels there are."""
    labels, others = [], []
    for file in files:
        label = _new_label(file, root) or _older_label(file, root)
        if label is not None:
            labels.append(label)
        elif any(map(_LABEL.fullmatch, stem(file).split("_"))):
            others.append(file.name)
    if not others:
        return labels, ()
    return labels, (f"not read as labels: {listed(others)}; a mask ends with _seg or _mask",)


def _new_label(file: Path, root: Path) -> _Label | None:
    """Read a name with ``label-``, or return None."""
    tokens, rater = _tokens(file, root)
    tissues = [match[1] for token in tokens if (match := _LABEL.fullmatch(token))]
    if not tissues or tokens[-1] not in ("seg", "mask"):
        return None
    image = "_".join(token for token in tokens[:-1] if not _LABEL.fullmatch(token))
    return _Label(file, image, _TISSUES[tissues[0].lower()], rater, 0)


def _older_label(file: Path, root: Path) -> _Label | None:
    """Read a name as ``..._gmseg-manual``, or return None."""
    tokens, rater = _tokens(file, root)
    match = _OLDER.fullmatch("_".join(tokens))
    if match is None or any(token.startswith("label-") for token in tokens):
        return None
    rank = 1 if match["manual"] else 2
    return _Label(file, match["image"], _TISSUES[match["tissue"].lower()], rater, rank)


def _tokens(file: Path, root: Path) -> tuple[list[str], str]:
    """Split the name of a label: what it shares with the image, and the rater."""
    tokens = stem(file).split("_")
    raters = [token.removeprefix("desc-") for token in tokens if token.startswith("desc-")]
    kept = [token for token in tokens if not token.startswith(("desc-", "space-"))]
    return kept, raters[0] if raters else _folder_rater(file, root)


def _folder_rater(file: Path, root: Path) -> str:
    """Return the folder that holds the subjects, without a leading ``labels_``."""
    parts = ("derivatives", *file.relative_to(root / "derivatives").parts)
    folder = parts[parts.index(_subject(file)) - 1]
    return folder.removeprefix("labels_") or folder


def _matched(labels: Iterable[_Label], images: Mapping[str, Path]) -> _Matches:
    """Give each label to its image: by its whole name, or without the image's suffix."""
    by_entities = defaultdict(list)
    for name in images:
        by_entities[name.rpartition("_")[0]].append(name)
    matches = _Matches()
    for label in sorted(labels, key=lambda label: (label.rank, label.file)):
        names = [label.image] if label.image in images else by_entities[label.image]
        matches.add(label, names)
    return matches


def _sites(table: Path) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the site of each subject that participants.tsv tells one of, and what is odd."""
    if not table.is_file():
        return {}, ()
    rows = [cells for _, cells in read_cells(table, read_text(table), "\t")]
    head = [name.lower() for name in rows[0]] if rows else []
    column = next((head.index(name) for name in SITE_COLUMNS if name in head), None)
    if column is None and len(head) == 1 and _OTHER_DELIMITER.search(head[0]):
        sentence = (
            f"no site was read from {table.name}: its first line has no tab; separate its columns "
            "by tabs"
        )
        return {}, (sentence,)
    if column is None:
        return {}, ()
    if "participant_id" not in head:
        msg = f"{table}: the column participant_id is missing; BIDS asks for it"
        raise DataSetError(msg)
    subject = head.index("participant_id")
    full = [row for row in rows[1:] if len(row) > max(column, subject)]
    sites = {
        f"sub-{row[subject].removeprefix('sub-')}": row[column]
        for row in full
        if row[column].lower() not in _UNKNOWN
    }
    return sites, ()
