"""Small changes that no test notices and none has to: what each of them leaves as it was."""

_LIMIT = "a value exactly at a limit that was measured may fall on either side"
_LOOKS = "the size of letters in a picture, which people look at"
_NEVER = "it concerns what an earlier check has refused"
_SAME = "the result is the same"

REASONS: dict[str, str] = {
    "segmentation/plausibility.py: '>=' -> '>' in 'if values[0] > 0 and zero >= ZERO_SHARE and "
    "largest >= LARGEST_SHARE:'": _LIMIT,
    "segmentation/qc_figure.py: '9' -> '10' in 'fontsize=9,'": _LOOKS,
    "image/intensities.py: '<' -> '<=' in 'return bool(np.count_nonzero(far & beside) < "
    "MOST_TOGETHER * np.count_nonzero(far))'": _LIMIT,
    "training/data/augmentation.py: '>' -> '>=' in 'inside = (moved[:, 3] > 0.5).float()'": _LIMIT,
    # One byte more is read of what follows the voxels; the limit is the same.
    "io/nifti/stream.py: '1' -> '2' in 'trailing = self.skip(_TRAILING_LIMIT + 1)'": _SAME,
    # A file that is cut short is read to its end before it is refused.
    "io/nifti/voxels.py: '+' -> '-' in 'if found < size * index + "
    "min(start + CHUNK, size):'": _SAME,
    # Linear windows are cut by weights, as a spline of first order cuts them.
    "image/patches.py: '>' -> '>=' in 'if order > 1 and window_mm < min(pixel_mm):'": _SAME,
    # The step is odd, and the tails of a small image are among its other values.
    "image/values.py: '1' -> '2' in 'if step == 1 or not usual.size:'": _SAME,
    # An image with a single value has no contrast.
    "image/values.py: '1' -> '2' in 'return float(last - first) / max(len(self.usual), 1)'": _NEVER,
}
