"""Small changes that no test notices and none has to: what each of them leaves as it was."""

_LIMIT = "a value exactly at a limit that was measured may fall on either side"

REASONS: dict[str, str] = {
    "segmentation/plausibility.py: '>=' -> '>' in 'if values[0] > 0 and zero >= ZERO_SHARE and "
    "largest >= LARGEST_SHARE:'": _LIMIT,
    "segmentation/qc_figure.py: '9' -> '10' in 'fontsize=9,'": (
        "letters of the picture get a little larger"
    ),
    "image/intensities.py: '<' -> '<=' in 'return bool(np.count_nonzero(far & beside) < "
    "MOST_TOGETHER * np.count_nonzero(far))'": _LIMIT,
    "image/patches.py: '>' -> '>=' in 'if order > 1 and window_mm < min(pixel_mm):'": (
        "weights and a spline of first order cut the same linear window"
    ),
    "image/values.py: '1' -> '2' in 'if step == 1 or not usual.size:'": (
        "the tails of a small image, counted too, are values that it has already"
    ),
    "image/values.py: '1' -> '2' in 'return float(last - first) / max(len(self.usual), 1)'": (
        "an image with a single value has been refused"
    ),
    "io/nifti/stream.py: '1' -> '2' in 'trailing = self.skip(_TRAILING_LIMIT + 1)'": (
        "one byte more is read of what follows the voxels; the limit stays"
    ),
    "io/nifti/voxels.py: '+' -> '-' in 'if found < size * index + "
    "min(start + CHUNK, size):'": "a file that is cut short is refused all the same",
    "training/data/augmentation.py: '>' -> '>=' in 'inside = (moved[:, 3] > 0.5).float()'": _LIMIT,
}
