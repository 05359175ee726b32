"""Scores of files: a prediction against one or several references, or folder against folder."""

from scgm.evaluation.compare import (
    Consensus,
    EvaluateOptions,
    Evaluation,
    FileComparison,
    evaluate,
)
from scgm.evaluation.matching import MatchedFiles, matched_files
from scgm.evaluation.reading import resampled
from scgm.evaluation.tables import as_json, as_table, summary_rows

__all__ = [
    "Consensus",
    "EvaluateOptions",
    "Evaluation",
    "FileComparison",
    "MatchedFiles",
    "as_json",
    "as_table",
    "evaluate",
    "matched_files",
    "resampled",
    "summary_rows",
]
