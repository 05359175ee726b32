"""The layout of the spinal cord gray matter challenge of 2016 (Prados et al. 2017).

``site1-sc01-image.nii.gz``, the masks ``site1-sc01-mask-r1.nii.gz`` to ``-r4`` with 1 for gray and
2 for white matter, and ``site1-sc01-levels.txt``. Test subjects come without masks. The files can
lie in the folder or in folders below it (training and test set).
"""

from __future__ import annotations

import re
from pathlib import Path

from scgm.datasets.case import DataCase, DataSet, Reference, drop_absent, listed
from scgm.errors import DataSetError

GM_VALUE, WM_VALUE = 1, 2

_FILE = re.compile(
    r"(?P<subject>(?P<site>site\d+)-sc\d+)-(?:(?P<image>image)|mask-(?P<rater>r\d+))\.nii(?:\.gz)?"
)


def is_challenge(root: Path) -> bool:
    """Tell whether a folder holds an image with a name of the challenge."""
    return any(_FILE.fullmatch(path.name) for path in root.rglob("site*-image.nii*"))


def read_challenge(root: Path) -> DataSet:
    """Read a folder with the files of the challenge.

    Parameters
    ----------
    root : Path
        The folder that the archive was unpacked to.

    Returns
    -------
    DataSet
        A case for each image, in the order of their names; the raters are r1 to r4.

    Raises
    ------
    DataSetError
        If a subject's image is there twice.
    """
    files, warnings = drop_absent(sorted(root.rglob("site*-sc*.nii*")))
    images: dict[str, Path] = {}
    masks: dict[str, dict[str, Path]] = {}
    for file in files:
        match = _FILE.fullmatch(file.name)
        if match is None:
            continue
        subject = match["subject"]
        mine = images if match["image"] else masks.setdefault(subject, {})
        other = mine.setdefault(subject if match["image"] else match["rater"], file)
        if other is not file:
            msg = f"{file}: {other} has the same name or meaning; keep one of the two"
            raise DataSetError(msg)
    lonely = sorted(masks.keys() - images.keys())
    if lonely:
        warnings += (f"masks without an image are not used: {listed(lonely)}",)
    cases = tuple(
        _case(subject, images[subject], masks.get(subject, {})) for subject in sorted(images)
    )
    return DataSet(root.resolve().name, "challenge", root, cases, warnings)


def _case(subject: str, image: Path, masks: dict[str, Path]) -> DataCase:
    references = {
        rater: Reference(gm=mask, wm=mask, gm_value=GM_VALUE, wm_value=WM_VALUE)
        for rater, mask in sorted(masks.items())
    }
    levels = image.with_name(f"{subject}-levels.txt")
    site = subject.partition("-")[0]
    return DataCase(subject, image, site, subject, references, levels if levels.is_file() else None)
