"""Training images made from label shapes: anatomy, tissue contrast, MR acquisition (torch).

``deformation`` bends label shapes, ``tissue`` gives them a contrast, ``acquisition`` simulates the
scan. ``windows`` and ``scenes`` join these into batches for the segmentation network and for the
cord finder, ``stacks`` into batches of neighboring slices. ``draw`` holds the random numbers.
"""
