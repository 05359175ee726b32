"""Scores as a table for programs, as JSON, and as a table for people."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from scgm.evaluation.compare import Evaluation, FileComparison
from scgm.evaluation.metrics import METRICS, Statistic, Summary, summarize
from scgm.io.tables import table_text
from scgm.version import __version__

_COUNTS = (
    *("mode", "n_slices", "n_missed", "n_false", "n_outside", "n_false_ok", "n_false_flagged"),
    *("tolerance_mm", "n_window", "n_slice"),
)


def as_table(evaluations: Mapping[str, Sequence[Evaluation]], *, separator: str = ",") -> str:
    """Return one row for each comparison, with its counts and all of its scores.

    Parameters
    ----------
    evaluations : mapping of str to sequence of Evaluation
        By label, as "GM"; "" where it is not known.
    separator : str
        Between cells: "," for CSV, tab for TSV.

    Returns
    -------
    str
        The head has the names of `scgm.evaluation.metrics.METRICS`. What is undefined is an
        empty cell. The last column holds the warnings about the files.
    """
    names = [metric.name for metric in METRICS]
    rows = (
        [
            *(label, each.prediction, each.reference),
            *(getattr(each.scores, count) for count in _COUNTS),
            *(each.scores.values.get(name) for name in names),
            "; ".join(found.warnings),
        ]
        for label, some in evaluations.items()
        for found in some
        for each in found.comparisons
    )
    head = ["label", "prediction", "reference", *_COUNTS, *names, "warnings"]
    return table_text(head, rows, separator=separator)


def as_json(evaluations: Mapping[str, Sequence[Evaluation]]) -> str:
    """Return everything as JSON: scores of cases and of slices, raters, summaries, warnings.

    NaN, which is undefined, is null; what is infinite is the text "inf" or "-inf".
    """
    record = {
        "scgm": __version__,
        "labels": [
            {
                "label": label,
                "summary": _plain(asdict(summary_of(_comparisons(some)))),
                "summary_between_raters": _raters_summary(some),
                "cases": [_plain(asdict(each)) for each in some],
            }
            for label, some in evaluations.items()
        ],
    }
    return json.dumps(record, indent=2, allow_nan=False) + "\n"


def summary_rows(evaluations: Sequence[Evaluation]) -> list[list[str]]:
    """Return a table for people: one row for each score, its head first.

    Its columns are mean, std and median over the comparisons (or the value of a single one) and,
    where there are several raters, the mean between them.
    """
    summary = summary_of(_comparisons(evaluations))
    raters = [each for some in evaluations for each in some.between_raters]
    between = summary_of(raters).statistics if raters else {}
    single = summary.n == 1
    head = ["score", "unit", "SCGM", *(["value"] if single else ["mean", "std", "median", "n"])]
    rows = [[*head, *(["between raters"] if raters else [])]]
    for metric in METRICS:
        found = summary.statistics.get(metric.name)
        if found is None:
            continue
        cells = [_shown(found.mean)] if single else _statistic(found)
        rater = between.get(metric.name)
        also = [_shown(rater.mean) if rater else ""] if raters else []
        rows.append([metric.title, metric.unit, metric.challenge, *cells, *also])
    return rows


def summary_of(comparisons: Sequence[FileComparison]) -> Summary:
    """Summarize comparisons, each of which is a case."""
    return summarize(each.scores for each in comparisons)


def _comparisons(evaluations: Sequence[Evaluation]) -> list[FileComparison]:
    return [each for some in evaluations for each in some.comparisons]


def _raters_summary(evaluations: Sequence[Evaluation]) -> Any:
    raters = [each for some in evaluations for each in some.between_raters]
    return _plain(asdict(summary_of(raters))) if raters else None


def _statistic(found: Statistic) -> list[str]:
    return [_shown(found.mean), _shown(found.std), _shown(found.median), str(found.n)]


def _shown(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.4g}"


def _plain(value: Any) -> Any:
    """Replace what JSON cannot hold."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    return value
