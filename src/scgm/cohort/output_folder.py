"""The folder of results: what it says of itself, and that only one run at a time writes to it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from scgm.cohort.choices import CohortChoices
from scgm.cohort.derivatives import LABEL_VALUES, WORDS
from scgm.errors import OutputError, UsageError
from scgm.io.atomic import write_text
from scgm.io.locks import LockedError, locked
from scgm.io.tables import table_text
from scgm.io.text import name_text
from scgm.io.transaction import repair
from scgm.segmentation.outputs import anywhere
from scgm.version import __version__

BIDS_VERSION = "1.11.0"
CHOICES_FILE = "scgm_cohort.json"
DESCRIPTION = "dataset_description.json"
_LOCK = ".scgm-cohort-lock"
# Files that BIDS has no names for.
_IGNORED = (
    *("*_seg.json", "*_measurements.csv", "*_qc.png", "*_failed.json", "*_measurements.tsv"),
    *("*_images.tsv", "*_seg.nii.gz", "/measurements.tsv", "/images.tsv", "/failures.tsv"),
    *("/report.html", f"/{CHOICES_FILE}"),
)
_README = """\
Gray matter of the spinal cord
==============================

Masks, label maps and areas that `scgm cohort` made of the images named in dataset_description.json.

- sub-*/[ses-*/]anat: for each image masks of gray matter (label-GM), white matter (label-WM) and
  the whole cord (label-SC), a label map (dseg, values in dseg.tsv), a record (*_seg.json) and the
  areas of its slices (*_measurements.csv); *_failed.json says why an image has no result.
- images.tsv: one row for each image. failures.tsv: the images without a result, with the reason.
- measurements.tsv: areas in mm2, one row for each slice and label. An empty cell is not measured.

Slices whose status is not "ok" need a look before their numbers are used.
"""


def check_place(data: Path, output: Path) -> None:
    """Make sure that a folder of results does not lie among the images.

    Raises
    ------
    UsageError
        If it does, or is the folder of the images.
    """
    if output == data:
        msg = f"{output}: this is the folder of the images; give another one for the results"
        raise UsageError(msg)
    inside = output.relative_to(data).parts if output.is_relative_to(data) else ()
    if any(part.startswith("sub-") for part in inside):
        msg = f"{output}: this is a folder of images; give another one, as derivatives/scgm"
        raise UsageError(msg)


@contextmanager
def only_run(output: Path, subjects: Sequence[str] = ()) -> Iterator[None]:
    """Keep other runs out of a folder of results, or of some of its subjects, for a while.

    The lock of a run that died, on this machine or another one, is no longer held.

    Parameters
    ----------
    output : Path
        The folder, which exists.
    subjects : sequence of str
        Labels of the subjects that this run is for; all others are left to other runs, but for
        runs that are for all.

    Raises
    ------
    OutputError
        If another run writes there.
    """
    with ExitStack() as held:
        try:
            held.enter_context(locked(output / _LOCK, 0, shared=bool(subjects)))
            for subject in sorted(set(subjects)):
                held.enter_context(locked(output / f"{_LOCK}-sub-{subject}", 0))
        except LockedError as error:
            msg = f"{output}: another run of scgm cohort writes there; wait until it has ended"
            raise OutputError(msg) from error
        except OSError as error:
            msg = f"{output}: it cannot be written ({error.strerror or error}); give another folder"
            raise OutputError(msg) from error
        yield


def prepare(choices: CohortChoices, made: Mapping[str, Any], *, redo: bool) -> None:
    """Write what the folder says of itself; see that earlier results there were made alike.

    Parameters
    ----------
    choices : CohortChoices
        How this run makes them.
    made : mapping
        What the records of its images will say.
    redo : bool
        Whether results that were made otherwise are made again.

    Raises
    ------
    OutputError
        If the folder holds results that were made otherwise, or another program's, or cannot be
        written.
    """
    output = choices.output
    repair(output)
    alike = {
        "naming": str(choices.naming),
        "soft": choices.soft,
        "picture": choices.picture,
        "keep_doubtful": choices.keep_doubtful,
        "made": anywhere(made),
    }
    earlier = _earlier(output)
    if earlier is not None and earlier != alike and not redo and _has_results(output):
        different = ", ".join(_different(earlier, alike))
        msg = (
            f"{output}: the results there were made with other choices ({different}); use "
            "--overwrite to make them again, or another folder"
        )
        raise OutputError(msg)
    texts = {
        CHOICES_FILE: _json(alike),
        DESCRIPTION: _json(_description(choices)),
        ".bidsignore": "".join(f"{line}\n" for line in _IGNORED),
        "README": _README,
        "dseg.tsv": _label_table(),
    }
    for name, text in texts.items():
        _update(output / name, text)


def is_results(output: Path) -> bool:
    """Tell whether a folder is one of results of `scgm cohort`."""
    return _earlier(output) is not None


def _has_results(output: Path) -> bool:
    """Tell whether any image has a result; where all have failed, other choices are no matter."""
    return any(any(output.glob(f"{place}/*_seg.json")) for place in ("sub-*/anat", "sub-*/*/anat"))


def _earlier(output: Path) -> dict[str, Any] | None:
    """Return how earlier results were made; None in a new folder.

    Raises
    ------
    OutputError
        If the folder is another program's.
    """
    try:
        content = json.loads((output / CHOICES_FILE).read_text(encoding="utf-8"))
        if isinstance(content, dict):
            made = content.get("made")
            return {**content, "made": anywhere(made)} if isinstance(made, dict) else content
    except FileNotFoundError:
        if not (output / DESCRIPTION).exists() and not any(output.glob("sub-*")):
            return None
    except (OSError, ValueError, RecursionError):
        pass
    msg = f"{output}: it is no folder of results of scgm cohort; give a new or an empty folder"
    raise OutputError(msg)


def _different(earlier: Mapping[str, Any], now: Mapping[str, Any], above: str = "") -> list[str]:
    """Name the choices that differ, with both values."""
    found = []
    for name in dict.fromkeys((*earlier, *now)):
        before, after = earlier.get(name), now.get(name)
        if isinstance(before, dict) and isinstance(after, dict):
            found += _different(before, after, f"{above}{name} ")
        elif before != after:
            found.append(f"{above}{name} {_word(before)}, now {_word(after)}")
    return [each.removeprefix("made ").removeprefix("options ") for each in found]


def _word(value: object) -> str:
    return "none" if value is None else str(value)[:40]


def _description(choices: CohortChoices) -> dict[str, Any]:
    place = _address(choices)
    return {
        "Name": "Gray matter of the spinal cord",
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": "derivative",
        "GeneratedBy": [
            {"Name": "scgm", "Version": __version__, "Description": "scgm cohort"},
        ],
        "SourceDatasets": [{"URL": place}],
        "DatasetLinks": {"raw": place},
    }


def _address(choices: CohortChoices) -> str:
    """Return where the images are: relative where the results lie in the same data set."""
    if choices.output.is_relative_to(choices.data):
        return os.path.relpath(choices.data, choices.output)
    return f"file://{quote(name_text(choices.data.as_posix()))}"


def _label_table() -> str:
    rows = [(value, WORDS[label], label.suffix) for label, value in LABEL_VALUES.items()]
    return table_text(("index", "name", "abbreviation"), rows, separator="\t")


def _json(content: Mapping[str, Any]) -> str:
    return json.dumps(content, indent=2) + "\n"


def _update(file: Path, text: str) -> None:
    """Write a file of ours, unless it is like that already."""
    try:
        if file.read_text(encoding="utf-8") == text:
            return
    except (OSError, ValueError):
        pass
    write_text(file, text)
