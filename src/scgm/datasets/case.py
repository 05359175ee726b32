"""What a data set is: images, and for some of them what raters drew on them."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from scgm.errors import DataSetError, ImageReadError
from scgm.image.orientation import AxialStack, stack_mask
from scgm.image.volume import Volume
from scgm.io.hashing import sha256_of_file
from scgm.io.read import read_labels

Kind = Literal["challenge", "bids", "table"]
Mask = NDArray[np.bool_]

NIFTI_ENDINGS = (".nii.gz", ".nii")
# The rater's name where a set does not tell raters apart.
ONLY_RATER = "labels"

NOT_PRESENT = "content not present, only a link to it (git-annex or git-lfs); get the content first"

_POINTERS = (b"/annex/objects/", b"version https://git-lfs")
_LISTED = 5


@dataclass(frozen=True, slots=True)
class Reference:
    """The files of what one rater drew on one image.

    Parameters
    ----------
    gm, wm, cord : Path or None
        Files with gray matter, white matter and the whole cord; None where the rater has none.
        `gm` and `wm` can be the same file.
    gm_value, wm_value, cord_value : int or None
        The label in that file that means the tissue; None: the file has no other, and every value
        of at least 0.5 counts.
    """

    gm: Path | None = None
    wm: Path | None = None
    cord: Path | None = None
    gm_value: int | None = None
    wm_value: int | None = None
    cord_value: int | None = None

    @property
    def files(self) -> tuple[Path, ...]:
        """The files, each once."""
        return tuple(dict.fromkeys(file for file in (self.gm, self.wm, self.cord) if file))


@dataclass(frozen=True, slots=True)
class DataCase:
    """One image of a data set.

    Parameters
    ----------
    name : str
        Unlike that of every other case of the set.
    image : Path
        The image.
    site : str or None
        Where it was acquired, if the set says so.
    subject : str
        Whom it shows; images of one subject are not independent.
    references : mapping
        Name of a rater to what that rater drew; empty where the image is unlabeled.
    levels : Path or None
        A file that says which slice lies at which vertebra.
    """

    name: str
    image: Path
    site: str | None
    subject: str
    references: Mapping[str, Reference]
    levels: Path | None = None

    @property
    def raters(self) -> tuple[str, ...]:
        """The raters who drew gray matter."""
        return tuple(rater for rater, drawn in self.references.items() if drawn.gm)


@dataclass(frozen=True, slots=True)
class DataSet:
    """The images under one folder, or of one table.

    Parameters
    ----------
    name : str
        Name of the folder, or of the table without its ending.
    kind : "challenge", "bids" or "table"
        How the files are laid out.
    root : Path
        The folder; for a table the one that its paths start from.
    cases : tuple of DataCase
        In the order of their names, or of the table.
    warnings : tuple of str
        What is odd about the set and was passed over, one sentence each.
    """

    name: str
    kind: Kind
    root: Path
    cases: tuple[DataCase, ...]
    warnings: tuple[str, ...] = ()

    @property
    def labeled(self) -> tuple[DataCase, ...]:
        """The cases on which at least one rater drew gray matter."""
        return tuple(case for case in self.cases if case.raters)


def reference_masks(case: DataCase, rater: str, stack: AxialStack) -> tuple[Mask, Mask | None]:
    """Read what a rater drew, on the pixels of the image's axial slices.

    Parameters
    ----------
    case : DataCase
        The image that was drawn on.
    rater : str
        One of the names in ``case.references``.
    stack : AxialStack
        Slices of that image, as from `scgm.image.orientation.to_axial`.

    Returns
    -------
    gm : (Z, Y, X) bool
        Gray matter; can be empty.
    cord : (Z, Y, X) bool, or None
        The whole cord: drawn as such or, where it was not, gray and white matter together. None
        where the rater drew neither cord nor white matter.

    Raises
    ------
    DataSetError
        If there is no such rater, or that rater drew no gray matter.
    ImageReadError
        If a file cannot be read, or holds several labels and none of them is named, or not the one
        that is named.
    GeometryError
        If a file does not lie on the grid of the image.
    """
    reference = case.references.get(rater)
    if reference is None or reference.gm is None:
        msg = (
            f"{case.image}: there is no gray matter drawn by {rater!r}; "
            f"raters who drew it: {', '.join(case.raters) or 'none'}"
        )
        raise DataSetError(msg)
    gm = _mask(reference.gm, reference.gm_value, stack)
    if reference.cord is not None:
        return gm, _mask(reference.cord, reference.cord_value, stack)
    if reference.wm is not None:
        return gm, gm | _mask(reference.wm, reference.wm_value, stack)
    return gm, None


def _mask(file: Path, value: int | None, stack: AxialStack) -> Mask:
    """Read the pixels that have one label or, without *value*, at least 0.5."""
    labels = read_labels(file)
    chosen = labels
    if value is not None:
        named = np.rint(labels.voxels) == value
        chosen = Volume(named, labels.geometry, source=labels.source)
    inside, _ = stack_mask(stack, chosen)
    _require_label(file, value, labels.voxels)
    return inside


def _require_label(file: Path, value: int | None, voxels: NDArray[np.float32]) -> None:
    """Refuse a file of several labels without *value*, and one without that label."""
    whole = np.unique(np.rint(voxels))
    held = whole[whole > 0].astype(int).tolist()
    if value is None and len(held) > 1:
        msg = (
            f"{file}: it holds the labels {listed(map(str, held))}; give a mask of one tissue, or "
            "name the label in a table of images (columns gm_value, wm_value, cord_value)"
        )
        raise ImageReadError(msg)
    if value is not None and held and value not in held:
        msg = (
            f"{file}: no voxel of it has the label {value}, and it holds {listed(map(str, held))}; "
            "name the label that means the tissue"
        )
        raise ImageReadError(msg)


def one_spelling(cases: Sequence[DataCase]) -> tuple[tuple[DataCase, ...], tuple[str, ...]]:
    """Give all cases of one site the spelling of the first; return a sentence for each change."""
    spelled: dict[str, str] = {}
    changed: dict[str, str] = {}
    same = []
    for case in cases:
        site = case.site and spelled.setdefault(site_key(case.site), case.site)
        if case.site and site and site != case.site:
            changed[case.site] = site
        same.append(replace(case, site=site))
    return tuple(same), tuple(
        f"the sites {first!r} and {other!r} are taken as one" for other, first in changed.items()
    )


def equal_images(cases: Iterable[DataCase]) -> tuple[str, ...]:
    """Find images with the same content, which would count twice; return a sentence for each.

    Only files of equal size are read. The same subject under two names is found only where the
    files are equal to the byte.
    """
    by_size: defaultdict[int, list[DataCase]] = defaultdict(list)
    for case in cases:
        by_size[case.image.stat().st_size].append(case)
    by_content: defaultdict[str, list[str]] = defaultdict(list)
    for alike in by_size.values():
        if len(alike) > 1:
            for case in alike:
                by_content[sha256_of_file(case.image)].append(case.name)
    return tuple(
        f"{' and '.join(names)} are one image under several names (their files are equal), "
        "so it counts more than once; remove all but one"
        for names in by_content.values()
        if len(names) > 1
    )


def stem(file: Path) -> str:
    """Return the name of an image file without its ending.

    >>> stem(Path("sub-01_T2starw.nii.gz"))
    'sub-01_T2starw'
    """
    for ending in NIFTI_ENDINGS:
        if file.name.lower().endswith(ending):
            return file.name[: -len(ending)]
    return file.name


def site_key(name: str) -> str:
    """Return what all spellings of a site's name have in common: its letters and digits.

    Sites are compared by it, never by the name as it was written.

    >>> site_key("CEITEC") == site_key("ceitec"), site_key("Mount Sinai") == site_key("mount-sinai")
    (True, True)
    """
    folded = unicodedata.normalize("NFKC", name).casefold()
    return "".join(letter for letter in folded if letter.isalnum()) or folded.strip()


def problem_of(file: Path) -> str | None:
    """Say why a file that was named has no content here, or return None if it has."""
    if not file.is_file():
        if file.is_symlink():
            return NOT_PRESENT
        return "this is a folder, not a file" if file.is_dir() else "there is no such file"
    with file.open("rb") as content:
        return NOT_PRESENT if content.read(32).startswith(_POINTERS) else None


def drop_absent(files: Iterable[Path]) -> tuple[list[Path], tuple[str, ...]]:
    """Leave out files that have no content here; return the others, and a sentence if any is."""
    problems = {file: problem_of(file) for file in files}
    present = [file for file, problem in problems.items() if problem is None]
    absent = [file for file, problem in problems.items() if problem is not None]
    if not absent:
        return present, ()
    reason = problems[absent[0]]
    return present, (f"left out: {listed(file.name for file in absent)}: {reason}",)


def listed(names: Iterable[str]) -> str:
    """Return the first few names and the number of all others, for a sentence."""
    every = list(names)
    more = len(every) - _LISTED
    return ", ".join(every[:_LISTED]) + (f" and {more} more" if more > 0 else "")


def read_text(table: Path) -> str:
    """Read a text file in UTF-8.

    Raises
    ------
    DataSetError
        If it is in another encoding.
    """
    try:
        return table.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        msg = f"{table}: this is not text in UTF-8; save it with that encoding"
        raise DataSetError(msg) from error


def read_cells(table: Path, text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Give the number of each line of a table and its cells, without spaces around them.

    Raises
    ------
    DataSetError
        If the text is no table, or a cell is too large to be a name.
    """
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        for cells in reader:
            yield reader.line_num, [cell.strip() for cell in cells]
    except csv.Error as error:
        msg = f"{table}, line {reader.line_num}: this is no table ({error}); check its quotes"
        raise DataSetError(msg) from error
