"""What a benchmark runs: which method, with which cord, on which image; and under which key."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from scgm.benchmark.model_selection import SelectedModel, read_offers, select_model
from scgm.datasets import DataCase, DataSet
from scgm.errors import UsageError
from scgm.io.hashing import sha256_of, sha256_of_file
from scgm.segmenters.registry import METHODS
from scgm.version import __version__

DEFAULT_TIMEOUT_S = 600.0
CORD_GIVEN = ", cord given"  # what it adds to the name of a method

Cord = Literal["found", "given", "both"]

# Raised whenever a result of the worker changes its meaning: earlier results are run again.
_FORMAT = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchmarkOptions:
    """What all methods of a benchmark have in common.

    Parameters
    ----------
    models : Path, optional
        Folder of models and atlases with cards. Each method uses, for each image, the one that
        was trained without the image's site.
    weights : Path, optional
        File of published weights, for the methods ``ddc-published``, ``-constants`` and ``-found``.
    cord : "found", "given" or "both"
        Whether the methods find the cord, or are given the raters' (on the images that have one),
        or both, as two methods.
    threads : int
        Processor threads of each method.
    timeout_s : float
        Seconds after which a method has failed on an image.
    published : bool
        Print the published comparison beside the results.
    keep_results : bool
        Keep masks, probabilities and records of all runs, as ``scgm segment`` writes them.
    """

    models: Path | None = None
    weights: Path | None = None
    cord: Cord = "found"
    threads: int = 1
    timeout_s: float = DEFAULT_TIMEOUT_S
    published: bool = False
    keep_results: bool = False

    def __post_init__(self) -> None:
        if not (math.isfinite(self.timeout_s) and self.timeout_s > 0):
            msg = f"the timeout must be a number of seconds above 0, not {self.timeout_s}"
            raise UsageError(msg)


@dataclass(frozen=True, slots=True)
class AskedMethod:
    """A method as it is asked for: ``NAME``, or ``NAME=MODEL`` with a model of one's own."""

    label: str
    name: str
    model: str | None
    cord_given: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRun:
    """One method on one image; its key is the same if and only if its result must be.

    Parameters
    ----------
    label, method : str
        What tables call it; the name out of `scgm.methods`.
    model, cord_model : str or None
        Name or file of the model that the method is given, and of the one that finds the cord.
    cord_given : bool
        Whether the method is given the cord that a rater drew.
    case : DataCase
        The image.
    threads : int
        Processor threads.
    remark : str
        What is known of the model having seen the image.
    key : str
        Checksum of image, method, model, options and version.
    """

    label: str
    method: str
    model: str | None
    cord_model: str | None = None
    cord_given: bool = False
    case: DataCase
    threads: int
    remark: str
    key: str


def read_methods(asked: Sequence[str]) -> tuple[AskedMethod, ...]:
    """Read what the user asks for.

    Raises
    ------
    UsageError
        If nothing is asked for, a method is unknown or two would have one name in the tables.
    """
    if not asked:
        msg = f"name the methods to compare with --method; known: {', '.join(METHODS)}"
        raise UsageError(msg)
    methods: list[AskedMethod] = []
    for text in asked:
        name, _, model = text.partition("=")
        if name not in METHODS:
            msg = f"--method {text}: there is no method {name!r}; known: {', '.join(METHODS)}"
            raise UsageError(msg)
        label = f"{name}={Path(model).stem}" if model else name
        if label in (method.label for method in methods):
            msg = f"--method {text}: there are two methods {label!r}; ask for each once"
            raise UsageError(msg)
        methods.append(AskedMethod(label, name, model or None))
    return tuple(methods)


def make_plan(
    dataset: DataSet, methods: Sequence[AskedMethod], options: BenchmarkOptions
) -> tuple[PlannedRun, ...]:
    """Say what has to be run: every method on every labeled image.

    Raises
    ------
    UsageError
        If models are given, but no method that takes them.
    ModelError
        If a model cannot be used, or none was trained without the site of an image.
    """
    asked = _with_cords(methods, options.cord)
    if options.models is not None and not any(map(_takes_unseen, asked)):
        msg = "--models has no effect on the selected methods; omit it"
        raise UsageError(msg)
    if options.weights is not None and not any(map(_takes_weights, asked)):
        msg = "--weights is for the methods ddc-published..., and none of them is asked for"
        raise UsageError(msg)
    offers = {} if options.models is None else read_offers(options.models)
    jobs = []
    for case in dataset.labeled:
        image_sha256 = sha256_of_file(case.image)
        for method in asked:
            if method.cord_given and cord_rater(case) is None:
                continue
            weights = options.weights if _takes_weights(method) else None
            chosen = select_model(method.name, method.model or weights, case, offers)
            jobs.append(_job(method, case, chosen, options.threads, image_sha256))
    if not jobs:
        msg = f"{dataset.root}: no image has a cord drawn on it, so none can be given"
        raise UsageError(msg)
    return tuple(jobs)


def count_runs(dataset: DataSet, methods: int, cord: Cord) -> int:
    """Return how many runs a number of methods makes."""
    with_cord = sum(cord_rater(case) is not None for case in dataset.labeled)
    found, given = len(dataset.labeled) * (cord != "given"), with_cord * (cord != "found")
    return methods * (found + given)


def cord_rater(case: DataCase) -> str | None:
    """Return the first rater who drew gray matter and, as such or as white matter, the cord."""
    drawn = case.references
    return next((name for name in case.raters if drawn[name].cord or drawn[name].wm), None)


def _takes_weights(method: AskedMethod) -> bool:
    return METHODS[method.name].learned == "published" and method.model is None


def _takes_unseen(method: AskedMethod) -> bool:
    kind = METHODS[method.name]
    return kind.needs_cord or (kind.learned == "graph" and method.model is None)


def _with_cords(methods: Sequence[AskedMethod], cord: Cord) -> list[AskedMethod]:
    """Return the methods with the cord found, given, or each in both ways."""
    given = [
        replace(method, label=f"{method.label}{CORD_GIVEN}", cord_given=True) for method in methods
    ]
    if cord == "both":
        return [each for pair in zip(methods, given, strict=True) for each in pair]
    return given if cord == "given" else list(methods)


def _job(
    method: AskedMethod, case: DataCase, chosen: SelectedModel, threads: int, image_sha256: str
) -> PlannedRun:
    identity = {
        "image": image_sha256,
        "method": method.name,
        "model": chosen.identity,
        "cord_given": method.cord_given and _cord_identity(case),
        "threads": threads,
        "scgm": __version__,
        "format": _FORMAT,
    }
    text = json.dumps(identity, sort_keys=True)
    return PlannedRun(
        label=method.label,
        method=method.name,
        model=chosen.model,
        cord_model=chosen.cord_model,
        cord_given=method.cord_given,
        case=case,
        threads=threads,
        remark=chosen.remark,
        key=sha256_of(text),
    )


def _cord_identity(case: DataCase) -> list[str]:
    """Return what decides the cord that is given: checksums of its files, and labels in them."""
    rater = cord_rater(case)
    assert rater is not None
    drawn = case.references[rater]
    labels = str([drawn.gm_value, drawn.wm_value, drawn.cord_value])
    return [*(sha256_of_file(file) for file in drawn.files), labels]


def describe(dataset: DataSet, jobs: Sequence[PlannedRun]) -> str:
    """Return the plan as JSON: two benchmarks are the same if these are."""
    plan = {
        "scgm": __version__,
        "dataset": str(dataset.root.resolve()),
        "runs": [
            {
                "method": job.label,
                "image": job.case.name,
                "model": job.model,
                "cord_model": job.cord_model,
                "key": job.key,
            }
            for job in jobs
        ],
    }
    return json.dumps(plan, indent=2) + "\n"
