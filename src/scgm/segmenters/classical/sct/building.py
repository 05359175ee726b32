"""Build a dictionary from labeled slices: one outline, one mean, one scale."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from scgm.segmenters.classical.labeled_slices import LabeledSlices, cut_again
from scgm.segmenters.classical.sct.alignment import Alignment, Profile, align, mean_profile
from scgm.segmenters.classical.sct.dictionary import Dictionary, fuse, make_dictionary
from scgm.segmenters.classical.sct.intensities import denoised, levels
from scgm.segmenters.classical.sct.method import PIXEL_MM, SHARE, SIZE
from scgm.segmenters.classical.sct.registration import affine_of, registered_group

Slices = NDArray[np.float32]

DECAYS = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
STEPS = 255  # shares are stored in so many
BLUR = 1.0  # samples: labels with soft edges are easier to register


def build(slices: LabeledSlices, *, mirrored: bool = True) -> dict[str, NDArray[Any]]:
    """Make the dictionary, and estimate how fast similarity falls with distance.

    Parameters
    ----------
    slices : LabeledSlices
        At least of one subject.
    mirrored : bool
        Use every slice twice, as it is and with left and right exchanged.

    Returns
    -------
    dict
        ``image`` (J, 75, 75) float16, normalized; ``gm`` (J, 75, 75) uint8, shares in 255ths;
        ``half_width`` (), ``middle`` and ``half_height`` (75,) of the common outline; ``mirrored``
        (); ``level`` (J,) uint8, of the vertebra, 0 where it is not known; ``decay`` ().
    """
    image, gm, cord = (
        cut_again(values, SIZE, PIXEL_MM)[0] for values in (slices.image, slices.gm, slices.cord)
    )
    outline = mean_profile(list(cord), symmetric=mirrored)
    alignments = _group(cord, gm, outline, symmetric=mirrored)
    common = np.stack(
        [alignment.to_common(gray) for alignment, gray in zip(alignments, gm, strict=True)]
    )
    scaled = _normalized(image, cord, alignments, common, outline)
    subject = np.array([slices.subjects[number] for number in slices.volume])
    level = np.zeros(len(gm), np.uint8) if slices.level is None else slices.level
    examples = _Examples(scaled, common, subject, level)
    return {
        "image": scaled.astype(np.float16),
        "gm": np.rint(common * STEPS).astype(np.uint8),
        "half_width": np.array(outline.half_width),
        "middle": outline.middle,
        "half_height": outline.half_height,
        "mirrored": np.array(mirrored),
        "level": level,
        "decay": np.array(_estimated_decay(examples, outline, mirrored=mirrored)),
    }


class _Examples(NamedTuple):
    """Slices in the common space: images and gray matter (J, n, n), subjects and levels (J,)."""

    image: Slices
    gm: Slices
    subject: NDArray[np.str_]
    level: NDArray[np.uint8]

    def chosen(self, which: NDArray[np.bool_]) -> _Examples:
        image, gm, subject, level = self
        return _Examples(image[which], gm[which], subject[which], level[which])


def dictionary_of(
    image: Slices, gm: Slices, level: NDArray[np.uint8], outline: Profile, *, mirrored: bool
) -> Dictionary:
    """Return the dictionary of slices (J, n, n) and, if these are wanted, their mirror images."""
    sides = 2 if mirrored else 1
    image, gm = both_sides(image, mirrored=mirrored), both_sides(gm, mirrored=mirrored)
    return make_dictionary(image, gm, outline, level=np.tile(level, sides))


def both_sides(values: Slices, *, mirrored: bool) -> Slices:
    """Return slices (J, n, n), followed by their mirror images if these are wanted."""
    return np.concatenate([values, values[:, :, ::-1]]) if mirrored else values


def _group(cord: Slices, gm: Slices, outline: Profile, *, symmetric: bool) -> list[Alignment]:
    """Align each slice: by its outline, then by its gray matter to the mean of all."""
    alignments = [align(mask, outline) for mask in cord]
    common = [alignment.to_common(gray) for alignment, gray in zip(alignments, gm, strict=True)]
    soft = np.stack([ndimage.gaussian_filter(gray, BLUR) for gray in common])
    moves = registered_group(soft, outline.inner(), symmetric=symmetric)
    return [
        replace(alignment, affine=affine_of(move))
        for alignment, move in zip(alignments, moves, strict=True)
    ]


def _normalized(
    image: Slices, cord: Slices, alignments: list[Alignment], gm: Slices, outline: Profile
) -> Slices:
    """Bring slices to the common space and scale their intensities by their own labels."""
    inner = outline.inner()
    scaled = np.zeros_like(gm)
    for out, values, mask, alignment, gray in zip(scaled, image, cord, alignments, gm, strict=True):
        common = alignment.to_common(denoised(values, mask >= 0.5))
        tissues = inner & (gray >= 0.5), inner & (gray < 0.5)
        if all(tissue.any() for tissue in tissues):
            medians = [float(np.median(common[tissue])) for tissue in tissues]
            known = levels(common, *tissues, brighter=medians[0] >= medians[1])
            out[:] = known.scaled(common, inner)
    return scaled


def _estimated_decay(examples: _Examples, outline: Profile, *, mirrored: bool) -> float:
    """Return the decay with the fewest wrong samples, each subject labeled by the others."""
    wrong = dict.fromkeys(DECAYS, 0)
    for name in np.unique(examples.subject):
        others = examples.subject != name
        if not others.any():
            return 1.0  # a single subject: nothing to estimate from
        image, gm, _, level = examples.chosen(others)
        known = dictionary_of(image, gm, level, outline, mirrored=mirrored)
        for image_, gm_, _, level_ in zip(*examples.chosen(~others), strict=True):
            own = float(level_) if level_ else np.nan
            for decay in DECAYS:
                found = fuse(known, image_, decay=decay, share=SHARE, level=own)
                wrong[decay] += int(((found >= 0.5) != (gm_ >= 0.5)).sum())
    return min(wrong, key=lambda decay: wrong[decay])
