"""Which reader fits a folder or a file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from scgm.datasets.bids import is_bids, read_bids
from scgm.datasets.case import DataSet, Kind, equal_images, one_spelling
from scgm.datasets.challenge import is_challenge, read_challenge
from scgm.datasets.table import ENDINGS, read_table
from scgm.errors import DataSetError

LAYOUTS = (
    "the SCGM challenge (site1-sc01-image.nii.gz), BIDS (sub-01/anat/sub-01_T2starw.nii.gz), "
    "or a table (a .csv or .tsv file with the columns image and gm)"
)

KINDS: tuple[Kind, ...] = ("challenge", "bids", "table")

_READERS = {"challenge": read_challenge, "bids": read_bids, "table": read_table}


def read_dataset(path: str | Path, *, kind: str | None = None) -> DataSet:
    """Read which images a folder or a table holds, and what raters drew on them.

    No image is opened, except that files of equal size are compared.

    Parameters
    ----------
    path : str or Path
        A folder laid out as the SCGM challenge or as BIDS, or a table of paths.
    kind : "challenge", "bids" or "table", optional
        The layout; by default it is found from what lies there.

    Returns
    -------
    DataSet
        At least one case. Images without labels are in it. Its `warnings` say what was left out.

    Raises
    ------
    DataSetError
        If the path is in none of the three layouts, or contradicts itself, or holds no image.
    """
    root = Path(path)
    try:
        dataset = _READERS[_checked_kind(kind, root)](root)
        if not dataset.cases:
            found = "; ".join(dataset.warnings) or "it holds no image"
            msg = f"{root}: there is nothing to read: {found}; known layouts: {LAYOUTS}"
            raise DataSetError(msg)
        cases, spellings = one_spelling(dataset.cases)
        warnings = (*dataset.warnings, *spellings, *equal_images(cases))
        return replace(dataset, cases=cases, warnings=warnings)
    except OSError as error:
        msg = f"{error.filename or root}: it cannot be read ({error.strerror or error})"
        raise DataSetError(msg) from error


def _checked_kind(kind: str | None, root: Path) -> Kind:
    """Return the layout to read, if *root* can have it."""
    if not root.exists():
        msg = f"{root}: there is no such folder or file; check the path"
        raise DataSetError(msg)
    if kind is None:
        return _found_kind(root)
    for known in KINDS:
        if kind == known:
            if (known == "table") == root.is_dir():
                wanted = "a .csv or .tsv file" if known == "table" else "a folder"
                msg = f"{root}: a data set of the layout {known!r} is {wanted}; give that"
                raise DataSetError(msg)
            return known
    msg = f"there is no layout {kind!r}; known: {', '.join(KINDS)}"
    raise DataSetError(msg)


def _found_kind(root: Path) -> Kind:
    """Find the layout from the names that lie there."""
    if root.is_file() and root.suffix.lower() in ENDINGS:
        return "table"
    bids = root.is_dir() and is_bids(root)
    challenge = root.is_dir() and is_challenge(root)
    if bids and challenge:
        msg = f"{root}: it holds two layouts, BIDS and SCGM challenge; name one, or split them"
        raise DataSetError(msg)
    if bids:
        return "bids"
    if challenge:
        return "challenge"
    msg = f"{root}: this is not a data set in a known layout; known are {LAYOUTS}"
    raise DataSetError(msg)
