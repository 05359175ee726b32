"""Training images made from label shapes: anatomy, tissue contrast, MR acquisition (torch).

``shapes`` reads label maps, ``deformation`` bends them, ``tissue`` gives them a contrast,
``acquisition`` measures them as a scanner would; ``windows`` and ``scenes`` join these into
batches for the segmentation network and for the cord finder.
"""
