"""One image of a cohort, from its file to its results; whatever goes wrong is said, not raised."""

from __future__ import annotations

import json
import os
import threading
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Literal

from scgm.cohort.choices import CohortChoices
from scgm.cohort.derivatives import Derivatives
from scgm.cohort.scans import Scan
from scgm.cohort.subject_tables import write_subject_tables
from scgm.datasets.case import problem_of
from scgm.errors import ImageReadError, OutputError, PatientNamedError, sentence_of
from scgm.io.atomic import write_json
from scgm.io.dicom.sources import is_dicom
from scgm.io.transaction import repair
from scgm.segmentation.options import SegmentOptions, recorded
from scgm.segmentation.outputs import result_name
from scgm.segmentation.pipeline import open_segmenter, segment
from scgm.segmentation.status import nothing_ok
from scgm.segmenters.base import Segmenter
from scgm.version import __version__

State = Literal["done", "done already", "edited", "failed"]
TIMED_OUT_STATUS = 75
_loading = threading.Lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of an image.

    Attributes
    ----------
    name : str
        Of the result.
    source : str
        The image, within its folder.
    state : str
        "edited": somebody changed a file of the result, which is kept as it is.
    reason : str
        Why it failed.
    trace : str
        Traceback, where it is a fault of this program.
    """

    name: str
    source: str
    state: State
    reason: str = ""
    trace: str = ""


def process(scan: Scan, choices: CohortChoices) -> Outcome:
    """Segment an image unless it is done, write its files and the tables of its subject."""
    with _given_up_after(choices.timeout_s):
        try:
            return _process(scan, choices)
        except Exception as error:  # noqa: BLE001  whatever it is, the other images go on
            return failed(scan, choices, error)


def process_all(scans: Sequence[Scan], choices: CohortChoices) -> list[Outcome]:
    """Process images one after the other."""
    return [process(scan, choices) for scan in scans]


def failed(scan: Scan, choices: CohortChoices, error: Exception) -> Outcome:
    """Write down why an image has no result, as far as that can be written.

    A finished result of an earlier run stays; why it failed now is then only returned.
    """
    sentence = sentence_of(error)
    if isinstance(error, PatientNamedError):  # so would be the file that says it
        shown = str(error).partition(": ")[0]
        return Outcome(name=shown, source=shown, state="failed", reason=str(error))
    what = " ".join(f"{type(error).__name__}: {error}".split())
    reason = sentence or f"a fault of scgm, not of the image ({what})"
    trace = "" if sentence else "".join(traceback.format_exception(error))
    try:
        if _has_finished(scan, choices):
            reason = f"{reason}; the result of an earlier run is kept"
        else:
            _save_failure(scan, choices, reason)
        write_subject_tables(choices.subject_folder(scan.subject))
    except OutputError as problem:
        reason = f"{reason}; this cannot be written down: {problem}"
    return Outcome(name=scan.name, source=scan.source, state="failed", reason=reason, trace=trace)


def made_from(options: SegmentOptions, segmenter: Segmenter) -> dict[str, Any]:
    """Return what the records of all images say of how they were made, ready for JSON."""
    model = {"name": segmenter.name, **segmenter.provenance}
    settled = replace(options, method=segmenter.method_name)
    made = {"version": __version__, "method": segmenter.method_name, "model": model}
    fields: dict[str, Any] = json.loads(json.dumps({**made, "options": recorded(settled)}))
    return fields


def segmenter_of(options: SegmentOptions) -> Segmenter:
    """Return the method that *options* name, started once in each process."""
    with _loading:
        return _segmenter(options)


def load(options: SegmentOptions) -> None:
    """Start the method in this worker, before its first image is there."""
    segmenter_of(options)


@lru_cache(maxsize=1)
def _segmenter(options: SegmentOptions) -> Segmenter:
    return open_segmenter(options)


def _process(scan: Scan, choices: CohortChoices) -> Outcome:
    if choices.version != __version__:
        msg = f"this worker has version {__version__} of scgm, not {choices.version}; install it"
        return Outcome(name=scan.name, source=scan.source, state="failed", reason=msg)
    _require_unnamed(scan, choices)
    files = Derivatives(scan, choices)
    repair(files.folder)
    segmenter = segmenter_of(choices.options)
    options = _options(scan, choices)
    state = files.state(made_from(options, segmenter))
    if state:
        files.forget_failure()
    else:
        _segment(scan, files, options, segmenter)
    write_subject_tables(choices.subject_folder(scan.subject))
    words: dict[str, State] = {"done": "done already", "edited": "edited"}
    return Outcome(name=scan.name, source=scan.source, state=words.get(state, "done"))


def _options(scan: Scan, choices: CohortChoices) -> SegmentOptions:
    """Return the options, with a name where the file's own says nothing, as sub-01/t2s.nii.gz."""
    named = result_name(scan.image.name) == scan.name
    return choices.options if named else replace(choices.options, name=scan.name)


def _has_finished(scan: Scan, choices: CohortChoices) -> bool:
    """Tell whether an earlier run has finished this image, or may have: it cannot be read now."""
    files = Derivatives(scan, choices)
    if files.record is None:
        return False
    try:
        made = made_from(_options(scan, choices), segmenter_of(choices.options))
        return bool(files.known_state(made))
    except Exception:  # noqa: BLE001  whatever it is, a result that may be right is not removed
        return True


def _save_failure(scan: Scan, choices: CohortChoices, reason: str) -> None:
    files = Derivatives(scan, choices)
    try:
        files.save_failure(reason)
    except OutputError:  # something of another's is in the way: the reason goes beside it
        content = {"source": scan.source, "reason": reason}
        write_json(files.failure_file, content)


def _require_unnamed(scan: Scan, choices: CohortChoices) -> None:
    """Refuse DICOM whose folders are called by the patient, before anything is called by them."""
    if not choices.options.keep_identifiers and is_dicom(scan.image):
        from scgm.io.dicom.read import require_unnamed  # noqa: PLC0415  (for DICOM alone)

        require_unnamed(scan.image, scan.source)


def _segment(scan: Scan, files: Derivatives, options: SegmentOptions, segmenter: Segmenter) -> None:
    problem = scan.problem or (None if scan.image.is_dir() else problem_of(scan.image))
    if problem:
        msg = f"{scan.source}: {problem}"
        raise ImageReadError(msg)
    result = segment(scan.image, options, segmenter=segmenter)
    doubt = nothing_ok(result.status)
    if doubt and not files.choices.keep_doubtful:
        msg = f"{scan.source}: {doubt}, so nothing was written; look at it, or use --keep-doubtful"
        raise ImageReadError(msg)
    files.save(result)


@contextmanager
def _given_up_after(seconds: float) -> Iterator[None]:
    """End this worker, which may hang in a library, if it takes too long; another one begins."""
    if threading.current_thread() is threading.main_thread():  # no worker: nobody would go on
        yield
        return
    timer = threading.Timer(seconds, os._exit, (TIMED_OUT_STATUS,))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
