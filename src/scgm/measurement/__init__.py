"""Numbers of a segmentation: sizes, shapes, parts, intensities; by slice, level or range.

`scgm.measurement.measure` takes `Structures` (masks on axial slices) and returns a `Table`. Files
and results are made into structures by `scgm.segmentation.measure`.
"""
