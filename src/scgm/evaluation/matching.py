"""Which files of two folders belong together."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from scgm.errors import UsageError

Key = tuple[str, str]  # image and label
Named = dict[Key, Path]

_NAME = re.compile(
    r"(?P<image>.+?)_(?:label-(?P<label>GM|WM|SC)(?P<desc>_desc-[A-Za-z0-9]+)?"
    r"_(?P<kind>seg|mask|probseg|softseg)"
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
    Derivatives of BIDS do not have the whole name of their image; their sidecars tell it.

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
    predicted = {made_from: key for key, path in hard.items() if (made_from := _source(key, path))}
    by_rater = [_labels_of(folder, hard, predicted) for folder in references]
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


def _labels_of(folder: Path, predicted: Named, by_source: dict[Key, Key]) -> Named:
    """Return the labels of a rater, called as the predictions of the same images are."""
    hard, soft = _named_files(folder)
    labels: Named = {}
    for key, path in {**soft, **hard}.items():
        same = key if key in predicted else by_source.get(key, key)
        _put(labels, same, path)
    return labels


def _source(key: Key, path: Path) -> Key | None:
    """Return image and label as the sidecar of a derivative has them; None if there is none."""
    name = path.name.removesuffix(".gz").removesuffix(".nii")
    try:
        sources = json.loads(path.with_name(f"{name}.json").read_text(encoding="utf-8"))["Sources"]
        (source,) = sources
        image = PurePosixPath(source).name
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return image.removesuffix(".gz").removesuffix(".nii"), key[1]


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
            image = named["image"] + (named["desc"] or "")
            key = (image, named["label"] or _OLD_LABELS[named["old"]])
        _put(soft if named and named["kind"] in ("probseg", "softseg") else hard, key, path)
    return hard, soft


def _put(files: Named, key: Key, path: Path) -> None:
    if key in files:
        msg = f"{files[key]} and {path} are of the same image; put one of them elsewhere"
        raise UsageError(msg)
    files[key] = path
