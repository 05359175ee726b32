"""Methods side by side on one data set: scores, time, memory, statistics, figures.

`run_benchmark` does all of it. Every method meets every image in a process of its own; a method
that fails on an image is scored as having found nothing there.
"""

from scgm.benchmark.plan import BenchmarkOptions, Job, Method, make_plan, read_methods
from scgm.benchmark.run import Benchmark, run_benchmark
from scgm.benchmark.statistics import Difference, bootstrap_interval, compare_methods, holm

__all__ = [
    "Benchmark",
    "BenchmarkOptions",
    "Difference",
    "Job",
    "Method",
    "bootstrap_interval",
    "compare_methods",
    "holm",
    "make_plan",
    "read_methods",
    "run_benchmark",
]
