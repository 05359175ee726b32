"""The tables of a benchmark as CSV: cases, summary, statistics."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields

from scgm.benchmark.runner import as_record
from scgm.benchmark.scores import MODES, ScoredResult, by_subject, site_of, sites_of
from scgm.benchmark.statistics import Difference, compare_methods
from scgm.evaluation.metrics import METRICS, CaseScores, Mode, Summary, summarize
from scgm.io.tables import table_text

ALL = "all"
RATERS = "raters among themselves"

# One score of each kind: overlap, border, its worst part, size. More tests would find more chance.
TESTED = ("dice", "assd_mm", "hausdorff95_mm", "area_error_abs_percent")

_COUNTS = (
    *("n_slices", "n_missed", "n_false", "n_outside", "n_false_ok", "n_false_flagged"),
    *("tolerance_mm", "n_window", "n_slice"),
)
_STATISTIC = ("mean", "std", "median", "n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Some comparisons of one method, summarized.

    Parameters
    ----------
    method : str
        Its name in tables.
    site, rater : str
        Of the comparisons; "all" where they are not told apart.
    failures : int
        Images among them on which the method failed.
    summary : Summary
        Each comparison counts once: with several raters an image counts several times, as in the
        published tables.
    """

    method: str
    site: str
    rater: str
    failures: int
    summary: Summary


def methods_of(comparisons: Iterable[ScoredResult]) -> list[str]:
    """Return the methods in the order in which they were asked for."""
    return list(dict.fromkeys(each.result.job.label for each in comparisons))


def groups(comparisons: Sequence[ScoredResult]) -> list[Group]:
    """Summarize each method over everything, by site and by rater."""
    sites = sorted({site_of(each) for each in comparisons})
    names = sorted({each.rater for each in comparisons})
    cuts = [(ALL, ALL)]
    cuts += [(site, ALL) for site in sites if len(sites) > 1]
    cuts += [(ALL, rater) for rater in names if len(names) > 1]
    return [
        found
        for site, rater in cuts
        for mode in MODES
        for method in methods_of(comparisons)
        if (found := _group(comparisons, method, mode, site, rater))
    ]


def _group(
    comparisons: Sequence[ScoredResult], method: str, mode: Mode, site: str, rater: str
) -> Group | None:
    chosen = [
        each
        for each in comparisons
        if each.result.job.label == method
        and each.scores.mode == mode
        and site in (ALL, site_of(each))
        and rater in (ALL, each.rater)
    ]
    if not chosen:
        return None
    failed = {each.result.job.case.name for each in chosen if each.result.outcome.failed}
    summary = summarize(each.scores for each in chosen)
    return Group(method=method, site=site, rater=rater, failures=len(failed), summary=summary)


def agreement_groups(found: Mapping[Mode, Sequence[CaseScores]]) -> list[Group]:
    """Summarize how far raters agree among themselves, as if that were a method."""
    return [
        Group(method=RATERS, site=ALL, rater=ALL, failures=0, summary=summarize(pairs))
        for pairs in found.values()
        if pairs
    ]


def differences(comparisons: Sequence[ScoredResult]) -> dict[tuple[Mode, str], list[Difference]]:
    """Compare all pairs of methods by each score that is tested, by (mode, score)."""
    of_method: dict[str, list[ScoredResult]] = {name: [] for name in methods_of(comparisons)}
    for each in comparisons:
        of_method[each.result.job.label].append(each)
    sites = sites_of(comparisons)
    return {
        (mode, name): compare_methods(
            {method: by_subject(some, mode, name) for method, some in of_method.items()}, sites
        )
        for mode in MODES
        for name in TESTED
    }


def cases_csv(comparisons: Sequence[ScoredResult]) -> str:
    """Return one row for each method, image, rater and way of scoring."""
    names = [metric.name for metric in METRICS]
    rows: list[dict[str, object]] = []
    for each in comparisons:
        job = each.result.job
        rows.append(
            {
                "method": job.label,
                "image": job.case.name,
                "site": site_of(each),
                "subject": job.case.subject,
                "rater": each.rater,
                "mode": each.scores.mode,
                "model": job.model or "",
                "model_and_image": job.remark,
                **as_record(each.result.outcome),
                **{name: getattr(each.scores, name) for name in _COUNTS},
                **{name: each.scores.values.get(name, math.nan) for name in names},
            }
        )
    return _csv(rows)


def summary_csv(found: Sequence[Group]) -> str:
    """Return one row for each method, site, rater, way of scoring and score."""
    return _csv(
        {
            "method": group.method,
            "site": group.site,
            "rater": group.rater,
            "mode": group.summary.mode,
            "score": metric.name,
            **{name: getattr(group.summary.statistics[metric.name], name) for name in _STATISTIC},
            "failures": group.failures,
            "missed_slices": group.summary.n_missed_slices,
            "slices": group.summary.n_slices,
            "false_ok": group.summary.n_false_ok_slices,
            "false_flagged": group.summary.n_false_flagged_slices,
            "outside": group.summary.n_outside_slices,
        }
        for group in found
        for metric in METRICS
        if metric.name in group.summary.statistics
    )


def statistics_csv(found: Mapping[tuple[Mode, str], Sequence[Difference]]) -> str:
    """Return one row for each pair of methods, way of scoring and score; head alone without any."""
    head = ["mode", "score", *(field.name for field in fields(Difference)), "informative"]
    rows = (
        [mode, name, *asdict(each).values(), each.informative]
        for (mode, name), some in found.items()
        for each in some
    )
    return table_text(head, rows)


def _csv(rows: Iterable[Mapping[str, object]]) -> str:
    """Return rows with the same keys as CSV, the keys as its head."""
    listed = list(rows)
    return table_text(list(listed[0]), (list(row.values()) for row in listed)) if listed else ""
