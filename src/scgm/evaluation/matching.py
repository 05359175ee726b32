"""Which files of two folders belong together."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scgm.errors import UsageError

Named = dict[tuple[str, str], Path]

_NAME = re.compile(
    r"(?P<image>.+?)_(?:label-(?P<label>GM|WM|SC)_(?P<kind>seg|mask|probseg|softseg)"
    r"|(?P<old>gmseg|wmseg|seg)(?:[-_]manual)?)"
)
_OLD_LABELS = {"gmseg": "GM", "wmseg": "WM", "seg": "SC"}


@dataclass(frozen=True, slots=True)
class MatchedFiles:
    """One prediction of a folder, with what belongs to it."""

    label: str
    prediction: Path | None
    references: tuple[Path, ...]
    soft: Path | None = None


def matched_files(predictions: Path, references: Sequence[Path]) -> list[MatchedFiles]:
    """Find what belongs together in a folder of predictions and one folder for each rater.

    Files belong together if their names are the same, or are those of the same image and label:
    NAME_label-GM_seg, NAME_gmseg and NAME_gmseg-manual; so for WM, and for SC (NAME_seg).
    Subfolders are searched. NAME_label-GM_probseg beside a mask is its probability map.

    Returns
    -------
    list of MatchedFiles
        In the order of names. A reference of a label that has predictions, but not for its image,
        has a job with None for the prediction.

    Raises
    ------
    UsageError
        If nothing belongs together, or two files of one folder are those of the same image.
    """
    hard, soft = _named_files(predictions)
    hard = {**soft, **hard}
    by_rater = [_merged(_named_files(folder)) for folder in references]
    labels = {label for _, label in hard if label}
    # An image can lie in both folders, too, beside its labels.
    images = {image for image, label in hard if label}
    jobs = []
    for key in sorted({key for files in by_rater for key in files}):
        image, label = key
        asked = label in labels if label else key in hard and image not in images
        if not asked:
            continue
        paths = tuple(files[key] for files in by_rater if key in files)
        prediction, probability = hard.get(key), soft.get(key)
        beside = None if probability == prediction else probability
        jobs.append(MatchedFiles(label, prediction, paths, beside))
    if not jobs:
        msg = f"no file in {predictions} has the name of one in {_folders(references)}; rename them"
        raise UsageError(msg)
    return jobs


def _folders(folders: Sequence[Path]) -> str:
    return ", ".join(str(folder) for folder in folders)


def _merged(files: tuple[Named, Named]) -> Named:
    hard, soft = files
    return {**soft, **hard}


def _named_files(folder: Path) -> tuple[Named, Named]:
    """Return masks and probability maps of a folder by (image, label)."""
    hard: Named = {}
    soft: Named = {}
    for path in sorted(folder.rglob("*.nii*")):
        if not path.name.endswith((".nii", ".nii.gz")) or path.name.startswith("."):
            continue
        stem = path.name.removesuffix(".gz").removesuffix(".nii")
        named = _NAME.fullmatch(stem)
        key = (stem, "")
        if named:
            key = (named["image"], named["label"] or _OLD_LABELS[named["old"]])
        files = soft if named and named["kind"] in ("probseg", "softseg") else hard
        if key in files:
            msg = f"{files[key]} and {path} are of the same image; put one of them elsewhere"
            raise UsageError(msg)
        files[key] = path
    return hard, soft
