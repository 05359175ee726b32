"""Every method on phantoms of moderate noise: ``python -m experiments.phantoms [METHOD ...]``.

The truth is exact; no method was trained on these anatomies. Each row is one method,
with its published mean Dice on the challenge's images, of which it must reach all but 0.10.
"""

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

import nibabel as nib
import numpy as np

import scgm
from experiments.evidence import DATA
from experiments.markdown import table, verdict
from experiments.published import WEIGHTS
from experiments.results_page import replace_section
from experiments.side_by_side import METHODS as COMPARED
from scgm.benchmark.published import PUBLISHED
from scgm.errors import CordNotFoundError, ModelError
from scgm.evaluation.metrics import dice
from scgm.phantom import Acquisition, Phantom, draw_anatomy, make_phantom
from scgm.segmenters.registry import METHODS, MethodSettings, open_method

REGIONS = ("cervical", "thoracic", "lumbar")
ANATOMIES, SLICES = 3, 3
CONTRAST, SNR = "t2star", 15.0
LESS = 0.10
PUBLISHED_AS = {"ddc-published": "DDC", "ddc": "DDC"}


@dataclass(frozen=True, slots=True)
class Found:
    """Dice of each slice in a region, with the cord found and given, and seconds a slice."""

    found: float
    given: float
    seconds: float


def phantoms(region: str) -> Iterator[Phantom]:
    """Make scans of some anatomies of a region."""
    for number in range(ANATOMIES):
        rng = np.random.default_rng((2000, REGIONS.index(region), number))
        scan = Acquisition(shape=(SLICES, 160, 160), contrast=CONTRAST, snr=SNR)
        yield make_phantom(draw_anatomy(rng, region), scan, seed=number)


def measure(method: str, region: str) -> Found:
    """Mean 2D Dice of a method; a scan on which it fails counts as missed."""
    model = DATA / WEIGHTS if METHODS[method].learned == "published" else None
    segmenter = open_method(method, MethodSettings(model=model))
    scores: dict[bool, list[float]] = {False: [], True: []}
    seconds = 0.0
    for phantom in phantoms(region):
        affine = phantom.volume.geometry.affine
        cord = nib.Nifti1Image(phantom.cord.astype(np.uint8), affine)
        for given, values in scores.items():
            started = time.perf_counter()
            try:
                result = scgm.segment(
                    phantom.volume,
                    segmenter=segmenter,
                    cord=cord if given else None,
                )
                gm = np.asarray(result.gm.dataobj) > 0
            except (CordNotFoundError, ModelError):
                gm = np.zeros_like(phantom.gm)
            seconds += time.perf_counter() - started
            values += [dice(gm[..., z], phantom.gm[..., z]) for z in range(SLICES)]
    by_itself, helped = (float(np.mean(scores[way])) for way in (False, True))
    return Found(by_itself, helped, seconds / (2 * ANATOMIES * SLICES))


def row_of(method: str) -> tuple[str, ...]:
    """Cells of a method; its limit is for the cervical cord, which the challenge shows."""
    found = {region: measure(method, region) for region in REGIONS}
    name = PUBLISHED_AS.get(method, method.upper())
    published = PUBLISHED["dice"].get(name)
    limit = f">= {published.mean - LESS:.2f}" if published else "none"
    met = verdict(found["cervical"].found >= published.mean - LESS) if published else "-"
    dices = [f"{each.found:.3f}, {each.given:.3f}" for each in found.values()]
    seconds = f"{max(each.seconds for each in found.values()):.2f}"
    sys.stderr.write(f"{method}: {dices} {seconds} s\n")
    return (method, dices[0], limit, met, *dices[1:], seconds)


def main(methods: list[str]) -> None:
    """Measure, and put the table into the results page if all methods are in it."""
    header = ("method", "cervical", "limit", "met", "thoracic", "lumbar", "seconds a slice")
    content = table(header, [row_of(method) for method in methods or COMPARED])
    if not methods:
        replace_section("phantoms", content)
    sys.stdout.write(f"{content}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
