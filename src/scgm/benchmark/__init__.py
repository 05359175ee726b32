"""Methods side by side on one data set: scores, time, memory, statistics, figures.

`run_benchmark` does all of it. Every method runs on every image in a process of its own; a method
that fails on an image is scored as having found nothing there.
"""

from scgm.benchmark.plan import AskedMethod, BenchmarkOptions, PlannedRun, make_plan, read_methods
from scgm.benchmark.statistics import Difference, bootstrap_interval, compare_methods, holm
from scgm.benchmark.workflow import Benchmark, run_benchmark

__all__ = [
    "AskedMethod",
    "Benchmark",
    "BenchmarkOptions",
    "Difference",
    "PlannedRun",
    "bootstrap_interval",
    "compare_methods",
    "holm",
    "make_plan",
    "read_methods",
    "run_benchmark",
]
