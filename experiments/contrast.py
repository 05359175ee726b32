"""What is flagged where gray matter cannot be seen: ``python -m experiments.contrast``.

The contrast inside the cord of the public images with a manual cord mask is taken down to nothing
in steps, each time with noise as in a scan of moderate quality; every image is segmented by the
model that never saw its site. Without contrast there is nothing to find, so that every mask is a
guess. The table goes to the page of results.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion, gaussian_filter

import scgm
from experiments.confidence import OTHERS
from experiments.evidence import EVIDENCE, model_without, read_case, source_of
from experiments.markdown import table
from experiments.results_page import replace_section
from scgm.errors import CordNotFoundError
from scgm.evaluation.metrics import dice
from scgm.image.orientation import from_axial
from scgm.io.read import read_volume
from scgm.segmentation.status import SliceStatus

SNR = 20.0
SHARES = (1.0, 0.75, 0.5, 0.25, 0.1, 0.0)


@dataclass(frozen=True)
class Slice:
    """One labeled slice: what was said of it, and its Dice."""

    image: str
    share: float
    ok: bool
    dice: float


def with_contrast(
    slices: NDArray[np.float32],
    cord: NDArray[np.bool_],
    share: float,
    rng: np.random.Generator,
    snr: float | None = SNR,
) -> NDArray[np.float32]:
    """Keep a share of the contrast within the cord.

    Parameters
    ----------
    slices, cord : (Z, Y, X)
        Intensities, and the mask of the cord, whose outermost pixels stay as they are.
    share : float
        1 keeps everything, 0 leaves the median of each slice's cord.
    snr : float, optional
        Median of the cord over the standard deviation of the noise that is added there; no noise
        where it is None.
    """
    changed = slices.astype(np.float64)
    for image, mask in zip(changed, cord, strict=True):
        inner = binary_erosion(mask)
        if not inner.any():
            continue
        middle = float(np.median(image[inner]))
        weight = gaussian_filter(inner.astype(np.float64), 0.7)
        flat = middle + (image - middle) * share
        if snr is not None:
            flat += rng.normal(0, abs(middle) / snr, image.shape)
        image += weight * (flat - image)
    return changed.astype(np.float32)


def slices_of(name: str, image: str) -> Iterator[Slice]:
    """Segment an image with each share of its contrast."""
    case = read_case(source_of(image))
    if case.cord is None or case.gm is None:
        return
    model, volume = model_without(case.source.site), read_volume(case.path)
    labeled = np.flatnonzero(case.gm.any(axis=(1, 2)))
    for share in SHARES:
        rng = np.random.default_rng((0, int(100 * share)))
        changed = with_contrast(case.stack.slices, case.cord, share, rng)
        try:
            result = scgm.segment(
                replace(volume, voxels=from_axial(case.stack, changed)), segmenter=model
            )
        except CordNotFoundError:
            yield from (Slice(name, share, ok=False, dice=0.0) for _ in labeled)
            continue
        masks = result.axial_mask("gm")
        for z in labeled:
            ok = result.status[z] == SliceStatus.OK
            yield Slice(name, share, ok=ok, dice=dice(masks[z], case.gm[z]))


def curve() -> str:
    """Table of flags and Dice against the share of the contrast that was kept."""
    slices = [each for item in {**EVIDENCE, **OTHERS}.items() for each in slices_of(*item)]
    names = tuple(dict.fromkeys(each.image for each in slices))
    rows = []
    for share in SHARES:
        own = [each for each in slices if each.share == share]
        flagged = sum(not each.ok for each in own)
        cells = (_cell([each for each in own if each.image == name]) for name in names)
        mean = f"{np.mean([each.dice for each in own]):.2f}"
        rows.append((f"{share:g}", f"{flagged} of {len(own)}", mean, *cells))
    content: str = table(("contrast kept", "flagged", "Dice", *names), rows)
    return content


def _cell(slices: list[Slice]) -> str:
    flagged = sum(not each.ok for each in slices)
    return f"{flagged} of {len(slices)}, {np.mean([each.dice for each in slices]):.2f}"


if __name__ == "__main__":
    content = curve()
    replace_section("contrast", content)
    sys.stdout.write(f"{content}\n")
