"""Methods side by side on one data set: scores, time, memory, statistics, figures.

`scgm.benchmark.workflow.run_benchmark` does all of it. Every method runs on every image in a
process of its own; a method that fails on an image is scored as having found nothing there.
"""
