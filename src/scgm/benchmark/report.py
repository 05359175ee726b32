"""The report of a benchmark: Markdown, made of pure functions on scores."""

from __future__ import annotations

import math
import platform
from collections.abc import Mapping, Sequence

from scgm.benchmark.headline import Headline, headlines
from scgm.benchmark.model_selection import WITHOUT_SITE
from scgm.benchmark.plan import CORD_GIVEN, BenchmarkOptions, PlannedRun
from scgm.benchmark.published import (
    IN_PERCENT,
    METHODS,
    PUBLISHED,
    RATERS_AGREE,
    SOURCE,
    PublishedScore,
)
from scgm.benchmark.scores import MODES, PRIMARY, RunResult, ScoredResult, by_image
from scgm.benchmark.statistics import FEWEST_FOR_INTERVAL, Difference, fewest_units
from scgm.benchmark.tables import ALL, RATERS, Group, differences, methods_of
from scgm.datasets import DataSet
from scgm.evaluation.metrics import METRICS, Metric, Mode, Statistic, Summary
from scgm.version import __version__

FIGURES = "figures"

Rows = list[list[str]]
Differences = Mapping[tuple[Mode, str], Sequence[Difference]]

_MAIN = ("dice", "surface_dice", "assd_mm", "hausdorff95_mm", "area_error_percent")
_OUTSIDE = ("drawn outside the reference, ok", "drawn outside the reference, flagged")
_BY = ("dice", "assd_mm", "hausdorff95_mm")
_TITLES = {metric.name: metric for metric in METRICS}
_HOW = {
    "2d": "slice by slice, mean over the slices of the reference",
    "3d": "each volume at once, as the challenge did",
}


def compose(
    dataset: DataSet,
    results: Sequence[RunResult],
    comparisons: Sequence[ScoredResult],
    found: Sequence[Group],
    options: BenchmarkOptions,
    figures: Sequence[str] = (),
) -> str:
    """Return the whole report; *figures* are names of files in the folder ``figures``."""
    pairs = differences(comparisons)
    primary = PRIMARY.upper()
    sections = {
        **{mode_heading(mode): markdown(main_rows(found, results, mode)) for mode in MODES},
        f"Headline figures, Dice, {primary}": headline_table(headlines(comparisons)),
        f"Dice of each image, {primary}": image_table(comparisons),
        "Failures": failures_table(results),
        f"Differences between methods, {primary}": pairs_table(pairs, PRIMARY),
        f"By rater, {primary}": by_rater(found),
        f"By site, {primary}": by_site(found),
        **{f"All scores, {mode.upper()}": all_scores(found, mode) for mode in MODES},
        "What is published": _published(found) if options.published else "",
        "Model of each image": models_table([result.job for result in results]),
        "How to read this": _bullets([*notes(comparisons), *notes_on_rows(found)]),
        "Figures": "\n\n".join(f"![{name}]({FIGURES}/{name})" for name in figures),
    }
    body = [f"## {title}\n\n{text}" for title, text in sections.items() if text]
    return "\n\n".join([_opening(dataset, results, options), *body]) + "\n"


def _opening(dataset: DataSet, results: Sequence[RunResult], options: BenchmarkOptions) -> str:
    failures = sum(result.outcome.failed for result in results)
    unlabeled = len(dataset.cases) - len(dataset.labeled)
    text = (
        f"# Methods side by side on {dataset.name}\n\n"
        f"{len(dataset.labeled)} images with gray matter drawn on them; {unlabeled} without are "
        f"left out. {len(results)} runs, {failures} of them failed. scgm {__version__}, "
        f"{platform.system()} {platform.machine()}; processor threads: {options.threads}; each run "
        "in a process of its own, one at a time. Scores are mean (standard deviation) over "
        "comparisons of an image with a rater."
    )
    warnings = [*dataset.warnings, *image_warnings(results)]
    return f"{text}\n\n{_bullets(warnings)}" if warnings else text


def _published(found: Sequence[Group]) -> str:
    return f"{PUBLISHED_NOTE}\n\n{markdown(published_rows(found))}"


def _bullets(lines: Sequence[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """Return a table, its head first."""
    head, *body = rows
    lines = [head, ["---"] * len(head), *body]
    return "\n".join(f"| {' | '.join(map(_harmless, line))} |" for line in lines)


def main_rows(found: Sequence[Group], results: Sequence[RunResult], mode: Mode) -> Rows:
    """Return the methods by row: failures, main scores, time and memory."""
    head = [
        "method",
        "comparisons",
        "failures",
        "missed slices",
        *_OUTSIDE,
        *map(_title, _main(mode)),
    ]
    rows = [[*head, "s per image", "s with start", "peak MiB"]]
    for group in _chosen(found, mode, ALL, ALL):
        summary = group.summary
        slices = f"{summary.n_missed_slices} of {summary.n_slices}"
        scores = [_mean_std(summary.statistics.get(name)) for name in _main(mode)]
        counts = [str(summary.n), str(group.failures), slices, *_outside(summary)]
        rows.append([group.method, *counts, *scores, *_costs(group.method, results)])
    return rows


def _main(mode: Mode) -> tuple[str, ...]:
    """Return the main scores; beside the mean over slices stands the Dice of the volume."""
    return _MAIN if mode == "3d" else (_MAIN[0], "dice_3d", *_MAIN[1:])


def _outside(summary: Summary) -> list[str]:
    """Return how many of the slices without reference were drawn in, by status."""
    counts = (summary.n_false_ok_slices, summary.n_false_flagged_slices)
    total = summary.n_outside_slices
    return ["-" if count is None else f"{count} of {total}" for count in counts]


def headline_table(found: Sequence[Headline]) -> str:
    """Return the mean Dice over images, subjects and sites, each with its interval."""
    rows = [["method", "over", "n", "mean Dice", "95 % interval", "how"]]
    rows += [
        [
            each.method,
            f"{each.unit}s",
            str(each.n),
            _number(each.mean),
            "-" if math.isnan(each.low) else f"{each.low:.3f} to {each.high:.3f}",
            each.interval,
        ]
        for each in found
        if (each.mode, each.score) == (PRIMARY, "dice")
    ]
    return markdown(rows)


def image_table(comparisons: Sequence[ScoredResult]) -> str:
    """Return the Dice of every image, the methods by column."""
    names = methods_of(comparisons)
    dice = {
        name: by_image([c for c in comparisons if c.result.job.label == name], PRIMARY, "dice")
        for name in names
    }
    cases = {each.result.job.case.name: each.result.job.case for each in comparisons}
    rows = [["image", "subject", "site", *names]]
    for image, case in cases.items():
        cells = [_number(dice[name][image]) if image in dice[name] else "-" for name in names]
        rows.append([image, case.subject, case.site or "unknown", *cells])
    return markdown(rows)


def _costs(method: str, results: Sequence[RunResult]) -> list[str]:
    """Return mean seconds, mean seconds with start and highest memory where it did not fail."""
    done = [
        result.outcome
        for result in results
        if result.job.label == method and not result.outcome.failed
    ]
    if not done:
        return ["-", "-", "-"]
    seconds = [sum(each.seconds for each in done), sum(each.seconds_with_start for each in done)]
    return [
        *(f"{each / len(done):.2f}" for each in seconds),
        f"{max(d.peak_mib for d in done):.0f}",
    ]


def all_scores(found: Sequence[Group], mode: Mode) -> str:
    """Return every score by row, the methods by column."""
    chosen = _chosen(found, mode, ALL, ALL)
    rows = [["score", "SCGM", *(group.method for group in chosen)]]
    for metric in METRICS:
        cells = [_mean_std(group.summary.statistics.get(metric.name)) for group in chosen]
        if set(cells) != {"-"}:
            rows.append([_with_unit(metric), metric.challenge, *cells])
    return markdown(rows)


def by_site(found: Sequence[Group]) -> str:
    """Return the main scores of each site; "" where there is one site alone."""
    return _by("site", [group for group in found if group.site != ALL])


def by_rater(found: Sequence[Group]) -> str:
    """Return the main scores against each rater; "" where there is one rater alone."""
    return _by("rater", [group for group in found if group.rater != ALL])


def _by(what: str, found: Sequence[Group]) -> str:
    rows = [[what, "method", "comparisons", "failures", *map(_title, _BY)]]
    for group in found:
        if group.summary.mode == PRIMARY:
            scores = [_mean_std(group.summary.statistics.get(name)) for name in _BY]
            which: str = getattr(group, what)
            rows.append([which, group.method, str(group.summary.n), str(group.failures), *scores])
    return markdown(rows) if len(rows) > 1 else ""


def pairs_table(found: Differences, mode: Mode) -> str:
    """Return the differences of each pair of methods; "" for a single method."""
    rows = [["score", "pair", "subjects", "mean difference"]]
    rows[0] += ["mean over sites", "95 % interval", "p", "p, Holm"]
    for (which, name), some in found.items():
        if which == mode:
            rows.extend([_title(name), *_pair(each)] for each in some)
    return markdown(rows) if len(rows) > 1 else ""


def _pair(each: Difference) -> list[str]:
    mark = "" if each.informative else " (uninformative)"
    interval = "-" if math.isnan(each.low) else f"{each.low:+.3f} to {each.high:+.3f}"
    return [
        f"{each.first} - {each.second}",
        str(each.n),
        "-" if math.isnan(each.mean) else f"{each.mean:+.3f}",
        "-" if math.isnan(each.site_mean) else f"{each.site_mean:+.3f} ({each.sites})",
        interval,
        f"{_p(each.p)}{mark}",
        f"{_p(each.p_holm)}{mark}",
    ]


def failures_table(results: Sequence[RunResult]) -> str:
    """Return which method failed on which image, and why; "" if none did."""
    rows = [["method", "image", "reason"]]
    rows += [
        [result.job.label, result.job.case.name, result.outcome.reason]
        for result in results
        if result.outcome.failed
    ]
    return markdown(rows) if len(rows) > 1 else ""


def models_table(jobs: Sequence[PlannedRun]) -> str:
    """Return which model was run on which image, and whether its training used it."""
    rows = [["image", "site", "method", "model", "model and image"]]
    for job in jobs:
        site = job.case.site or "unknown"
        rows.append([job.case.name, site, job.label, job.model or "none", job.remark or "-"])
    return markdown(rows)


def published_rows(found: Sequence[Group], *, deviations: bool = True) -> Rows:
    """Return the published comparison, one's own methods below it, by the challenge's codes.

    A star marks what is published.
    """
    rows = [["method", *(_TITLES[name].challenge for name in PUBLISHED)]]
    for method in METHODS:
        scores = [(name, by_method[method]) for name, by_method in PUBLISHED.items()]
        cells = [_published_cell(name, score, deviations=deviations) for name, score in scores]
        rows.append([f"{method}*", *cells])
    for group in _chosen(found, "3d", ALL, ALL):
        statistics = [group.summary.statistics[name] for name in PUBLISHED]
        own = [_mean_std(each, deviations=deviations) for each in statistics]
        rows.append([group.method, *own])
    return rows


def _published_cell(name: str, score: PublishedScore, *, deviations: bool) -> str:
    digits = 4 if name in IN_PERCENT else 2
    mean = f"{score.mean:.{digits}f}"
    return f"{mean} ({score.std:.{digits}f})" if deviations else mean


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Return a table as plain text, narrower than any with a frame."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        " ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows
    )


PUBLISHED_NOTE = (
    f"**Published on other images** (rows with a star): {SOURCE}; 40 test subjects of the SCGM "
    "challenge, each compared with four raters. The other rows are of the images of this "
    "benchmark, scored in 3D: two rows differ by images, raters and methods together, so nothing "
    "can be ranked by them. Shares are fractions; MSD, HSD, SHD and SMD are in mm."
)


def image_warnings(results: Sequence[RunResult]) -> list[str]:
    """Return what was odd about the images, each sentence once with its image."""
    found = (
        f"{result.job.case.name}: {warning}"
        for result in results
        for warning in result.outcome.warnings
    )
    return list(dict.fromkeys(found))


def notes(comparisons: Sequence[ScoredResult]) -> list[str]:
    """Return what a reader must know to read the tables, one sentence each."""
    cases = {each.result.job.case.name: each.result.job.case for each in comparisons}
    subjects = {case.subject for case in cases.values()}
    found = [
        "A method that fails on an image is scored as if it had found nothing: Dice 0, and "
        "distances as large as the field of view, also where there is nothing to find. Nothing is "
        "left out, but a distance that is undefined (nothing drawn, nothing found) is in no mean.",
        "Differences, intervals and p values are taken per subject, over the mean of its images "
        "and raters; intervals are by Student's t, as wide as sites that differ demand, and none "
        f"is given below {FEWEST_FOR_INTERVAL} subjects; p is of the Wilcoxon signed-rank test, "
        "corrected by Holm for the number of pairs, within each score.",
        "Gray matter drawn in slices that the rater left out is in no mean over slices. It is "
        "counted by the status of the slice, and lowers the Dice of the volume; a rater may have "
        "left out a slice that shows gray matter.",
        "MSE and PSNR depend on how much background is shown; they are here to be compared with "
        "published numbers and rank nothing. Where a method gives a mask and no probabilities, "
        "they are of the mask.",
    ]
    methods = len(methods_of(comparisons))
    fewest = fewest_units(math.comb(methods, 2))
    if len(subjects) < fewest:
        found.append(
            f"There are {len(subjects)} subjects. With {methods} methods and fewer than {fewest} "
            "the corrected p cannot fall below 0.05, whatever the differences: uninformative."
        )
    if all(len(case.references) < 2 for case in cases.values()):
        found.append(
            "One rater drew on each image, so how far raters agree is not known here; "
            f"{RATERS_AGREE}."
        )
    if len(subjects) < len(cases):
        found.append(
            f"The {len(cases)} images show {len(subjects)} subjects. Images of one subject are "
            "not independent: they count as one in intervals and p values."
        )
    jobs = {each.result.job.key: each.result.job for each in comparisons}
    return [*found, *(f"**{sentence}**" for sentence in training_notes(list(jobs.values())))]


def training_notes(jobs: Sequence[PlannedRun]) -> list[str]:
    """Return a sentence for each method whose training may have used images of this benchmark.

    Its scores are too good then: they are of images that it was fitted to.
    """
    suspect: dict[str, list[bool]] = {}
    for job in jobs:
        left_out = not job.remark or job.remark.startswith(WITHOUT_SITE)
        suspect.setdefault(job.label, []).append(not left_out)
    return [
        f"{label}: its training may have seen {sum(seen)} of these {len(seen)} images or their "
        "sites, so its scores can be too good; use --models with models trained without the site"
        for label, seen in suspect.items()
        if any(seen)
    ]


def notes_on_rows(found: Sequence[Group]) -> list[str]:
    """Return what a reader must know of rows that are not plain methods."""
    names = {group.method for group in found}
    said = []
    if RATERS in names:
        said.append(
            f"The row “{RATERS}” compares each rater with each other one, both ways round: "
            "what a method that errs like a rater would reach. Raters take no part in the "
            "differences between methods."
        )
    if any(name.endswith(CORD_GIVEN) for name in names):
        said.append(
            f"A method named with “{CORD_GIVEN.strip(', ')}” was given the cord that a rater drew, "
            "on the images that have one. Compare it with its other row by the differences, which "
            "are of the images that both have."
        )
    return said


def mode_heading(mode: Mode) -> str:
    """Return what a way of scoring means."""
    return f"{mode.upper()} ({_HOW[mode]})"


def _chosen(found: Sequence[Group], mode: Mode, site: str, rater: str) -> list[Group]:
    return [
        group
        for group in found
        if (group.summary.mode, group.site, group.rater) == (mode, site, rater)
    ]


def _title(name: str) -> str:
    return _with_unit(_TITLES[name])


def _with_unit(metric: Metric) -> str:
    return f"{metric.title}, {metric.unit}" if metric.unit else metric.title


def _mean_std(found: Statistic | None, *, deviations: bool = True) -> str:
    if found is None or math.isnan(found.mean):
        return "-"
    mean = _number(found.mean)
    return f"{mean} ({found.std:.2g})" if deviations and not math.isnan(found.std) else mean


def _number(value: float) -> str:
    """Write three decimals, and more where they would look like 0 or 1."""
    if 0.999 < value < 1:
        return f"{value:.5f}"
    return f"{value:.2g}" if 0 < abs(value) < 0.01 else f"{value:.3f}"


def _p(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.2g}" if value < 0.1 else f"{value:.2f}"


def _harmless(cell: str) -> str:
    """Keep a file name from ending a cell."""
    return cell.replace("|", "\\|").replace("\n", " ")
