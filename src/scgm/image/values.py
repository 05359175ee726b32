"""From stored numbers to gray values: finite float32, without what can be no measurement.

Values are looked at in pieces, so that no second copy of a large image is made. The limits of
what is usual come from at most four million voxels, the extremes from all.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from scgm.errors import ImageReadError
from scgm.image.wrapping import require_unwrapped

Floats = NDArray[np.float64]

_PIECE = 1 << 20
_SAMPLE = 1 << 22
_SHORT_BYTES = 2

# A voxel this many times beyond nearly all others is a fault of the file, not tissue.
_OUTLIER_FACTOR = 100.0

# One value that so large a share of all voxels has, side by side and far from all others, fills
# what was not measured.
_PADDING_SHARE = 0.005
_PADDING_GAP = 1.5
_PADDING_GAP_OF_ZERO = 3.0

# At most this share of the voxels at either end, scattered, and beyond a gap this many times as
# wide as the distance of the others from their median, are spikes.
_SPIKES_SHARE = 0.03
_SPIKES_GAP = 4.0

# Padding lies side by side, spikes do not: share of such voxels whose neighbor is another one.
_SIDE_BY_SIDE = 0.5

# In a map of ratios the median is positive, more than this share of the largest values, and the
# lowest value lies this many times as far below 0 as the largest lie above.
_RATIO_MEDIAN = 0.05
_RATIO_TAIL = 3.0

# Padding and spikes are told from tissue only where the others look like an image.
_LEAST_VOXELS = 1000
_LEAST_VALUES = 32

# Values of this size stay as they are; others are stored in another unit.
_USUAL_RANGE = (2.0**-10, 2.0**40)
_UNIT_BITS = 9


@dataclass(frozen=True, slots=True, eq=False)
class GrayValues:
    """Gray values as they are worked on.

    Parameters
    ----------
    voxels : float32 array
        Values, all finite, in *unit*.
    missing : bool array or None
        Voxels without a value: NaN, infinite or padding.
    unit : float
        A power of two: the values of the file are *voxels* times this.
    warnings : tuple of str
        What was replaced, one sentence for each kind.
    """

    voxels: NDArray[np.float32]
    missing: NDArray[np.bool_] | None
    unit: float
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Stored:
    """Numbers as a file stores them: the values are ``numbers * slope + inter``."""

    numbers: NDArray[Any]
    slope: float = 1.0
    inter: float = 0.0

    def __post_init__(self) -> None:
        if not self.numbers.flags.forc:
            object.__setattr__(self, "numbers", np.ascontiguousarray(self.numbers))

    @property
    def flat(self) -> NDArray[Any]:
        """All numbers in one row, in the order of the memory: no copy is made."""
        return _flat(self.numbers)

    def values(self, where: slice) -> Floats:
        """Return a part of the values as float64."""
        return self.flat[where].astype(np.float64) * self.slope + self.inter

    def pieces(self) -> Iterator[tuple[slice, Floats]]:
        """Return all values, piece by piece."""
        for start in range(0, self.numbers.size, _PIECE):
            where = slice(start, start + _PIECE)
            yield where, self.values(where)

    def like(self, dtype: type[np.generic]) -> NDArray[Any]:
        """Return zeros of the same shape and the same order in memory."""
        return np.zeros(self.numbers.shape, dtype, order=_order(self.numbers))


def _order(array: NDArray[Any]) -> Literal["C", "F"]:
    return "F" if array.flags.f_contiguous else "C"


def _flat(array: NDArray[Any]) -> NDArray[Any]:
    flat: NDArray[Any] = array.reshape(-1, order=_order(array))
    return flat


@dataclass(frozen=True, slots=True, eq=False)
class _Sample:
    """Finite values in ascending order: *usual* every n-th one, *tails* all beyond 99.8 %."""

    usual: Floats
    tails: Floats

    @property
    def ends(self) -> tuple[float, float]:
        """The smallest and the largest of all values."""
        every = [tail for tail in (self.usual, self.tails) if tail.size]
        return min(float(tail[0]) for tail in every), max(float(tail[-1]) for tail in every)

    def within(self, low: float, high: float, *, without: Sequence[float] = ()) -> _Sample:
        """Return the values from *low* to *high*, without some."""
        parts = (_between(values, low, high) for values in (self.usual, self.tails))
        if without:
            parts = (values[~np.isin(values, without)] for values in parts)
        return _Sample(*parts)

    def share(self, value: float) -> float:
        """Return the share of voxels that have this value."""
        first, last = (np.searchsorted(self.usual, value, side) for side in ("left", "right"))
        return float(last - first) / max(len(self.usual), 1)

    def quantile(self, share: float) -> float:
        """Return the value that this share of all stays below."""
        return float(self.usual[int(share * (len(self.usual) - 1))])

    @property
    def level(self) -> float:
        """The magnitude that all but 0.1 % (and all but three) of the non-zero values keep to.

        Zeros do not count, because in a mask nearly all values are zero.
        """
        none_below = not self.usual.size or self.usual[0] >= 0
        above = self.usual[np.searchsorted(self.usual, 0, "right") :]
        magnitudes = above if none_below else np.abs(self.usual[self.usual != 0])
        rank = magnitudes.size - 1 - max(3, magnitudes.size // 1000)
        if rank < 0:
            return math.inf
        return float(magnitudes[rank] if none_below else np.partition(magnitudes, rank)[rank])

    @property
    def looks_like_an_image(self) -> bool:
        """Whether there are many values, and not only a few different ones."""
        values = np.count_nonzero(np.diff(self.usual)) + 1
        return bool(len(self.usual) >= _LEAST_VOXELS and values >= _LEAST_VALUES)


@dataclass(frozen=True, slots=True)
class _Cuts:
    """What is replaced: values beyond *low* and *high*, and the padding."""

    low: float = -math.inf
    low_becomes: float = 0.0
    high: float = math.inf
    high_becomes: float = 0.0
    padding: tuple[float, ...] = ()
    filling: float = 0.0
    unit: float = 1.0


def gray_values(stored: Stored) -> GrayValues:
    """Replace values that cannot be measurements, and say so.

    * NaN and infinity, and padding (one value that many voxels have, side by side, far from all
      others), are missing: they become the value that 99 % of the others stay above.
    * A few scattered voxels at either end, beyond a wide gap, are spikes: they become the value
      that 99 % of the others do not pass.
    * A value more than 100 times beyond nearly all others is set to the level that nearly all
      stay below.
    * A negative value that lies farther below 98 % of all values than these reach from end to end
      is set to the lowest of these; where most values are positive and some lie far below 0, all
      negative ones are. Ratios, such as maps of magnetization transfer, have such voxels where
      they divide noise by noise.

    Values too small or too large for float32 are stored in another unit.

    Raises
    ------
    ImageReadError
        If no value is finite, all are the same, or bright ones have become negative.
    """
    with np.errstate(all="ignore"):
        sample = _sample(stored)
        _require_contrast(sample)
        require_unwrapped(stored.flat)
        cuts = _cuts(stored, sample)
        return _replaced(stored, cuts)


def map_values(stored: Stored) -> GrayValues:
    """Treat a map as `gray_values` does, but 0 is always a value, and all may be the same.

    Raises
    ------
    ImageReadError
        If no value is finite, or bright ones have become negative.
    """
    with np.errstate(all="ignore"):
        sample = _sample(stored)
        _require_finite(sample)
        require_unwrapped(stored.flat)
        others = sample.within(-math.inf, math.inf, without=(0.0,))
        if not others.usual.size:
            return _replaced(stored, _Cuts())
        cuts = _cuts(stored, others, may_be_flat=True)
        return _replaced(stored, replace(cuts, low=min(cuts.low, 0.0), high=max(cuts.high, 0.0)))


def label_values(stored: Stored) -> GrayValues:
    """Take labels as they are; NaN, which some tools write outside of a mask, becomes 0.

    Raises
    ------
    ImageReadError
        If a value is infinite, or too large for float32.
    """
    with np.errstate(all="ignore"):
        infinite = any(bool(np.isinf(values).any()) for _, values in stored.pieces())
        labels = _replaced(stored, _Cuts())
    if infinite or not np.isfinite((labels.voxels.min(), labels.voxels.max())).all():
        msg = "it holds infinite values, which no label is; export the labels again"
        raise ImageReadError(msg)
    return labels


def _sample(stored: Stored) -> _Sample:
    step = -(-stored.numbers.size // _SAMPLE) | 1  # odd, so that it keeps pace with no row
    usual = _in_order(stored, slice(None, None, step))
    if step == 1 or not usual.size:
        return _Sample(usual, usual[:0])
    low, high = usual[len(usual) // 1000], usual[-1 - len(usual) // 1000]
    tails = [v[np.isfinite(v) & ((v < low) | (v > high))] for _, v in stored.pieces()]
    return _Sample(usual, np.sort(np.concatenate(tails)))


def _in_order(stored: Stored, where: slice) -> Floats:
    """Return the finite values of a part, sorted."""
    numbers = stored.flat[where]
    if numbers.dtype.kind not in "iu" or numbers.itemsize > _SHORT_BYTES:
        values = stored.values(where)
        return np.sort(values[np.isfinite(values)])
    # Short integers are sorted in a tenth of the time, and scaling keeps or reverses their order.
    values = np.sort(numbers, kind="stable").astype(np.float64) * stored.slope + stored.inter
    values = values[np.isfinite(values)]
    return values if stored.slope >= 0 else values[::-1].copy()


def _between(ascending: Floats, low: float, high: float) -> Floats:
    """Return the values from *low* to *high* of those in ascending order."""
    first = np.searchsorted(ascending, low, "left")
    return ascending[first : np.searchsorted(ascending, high, "right")]


def _require_finite(sample: _Sample) -> None:
    if not sample.usual.size:
        msg = "none of its voxels is a finite number; export the image again from its source"
        raise ImageReadError(msg)


def _require_contrast(sample: _Sample) -> None:
    _require_finite(sample)
    lowest, highest = sample.ends
    if lowest == highest:
        msg = f"all of its voxels are {lowest:.6g}, so there is nothing to see; check the file"
        raise ImageReadError(msg)


def _cuts(stored: Stored, sample: _Sample, *, may_be_flat: bool = False) -> _Cuts:
    padding = _padding(stored, sample)
    body = sample.within(-math.inf, math.inf, without=padding)
    low = -_spikes_from(stored, _mirrored(body), sign=-1)
    high = _spikes_from(stored, body, sign=1)
    body = body.within(low, high)
    low_becomes, high_becomes = body.quantile(0.01), body.quantile(0.99)
    level = body.level
    if body.ends[1] > _OUTLIER_FACTOR * level:
        high, high_becomes = _OUTLIER_FACTOR * level, level
    if body.ends[0] < -_OUTLIER_FACTOR * level:
        low, low_becomes = -_OUTLIER_FACTOR * level, -level
    body = body.within(low, high)
    if not may_be_flat:
        _require_contrast(body)
    deep = _deep(body)
    if body.ends[0] < deep:
        low, body = deep, body.within(deep, high)
        low_becomes = max(body.quantile(0.01), deep)
    return _Cuts(low, low_becomes, high, high_becomes, padding, body.quantile(0.01), _unit(body))


def _deep(body: _Sample) -> float:
    """Return the value that no measurement lies below; ratios of noise do."""
    first, middle, last = (body.quantile(share) for share in (0.01, 0.5, 0.99))
    if middle > _RATIO_MEDIAN * last and body.ends[0] < -_RATIO_TAIL * last:
        return 0.0
    return min(0.0, first - (last - first))


def _padding(stored: Stored, sample: _Sample) -> tuple[float, ...]:
    """Return the values that fill what was not measured: none, one, or one at either end."""
    ends = [value for value in sample.ends if sample.share(value) >= _PADDING_SHARE]
    others = sample.within(-math.inf, math.inf, without=ends)
    if not ends or not others.looks_like_an_image:
        return ()
    low, high = others.quantile(0.01), others.quantile(0.99)

    def is_far(value: float) -> bool:
        gap = _PADDING_GAP if value else _PADDING_GAP_OF_ZERO
        return max(low - value, value - high) > gap * (high - low)

    def fills(value: float) -> bool:
        return _side_by_side(stored, value, value) >= _SIDE_BY_SIDE

    return tuple(value for value in ends if is_far(value) and fills(value))


def _spikes_from(stored: Stored, body: _Sample, sign: int) -> float:
    """Return the largest value that is no spike; *sign* -1 for a mirrored sample."""
    if not body.looks_like_an_image:
        return math.inf
    median, start = body.quantile(0.5), body.quantile(1 - _SPIKES_SHARE)
    tail = np.unique(np.concatenate([part[part >= start] for part in (body.usual, body.tails)]))
    spread = start - body.quantile(_SPIKES_SHARE)
    reach = np.maximum(tail[:-1] - median, spread / 2)
    wide = np.flatnonzero((np.diff(tail) > _SPIKES_GAP * reach) & (reach > 0))
    if not wide.size:
        return math.inf
    last, first = float(tail[wide[0]]), float(tail[wide[0] + 1])
    beyond = (first, math.inf) if sign > 0 else (-math.inf, -first)
    return last if _side_by_side(stored, *beyond) < _SIDE_BY_SIDE else math.inf


def _mirrored(sample: _Sample) -> _Sample:
    return _Sample(-sample.usual[::-1], -sample.tails[::-1])


def _side_by_side(stored: Stored, low: float, high: float) -> float:
    """Return how often a voxel from *low* to *high* has another one as neighbor in its row."""
    count = pairs = 0
    for _, values in stored.pieces():
        inside = (values >= low) & (values <= high)
        count += int(np.count_nonzero(inside))
        pairs += int(np.count_nonzero(inside[1:] & inside[:-1]))
    return pairs / max(count, 1)


def _unit(body: _Sample) -> float:
    """Return the power of two that the values are counted in: 1, if they have a usual size."""
    level = body.level
    if not math.isfinite(level):
        level = max(map(abs, body.ends))
    least, most = _USUAL_RANGE
    return 1.0 if least <= level <= most else 2.0 ** (math.frexp(level)[1] - _UNIT_BITS)


def _replaced(stored: Stored, cuts: _Cuts) -> GrayValues:
    """Make float32 voxels, piece by piece."""
    voxels = stored.like(np.float32)
    missing: NDArray[np.bool_] | None = None
    found = _Found()
    for where, values in stored.pieces():
        gone = found.look(values, cuts)
        values[values < cuts.low] = cuts.low_becomes
        values[values > cuts.high] = cuts.high_becomes
        if gone.any():
            values[gone] = cuts.filling
            missing = stored.like(np.bool_) if missing is None else missing
            _flat(missing)[where] = gone
        if values.any():  # untouched zeros take no memory
            _flat(voxels)[where] = values / cuts.unit
    return GrayValues(voxels, missing, cuts.unit, found.warnings(cuts))


@dataclass(slots=True)
class _Found:
    """How many values of each kind are replaced."""

    not_finite: int = 0
    padding: int = 0
    low: int = 0
    lowest: float = math.inf
    high: int = 0
    highest: float = -math.inf

    def look(self, values: Floats, cuts: _Cuts) -> NDArray[np.bool_]:
        """Count, and return which of the values are missing."""
        finite = np.isfinite(values)
        padding = np.isin(values, cuts.padding)
        there = finite & ~padding
        low, high = there & (values < cuts.low), there & (values > cuts.high)
        self.not_finite += int(np.count_nonzero(~finite))
        self.padding += int(np.count_nonzero(padding))
        self.low += int(np.count_nonzero(low))
        self.high += int(np.count_nonzero(high))
        self.lowest = min(self.lowest, values[low].min(initial=math.inf))
        self.highest = max(self.highest, values[high].max(initial=-math.inf))
        return ~there

    def warnings(self, cuts: _Cuts) -> tuple[str, ...]:
        """Say what was replaced, one sentence for each kind."""
        said = []
        if self.high:
            said.append(
                f"{_count(self.high)} far beyond all others (up to {self.highest:.3g}), clipped "
                f"to {cuts.high_becomes:.6g}"
            )
        if self.low:
            said.append(
                f"{_count(self.low)} far below all others (to {self.lowest:.3g}), set to "
                f"{cuts.low_becomes:.6g}"
            )
        if self.padding:
            filled = " and ".join(f"{value:.6g}" for value in cuts.padding)
            said.append(f"{_count(self.padding)} padding ({filled}), taken as outside the image")
        if self.not_finite:
            said.append(f"{_count(self.not_finite)} NaN or infinite, taken as outside the image")
        if cuts.unit != 1:
            said.append(f"its values are stored in units of {cuts.unit:.3g}, to fit into float32")
        return tuple(said)


def _count(count: int) -> str:
    return "1 voxel is" if count == 1 else f"{count} voxels are"
