"""The line of a benchmark: plan, run, score, write."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from scgm.benchmark import tables
from scgm.benchmark.headline import headline_csv, headlines
from scgm.benchmark.plan import BenchmarkOptions, PlannedRun, describe, make_plan, read_methods
from scgm.benchmark.report import FIGURES, compose
from scgm.benchmark.runner import WORKER, Runner
from scgm.benchmark.scores import (
    PRIMARY,
    RunResult,
    ScoredResult,
    SliceArea,
    band_reliability,
    by_image,
    raters_of,
    score_all,
)
from scgm.benchmark.scratch import explained, new_scratch, remove_stale
from scgm.datasets import DataSet
from scgm.errors import DataSetError, OutputError
from scgm.evaluation.metrics.calibration import Reliability
from scgm.io.font_cache import use_quiet_font_cache

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PLAN = "benchmark.json"
RUNS = "runs"
TABLES = ("cases.csv", "summary.csv", "statistics.csv", "headline.csv", "report.md")


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """A benchmark that was run.

    Parameters
    ----------
    results : tuple of RunResult
        One for each method and image.
    groups : tuple of Group
        The summaries.
    files : tuple of Path
        What was written, the report first.
    kept : mapping
        Where results are kept as files: their records, and the mean 2D Dice of each.
    """

    results: tuple[RunResult, ...]
    groups: tuple[tables.Group, ...]
    files: tuple[Path, ...]
    kept: Mapping[Path, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BenchmarkFolder:
    """Where a benchmark is kept.

    Parameters
    ----------
    path : Path
        The folder; made where it is missing.
    overwrite : bool
        Whether tables and figures of another benchmark may be replaced.
    worker : tuple of str
        The program of a worker, for tests.
    """

    path: Path
    overwrite: bool = False
    worker: tuple[str, ...] = WORKER

    def claim(self, plan: str) -> None:
        """Make the folder, and write down whose it is.

        Raises
        ------
        OutputError
            If it holds another benchmark, or files that would be replaced, and *overwrite* is not
            set; or it cannot be written.
        """
        path = self.path / PLAN
        same = path.is_file() and path.read_bytes() == plan.encode()
        held = [name for name in (PLAN, *TABLES, FIGURES) if os.path.lexists(self.path / name)]
        if held and not same and not self.overwrite:
            msg = (
                f"{self.path / held[0]}: it is there already, and not of this benchmark (other "
                "data, methods, models or version); use --overwrite, or another --output folder"
            )
            raise OutputError(msg)
        with explained(self.path):
            (self.path / RUNS).mkdir(parents=True, exist_ok=True)
        for folder in (self.path, self.path / RUNS):
            remove_stale(folder)
        self.write({PLAN: plan})

    def write(
        self, texts: Mapping[str, str], figures: Mapping[str, Figure] | None = None
    ) -> list[Path]:
        """Write files, each whole or not at all; return their paths.

        Raises
        ------
        OutputError
            If one cannot be written.
        """
        written = []
        with explained(self.path), new_scratch(self.path) as scratch:
            for name, text in texts.items():
                part = Path(scratch, name)
                part.write_text(text, encoding="utf-8")
                written.append(part.replace(self.path / name))
            for name, figure in (figures or {}).items():
                part = Path(scratch, "figure.png")
                figure.savefig(part)
                (self.path / FIGURES).mkdir(exist_ok=True)
                written.append(part.replace(self.path / FIGURES / name))
        return written


def run_benchmark(
    dataset: DataSet,
    methods: Sequence[str],
    folder: BenchmarkFolder,
    options: BenchmarkOptions,
    advance: Callable[[str], None] = lambda _: None,
) -> Benchmark:
    """Run methods side by side on the labeled images of a data set.

    Parameters
    ----------
    dataset : DataSet
        Images with what raters drew on them.
    methods : sequence of str
        Names out of `scgm.methods`, or ``NAME=MODEL``.
    folder : BenchmarkFolder
        Where results go. What was finished there before is not run again.
    options : BenchmarkOptions
        What all methods have in common.
    advance : callable
        Told in a few words of each run that is over.

    Returns
    -------
    Benchmark
        Scores and files.

    Raises
    ------
    UsageError
        If the methods or options make no sense.
    ModelError
        If a model cannot be used, or a method cannot start.
    OutputError
        If the folder holds something else, or cannot be written.
    ScgmError
        If an image or a reference cannot be read: found before anything is run.
    """
    if not dataset.labeled:
        msg = (
            f"{dataset.root}: no image of it has gray matter drawn on it, so nothing can be scored"
        )
        raise DataSetError(msg)
    jobs = make_plan(dataset, read_methods(methods), options)
    agreement = raters_of(dataset.labeled)
    folder.claim(describe(dataset, jobs))
    runner = Runner(folder.path / RUNS, options.timeout_s, folder.worker, options.keep_results)
    results = _run_all(jobs, runner, advance)
    comparisons: list[ScoredResult] = []
    slices: list[SliceArea] = []
    for of_case, slices_of_case in score_all(results, runner):
        comparisons += of_case
        slices += slices_of_case
    groups = [*tables.groups(comparisons), *tables.agreement_groups(agreement)]
    figures = _figures(comparisons, slices, band_reliability(results, runner), runner)
    found = tables.differences(comparisons)
    texts = {
        "report.md": compose(dataset, results, comparisons, groups, options, tuple(figures)),
        "cases.csv": tables.cases_csv(comparisons),
        "summary.csv": tables.summary_csv(groups),
        "statistics.csv": tables.statistics_csv(found),
        "headline.csv": headline_csv(headlines(comparisons)),
    }
    files = folder.write(texts, figures)
    return Benchmark(
        results=tuple(results),
        groups=tuple(groups),
        files=tuple(files),
        kept=_kept(results, comparisons, runner) if options.keep_results else {},
    )


def _kept(
    results: Sequence[RunResult], comparisons: Sequence[ScoredResult], runner: Runner
) -> dict[Path, float]:
    """Return the record and the Dice of each result that is kept as files."""
    kept = {}
    for result in results:
        record = None if result.outcome.failed else runner.record(result.outcome)
        if record is not None:
            own = [each for each in comparisons if each.result is result]
            kept[record] = by_image(own, PRIMARY, "dice")[result.job.case.name]
    return kept


def _run_all(
    jobs: Sequence[PlannedRun], runner: Runner, advance: Callable[[str], None]
) -> list[RunResult]:
    """Run what is not finished; every method has to start before anything is run."""
    finished = {job.key: runner.finished(job) for job in jobs}
    waiting = [job for job in jobs if finished[job.key] is None]
    for job in {(job.label, job.model): job for job in waiting}.values():
        runner.check_start(job)
    results = []
    for job in jobs:
        before = finished[job.key]
        outcome = before or runner.run(job)
        results.append(RunResult(job, outcome))
        what = "finished before" if before else outcome.reason or f"{outcome.seconds:.2f} s"
        advance(f"{job.label}, {job.case.name}: {what}")
    return results


def _figures(
    comparisons: Sequence[ScoredResult],
    slices: Sequence[SliceArea],
    curves: Mapping[str, Reliability],
    runner: Runner,
) -> dict[str, Figure]:
    """Draw all figures, by their file names."""
    use_quiet_font_cache()
    from scgm.benchmark import plots  # noqa: PLC0415  (imports matplotlib)

    names = tables.methods_of(comparisons)
    of_method = {
        name: [each for each in comparisons if each.result.job.label == name] for name in names
    }
    areas = {name: [each for each in slices if each.result.job.label == name] for name in names}
    dice = {name: by_image(some, PRIMARY, "dice") for name, some in of_method.items()}
    failed = {
        name: {each.result.job.case.name for each in some if each.result.outcome.failed}
        for name, some in of_method.items()
    }
    figures = {"dice.png": plots.dice_figure(dice, failed), "areas.png": plots.area_figure(areas)}
    if curves:
        figures["reliability.png"] = plots.reliability_figure(curves)
    for name, some in areas.items():
        if some:
            figures[_figure_name(name, figures)] = plots.worst_figure(name, some, runner)
    return figures


def _figure_name(method: str, used: Mapping[str, object]) -> str:
    """Return a file name for a method's figure that no other method has."""
    safe = "".join(letter if letter.isalnum() or letter in "-_" else "_" for letter in method)
    name, number = f"worst_{safe[:80]}.png", 1
    while name in used:
        number += 1
        name = f"worst_{safe[:80]}_{number}.png"
    return name
