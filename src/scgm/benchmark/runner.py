"""Runs a method on an image in a process of its own, and keeps what came out.

For every job there are two files: ``KEY.npz``, which the worker wrote, and ``KEY.json``, which is
written last and holds the checksum of the other. A pair that fits is finished; anything else is run
again, and so is a failure, which can be the machine's.
"""

from __future__ import annotations

import json
import math
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scgm.benchmark.plan import PlannedRun, cord_rater
from scgm.benchmark.scratch import explained, new_scratch
from scgm.datasets import reference_masks
from scgm.errors import ModelError
from scgm.image.orientation import from_axial, to_axial
from scgm.io.hashing import sha256_of
from scgm.io.nifti.write import as_nifti, write_nifti
from scgm.io.read import read_volume
from scgm.segmentation.outputs import record_file

WORKER = (sys.executable, "-P", "-m", "scgm.benchmark.worker")

# Each of these libraries takes all processors unless told otherwise.
_THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS",
    "SCGM_THREADS",
)
_SAVED = "saved"
_REFUSED = 1  # the status of a worker that explains itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of one method on one image.

    Parameters
    ----------
    key : str
        Of the job.
    reason : str
        Why it failed; "" if it did not.
    seconds : float
        From the image's file to the masks, the method being ready; NaN if it failed.
    seconds_with_start : float
        The whole process: start, imports, model, image, writing.
    peak_mib : float
        Most memory that the process held; NaN if it failed.
    mask_only : bool
        Whether the method gave a mask and no probabilities.
    sha256 : str
        Checksum of the file of masks; "" if it failed.
    warnings : tuple of str
        What was odd about the image.
    """

    key: str
    reason: str = ""
    seconds: float = math.nan
    seconds_with_start: float = math.nan
    peak_mib: float = math.nan
    mask_only: bool = False
    sha256: str = ""
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "warnings", tuple(self.warnings))

    @property
    def failed(self) -> bool:
        """Whether there is no result."""
        return bool(self.reason)


@dataclass(frozen=True, slots=True)
class Runner:
    """Runs jobs one after the other, and finds those that were run before.

    Parameters
    ----------
    folder : Path
        Where results are kept.
    timeout_s : float
        Seconds after which a job has failed.
    worker : tuple of str
        The program of a worker, up to its two arguments.
    keep_results : bool
        Whether the files of a result are kept, too, in a folder ``KEY``.
    """

    folder: Path
    timeout_s: float
    worker: tuple[str, ...] = WORKER
    keep_results: bool = False

    def finished(self, job: PlannedRun) -> Outcome | None:
        """Return what came of a job before, or None if it has to be run."""
        try:
            fields = json.loads((self.folder / f"{job.key}.json").read_bytes())
            outcome = Outcome(**fields)
            content = (self.folder / f"{job.key}.npz").read_bytes()
        except (OSError, ValueError, TypeError):
            return None
        whole = outcome.key == job.key and outcome.sha256 == sha256_of(content)
        whole = whole and (not self.keep_results or self.record(outcome) is not None)
        return outcome if whole else None  # a failure has no checksum, so it is never whole

    def check_start(self, job: PlannedRun) -> None:
        """Make sure that the method of a job can start at all.

        Raises
        ------
        ModelError
            With the reason that the method gives.
        """
        with tempfile.TemporaryDirectory() as scratch:
            status, reason, _ = self._process(job, Path(scratch), None)
        if status == _REFUSED:
            msg = f"method {job.label} cannot start: {reason}"
            raise ModelError(msg)

    def run(self, job: PlannedRun) -> Outcome:
        """Run a job; whatever becomes of it is kept.

        Raises
        ------
        OutputError
            If the result cannot be kept.
        """
        with explained(self.folder), new_scratch(self.folder) as scratch:
            status, reason, seconds = self._process(job, Path(scratch), job.case.image)
            result = Path(scratch, "result.npz")
            if status == 0:
                outcome = _outcome(job, result, seconds)
            else:
                outcome = Outcome(key=job.key, reason=reason, seconds_with_start=seconds)
            if not outcome.failed:
                result.replace(self.folder / f"{job.key}.npz")
                self._keep_result(job, Path(scratch, _SAVED))
            record = Path(scratch, "record.json")
            record.write_text(json.dumps(asdict(outcome), indent=2) + "\n", encoding="utf-8")
            record.replace(self.folder / f"{job.key}.json")
        return outcome

    def masks(self, outcome: Outcome) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
        """Return mask and probabilities (Z, Y, X) of a result."""
        with np.load(self.folder / f"{outcome.key}.npz", allow_pickle=False) as arrays:
            return arrays["mask"], arrays["soft"]

    def record(self, outcome: Outcome) -> Path | None:
        """Return the record of a result that is kept as files; None if there is none."""
        return next((self.folder / outcome.key).glob(f"*{record_file('')}"), None)

    def ok_slices(self, outcome: Outcome) -> NDArray[np.bool_] | None:
        """Return which slices (Z,) the method did not flag; None if the worker did not say."""
        with np.load(self.folder / f"{outcome.key}.npz", allow_pickle=False) as arrays:
            ok: NDArray[np.bool_] | None = arrays.get("ok", None)
        return ok

    def _keep_result(self, job: PlannedRun, saved: Path) -> None:
        """Put the files of a result in the place of those of an earlier run."""
        if saved.is_dir():
            place = self.folder / job.key
            if place.exists():
                place.rename(saved.with_name("earlier"))  # removed with the temporary folder
            saved.rename(place)

    def _process(
        self, job: PlannedRun, scratch: Path, image: Path | None
    ) -> tuple[int, str, float]:
        """Run a worker; return its status, why it failed, and the seconds it took."""
        description = scratch / "job.json"
        fields = {
            "image": None if image is None else str(image),
            "method": job.method,
            "model": job.model,
            "cord_model": job.cord_model,
            "cord": None if image is None else _save_cord(job, scratch),
            "threads": job.threads,
            "parent": os.getpid(),
            "name": _plain(job.case.name),
            "save": str(scratch / _SAVED) if self.keep_results else None,
        }
        description.write_text(json.dumps(fields), encoding="utf-8")
        command = (*self.worker, str(description), str(scratch / "result.npz"))
        environment = os.environ | dict.fromkeys(_THREAD_VARIABLES, str(job.threads))
        started = time.perf_counter()
        try:
            ended = subprocess.run(  # noqa: S603  (this Python, this package)
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env=environment,
                timeout=self.timeout_s,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return -signal.SIGTERM, f"not done after {self.timeout_s:g} s", self.timeout_s
        seconds = time.perf_counter() - started
        return ended.returncode, _reason(ended.returncode, ended.stderr), seconds


def _plain(name: str) -> str:
    """Return the name of an image as that of a file."""
    return re.sub(r"[/\\\0]", "_", name)


def _save_cord(job: PlannedRun, folder: Path) -> str | None:
    """Write the cord that a method is given; return the file, None if it has to find the cord."""
    rater = cord_rater(job.case) if job.cord_given else None
    if rater is None:
        return None
    volume = read_volume(job.case.image)
    stack = to_axial(volume)
    cord = reference_masks(job.case, rater, stack)[1]
    assert cord is not None
    path = folder / "cord.nii.gz"
    write_nifti(as_nifti(from_axial(stack, cord), volume, dtype=np.uint8), path)
    return str(path)


def _outcome(job: PlannedRun, result: Path, seconds_with_start: float) -> Outcome:
    """Read what a worker wrote, to be sure that it can be read."""
    try:
        content = result.read_bytes()
        with np.load(result, allow_pickle=False) as arrays:
            mask, soft = arrays["mask"], arrays["soft"]
            seconds, peak_mib = float(arrays["seconds"]), float(arrays["peak_mib"])
            warnings = tuple(map(str, arrays["warnings"])) if "warnings" in arrays else ()
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        return Outcome(
            key=job.key,
            reason=f"it ended without a result that can be read ({type(error).__name__})",
            seconds_with_start=seconds_with_start,
        )
    return Outcome(
        key=job.key,
        seconds=seconds,
        seconds_with_start=seconds_with_start,
        peak_mib=peak_mib,
        mask_only=bool(np.array_equal(soft, mask)),
        sha256=sha256_of(content),
        warnings=warnings,
    )


def _reason(status: int, stderr: bytes) -> str:
    """Say in one line why a worker failed: its last word, or how it ended."""
    if status == 0:
        return ""
    if status < 0:
        return f"the process was ended by {_signal_name(-status)}"
    lines = stderr.decode("utf-8", "replace").split("\n")
    words = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return words or f"the process ended with status {status}"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def as_record(outcome: Outcome) -> dict[str, Any]:
    """Return the fields of an outcome that go into tables."""
    return {
        "state": "failed" if outcome.failed else "done",
        "reason": outcome.reason,
        "seconds": outcome.seconds,
        "seconds_with_start": outcome.seconds_with_start,
        "peak_mib": outcome.peak_mib,
        "warnings": "; ".join(outcome.warnings),
    }
