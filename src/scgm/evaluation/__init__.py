"""Scores of files: a prediction against one or several references, or folder against folder."""

from scgm.evaluation.compare import EvaluateOptions, Evaluation, evaluate

__all__ = ["EvaluateOptions", "Evaluation", "evaluate"]
