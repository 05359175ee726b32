"""Faults in images, and in what is done with them from the mask to the record."""

from experiments.mutations.fault import faults_in

SEGMENTATION = (
    *faults_in(
        "image/patches.py",
        None,
        (
            "a half-covered corner of a window is divided by too much",
            "np.maximum(share, 0.25)",
            "np.maximum(share, 0.5)",
        ),
        (
            "splines where the window is coarser",
            "if order > 1 and window_mm < min(pixel_mm):",
            "if order > 1:",
        ),
        (
            "splines where the window is coarser along one axis",
            "window_mm < min(pixel_mm)",
            "window_mm < max(pixel_mm)",
        ),
    ),
    *faults_in(
        "image/grid.py",
        "image/test_grid.py",
        ("half a voxel apart is the same", "SAME_VOXEL = 0.25", "SAME_VOXEL = 0.5"),
        ("an eighth of a voxel apart is another", "SAME_VOXEL = 0.25", "SAME_VOXEL = 0.125"),
        ("flipped axes stay flipped", "if steps[order[axis], axis] < 0)", "if False)"),
        (
            "a flip is one voxel off",
            "mask.geometry.shape[order[axis]] - 1",
            "mask.geometry.shape[order[axis]]",
        ),
        ("another shape is accepted", "if lies.shape != grid.shape:", "if False:"),
    ),
    *faults_in(
        "image/values.py",
        "image/test_values.py",
        ("padding is not missing", "return ~there", "return ~finite"),
        ("spikes may be tissue", "_SIDE_BY_SIDE = 0.5", "_SIDE_BY_SIDE = 2.0"),
        ("missing voxels are 0", "values[gone] = cuts.filling", "values[gone] = 0"),
        (
            "tiny values stay tiny",
            "1.0 if least <= level <= most else 2.0 ** (math.frexp(level)[1] - _UNIT_BITS)",
            "1.0",
        ),
        (
            "outliers become the largest value that is allowed",
            "high, high_becomes = _OUTLIER_FACTOR * level, level",
            "high, high_becomes = _OUTLIER_FACTOR * level, _OUTLIER_FACTOR * level",
        ),
    ),
    *faults_in(
        "image/wrapping.py",
        "image/test_values.py",
        ("wrapped integers are read", "if continued and", "if False and"),
        ("few values at the ends are enough", "_LEAST_VALUES = 5", "_LEAST_VALUES = 1"),
        ("scans around 0 are wrapped", "_FAR_FROM_ZERO = 3", "_FAR_FROM_ZERO = 0"),
    ),
    *faults_in(
        "image/intensities.py",
        "image/test_intensities.py",
        ("tissue is clipped", "MOST_TOGETHER = 0.5", "MOST_TOGETHER = 2.0"),
        ("broken voxels stay", "FAR = 10.0", "FAR = 1e9"),
        (
            "tiny values are given to methods",
            "if not LEAST_EXPONENT <= exponent <= MOST_EXPONENT:",
            "if False:",
        ),
        ("padding sets the usual range", "known = known[~missing.flat[::step]]", "pass"),
    ),
    *faults_in(
        "image/confidence.py",
        "segmentation/test_confidence.py",
        ("the surest half", "[-max(count // 4, 1) :]", "[-max(count // 2, 1) :]"),
        ("contrast does not count", "np.fmin(agrees, shown)", "agrees"),
        ("neighbors do not count", "np.minimum(np.abs(signed), beside)", "np.abs(signed)"),
        (
            "neighbors are not moved to each other",
            "top, left = np.array(shares.shape) - np.clip(nearest, 0, shares.shape)",
            "top, left = np.array(shares.shape) // 2",
        ),
        (
            "the outline grows with the pixels",
            "_outline_length(mask) ** 2 / count",
            "_outline_length(mask) ** 2",
        ),
    ),
    *faults_in(
        "image/centroid.py",
        "image/test_centroid.py",
        ("pixels count from 1", "np.arange(length) for", "np.arange(1, length + 1) for"),
        (
            "weights do not count",
            "(weights.sum(axis=2) * rows)",
            "((weights > 0).sum(axis=2) * rows)",
        ),
        (
            "rows and columns exchanged",
            "np.stack([row, column], axis=1)",
            "np.stack([column, row], axis=1)",
        ),
    ),
    *faults_in(
        "segmentation/hints.py",
        "segmentation/test_hints.py",
        (
            "one piece of the user's mask is kept",
            "    if hint.mask is not None:\n        return found, box\n    found, told",
            "    found, told",
        ),
        ("a window far off is not moved", "MOST_OFF_CENTER_MM = 3.0", "MOST_OFF_CENTER_MM = 99.0"),
        ("a center far off is not named", "FAR_MM = 5.0", "FAR_MM = 50.0"),
        (
            "gaps of a line are not filled",
            "points[inside, axis] = np.interp(inside, given, points[given, axis])",
            "pass",
        ),
    ),
    *faults_in(
        "segmentation/hints.py",
        "segmentation/test_pipeline.py",
        (
            "doubts of a method stand above the user's center",
            "np.where(told, np.float32(1), found.presence)",
            "found.presence",
        ),
    ),
    *faults_in(
        "segmentation/pipeline.py",
        "segmentation/test_pipeline.py",
        (
            "the user's mask must have the size of a cord",
            "smallest = 0.0 if hint.mask is not None else MIN_CORD_AREA_MM2",
            "smallest = MIN_CORD_AREA_MM2",
        ),
        (
            "one piece of the user's mask is kept",
            "found = apply_hint(hint, own, box)",
            "from scgm.segmentation.postprocessing import one_piece\n"
            "    found = one_piece(apply_hint(hint, own, box), threshold)",
        ),
        (
            "voxels without a value are tissue",
            "keep_slices(with_values(found, part), seen)",
            "keep_slices(found, seen)",
        ),
        (
            "the threshold of the model is ignored",
            "segmenter.threshold if options.threshold is None",
            "0.5 if options.threshold is None",
        ),
    ),
    *faults_in(
        "segmentation/given_cord.py",
        "segmentation/test_hints.py",
        ("a center line is a mask", "if usual <= 1 or (", "if False and ("),
        ("an inverted mask is a cord", "LARGEST_MASK_MM2 = 500.0", "LARGEST_MASK_MM2 = 1e9"),
        (
            "a shift of one millimeter is none",
            "MOST_MEDIAN_DISTANCE_MM = 0.75",
            "MOST_MEDIAN_DISTANCE_MM = 1.5",
        ),
        ("cylinders are cords", "self.round_and_constant and not", "False and not"),
        (
            "the worst slice does not count",
            "return np.asarray(self.given if everywhere else doubt)",
            "return np.asarray(self.given & everywhere)",
        ),
    ),
    *faults_in(
        "segmentation/cut_off.py",
        "segmentation/test_cut_off.py",
        ("a cord one pixel from the border is cut", "EDGE_MM = 6.5", "EDGE_MM = 5.5"),
        ("a cord cut by a pixel is whole", "EDGE_MM = 6.5", "EDGE_MM = 7.5"),
        ("the right border does not count", "(mask.T[::-1], height)", "(mask.T, height)"),
        ("a narrow map is a window", "LEAST_WINDOW_MM = 20.0", "LEAST_WINDOW_MM = 2.0"),
    ),
    *faults_in(
        "segmentation/box.py",
        "segmentation/test_box.py",
        ("the last row is lost", "int(places[-1]) + 1)", "int(places[-1]))"),
        (
            "the user's mask may lie outside",
            "(found.gm, found.cord, mask)",
            "(found.gm, found.cord)",
        ),
        ("whole maps stay in memory", "box.crop(found.gm).copy()", "box.crop(found.gm)"),
    ),
    *faults_in(
        "segmentation/postprocessing.py",
        "segmentation/test_pipeline.py",
        (
            "all pieces of the cord are kept",
            "return found.only(one_piece_of(found.cord, mask) | ~mask)",
            "return found",
        ),
        ("specks are cords", "MIN_CORD_AREA_MM2 = 10.0", "MIN_CORD_AREA_MM2 = 1.0"),
        ("a small tip is no cord", "MIN_CORD_AREA_MM2 = 10.0", "MIN_CORD_AREA_MM2 = 11.0"),
    ),
    *faults_in(
        "segmentation/postprocessing.py",
        "segmentation/test_postprocessing.py",
        (
            "centers of empty slices stay",
            "np.where(seen[:, None], found.centre_px, np.float32(np.nan))",
            "found.centre_px",
        ),
    ),
    *faults_in(
        "segmentation/status.py",
        "segmentation/test_status.py",
        ("a cord may lack a fifth", "MOST_MISSING = 0.02", "MOST_MISSING = 0.2"),
        (
            "the area of a cord that is cut counts",
            "self not in (SliceStatus.NO_CORD, SliceStatus.CUT_OFF)",
            "self is not SliceStatus.NO_CORD",
        ),
        (
            "the window does not count",
            "cut_by_image(mask, pixel_mm, at_border) | by_window",
            "cut_by_image(mask, pixel_mm, at_border)",
        ),
        ("low confidence is ok", "value < LOW_CONFIDENCE_BELOW", "value < 0"),
        (
            "missing values come before a cut",
            '    CUT_OFF = "cut off"\n    MISSING_VALUES = "missing values"\n',
            '    MISSING_VALUES = "missing values"\n    CUT_OFF = "cut off"\n',
        ),
    ),
    *faults_in(
        "segmentation/plausibility.py",
        "segmentation/test_plausibility.py",
        ("any size is a cord", "MOST_CORD_MM2 = 160.0", "MOST_CORD_MM2 = 1600.0"),
        ("cords jump", "MOST_JUMP_MM = 10.0", "MOST_JUMP_MM = 100.0"),
        ("animals are people", "LEAST_BODY_MM = 60.0", "LEAST_BODY_MM = 1.0"),
        ("small holes are cavities", "LEAST_CAVITY_MM2 = 2.0", "LEAST_CAVITY_MM2 = 0.5"),
        ("soft masks are scans", "LARGEST_SHARE = 0.5, 0.1", "LARGEST_SHARE = 0.5, 1.1"),
        ("flags hide others", "if doubt and status == SliceStatus.OK", "if doubt"),
    ),
    *faults_in(
        "segmentation/measurements.py",
        "segmentation/test_measurements.py",
        (
            "all pixels are squares",
            "boxed_mask(label).sum(axis=(1, 2)) * pixel_mm2",
            "boxed_mask(label).sum(axis=(1, 2)) * segmentation.stack.spacing_mm[1] ** 2",
        ),
    ),
    *faults_in(
        "segmentation/outputs.py",
        "segmentation/test_outputs.py",
        (
            "a changed image is done",
            'record["input"]["sha256"] == image_checksum(image, reading)',
            "True",
        ),
        (
            "a changed mask is done",
            'return "" if _is_whole(directory, name, record["files"]) else',
            'return "" if True else',
        ),
        (
            "other options are done",
            "if other := other_choices(record, same):",
            "if False:",
        ),
        (
            "anything of these names is replaced",
            "file_set(\n        folder, names, overwrite=options.overwrite, "
            "claims=claims_from(record_file(name))\n    ) as staging:",
            "file_set(folder, names, overwrite=options.overwrite) as staging:",
        ),
        (
            "files outlive the result that had them",
            "return (*maps, ",
            "return (*maps[:3], ",
        ),
    ),
)
