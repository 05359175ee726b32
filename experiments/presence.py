"""From which presence on a slice is said to show a cord: ``python -m experiments.presence``.

Writes the table by which the limits are chosen: that of a slice, and that between two slices which
show a cord. On the selection set alone: phantoms with and without a cord, brain stems of phantoms,
the lumbar scan, and the labeled scans that are no evidence. Four models judge: the shipped one, and
those that leave sites out.
"""

import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from experiments.cord_finding import changes, view
from experiments.evidence import DATA, FOLDS, SHIPPED, fold_for, source_of
from experiments.false_slices import brain_stems
from experiments.hard_cases import LUMBAR, LUMBAR_CORD_FROM
from experiments.markdown import Row, table
from experiments.results_page import replace_section
from experiments.selection import labeled_scans
from scgm.image.orientation import AxialStack, to_axial
from scgm.io.read import read_volume
from scgm.phantom import EX_VIVO, Acquisition, draw_anatomy, make_phantom
from scgm.phantom.levels import SEGMENTS
from scgm.segmenters.presence import is_present
from scgm.segmenters.registry import OnnxModel, load_model

# Limits, and those between two slices that show a cord.
TRIED = ((0.5, 0.5), (0.3, 0.15), (0.4, 0.2), (0.5, 0.25), (0.6, 0.3), (0.7, 0.35))
PEOPLE, FIRST_SEED = 24, 700
EX_VIVO_PART = 1  # of the random numbers
SPECIMEN = replace(EX_VIVO, shape=(1, 240, 240), spacing_mm=(1.0, 0.1, 0.1))
ENDS_IN = SEGMENTS[-1]  # the tip of the cord
MODELS = (SHIPPED / "default.onnx", *sorted(FOLDS.glob("without-*.onnx")))
Presence = NDArray[np.float32]
Which = NDArray[np.bool_]

# What is counted: a column, and whether its slices show a cord.
KINDS: Mapping[str, bool] = {
    "phantoms without a cord, left empty": False,
    "phantoms below the tip of their cord, left empty": False,
    "brain stems, left empty": False,
    "lumbar scan, learned: nerve roots, left empty": False,
    "lumbar scan, learned: cord, lost": True,
    "lumbar scan, site left out: nerve roots, left empty": False,
    "lumbar scan, site left out: cord, lost": True,
    f"phantoms of {ENDS_IN}, where the cord ends, lost": True,
    "phantoms above it, lost": True,
    "specimens of phantoms, lost": True,
    "scans, lost": True,
    "scans shifted, turned, padded or cropped, lost": True,
}
WITHOUT, BELOW, STEM, ROOTS, CORD, NEW_ROOTS, NEW_CORD, TIP, ABOVE, SPECIMENS, SCANS, MOVED = KINDS


@dataclass(frozen=True, slots=True, eq=False)
class Counted:
    """Slices of a stack that count for a kind, and the presence in all of its slices (Z,)."""

    kind: str
    presence: Presence
    which: Which
    slice_mm: float

    def empty(self, limit: float, between: float) -> int:
        """Return how many of them are left empty."""
        return int((~is_present(self.presence, self.slice_mm, limit, between))[self.which].sum())


def whole(kind: str, model: OnnxModel, stack: AxialStack) -> Counted:
    """Count all slices of a stack."""
    presence = model(stack).presence
    return Counted(kind, presence, np.ones(len(presence), bool), stack.spacing_mm[0])


def of_phantoms(models: list[OnnxModel]) -> Iterator[Counted]:
    """Yield slices of phantoms, with and without a cord."""
    contrasts = ("t2star", "mt", "psir", "t1", "t2")
    for person in range(PEOPLE):
        rng = np.random.default_rng((FIRST_SEED, person))
        segment = SEGMENTS[int(rng.integers(len(SEGMENTS)))]
        anatomy = draw_anatomy(rng, segment)
        scan = Acquisition(contrast=contrasts[person % len(contrasts)])
        for cord in (True, False):
            phantom = make_phantom(replace(anatomy, cord=cord), scan, seed=person)
            stack = to_axial(phantom.volume)
            shown = np.asarray(phantom.cord.any(axis=(0, 1)))
            for model in models:
                presence, apart = model(stack).presence, stack.spacing_mm[0]
                yield Counted(TIP if segment == ENDS_IN else ABOVE, presence, shown, apart)
                yield Counted(BELOW if cord else WITHOUT, presence, ~shown, apart)
    for volume in brain_stems(FIRST_SEED):
        stack = to_axial(volume)
        yield from (whole(STEM, model, stack) for model in models)


def of_specimens(models: list[OnnxModel]) -> Iterator[Counted]:
    """Yield slices of phantoms ex vivo, in saline and in a dark medium."""
    for person in range(PEOPLE):
        rng = np.random.default_rng((FIRST_SEED, EX_VIVO_PART, person))
        segment = SEGMENTS[int(rng.integers(len(SEGMENTS) - 1))]  # above the tip
        anatomy = draw_anatomy(rng, segment, ex_vivo=True)
        phantom = make_phantom(anatomy, SPECIMEN, seed=person)
        stack = to_axial(phantom.volume)
        yield from (whole(SPECIMENS, model, stack) for model in models)


def of_lumbar() -> Iterator[Counted]:
    """Yield slices below and above the tip of a real cord."""
    first, last = source_of(LUMBAR).without_cord[0]
    stack = to_axial(read_volume(DATA / LUMBAR))
    for path, roots, cord in (
        (SHIPPED / "default.onnx", ROOTS, CORD),
        (fold_for("montreal"), NEW_ROOTS, NEW_CORD),
    ):
        presence, apart = _opened(path)(stack).presence, stack.spacing_mm[0]
        place = np.arange(len(presence))
        yield Counted(roots, presence, (first <= place) & (place <= last), apart)
        yield Counted(cord, presence, place >= LUMBAR_CORD_FROM, apart)


def of_scans() -> Iterator[Counted]:
    """Yield labeled slices that are no evidence, site left out."""
    for case in labeled_scans():
        assert case.cord is not None
        model = _opened(fold_for(case.source.site))
        for number, (_, move) in enumerate(changes(case.cord)):
            stack, _, counted = view(case.stack, case.cord, move)
            presence = model(stack).presence
            which = np.zeros(len(presence), bool)
            which[counted] = True
            yield Counted(MOVED if number else SCANS, presence, which, stack.spacing_mm[0])


def _opened(path: Path) -> OnnxModel:
    return load_model(path, threads=1)


def row(limits: tuple[float, float], found: Mapping[str, list[Counted]]) -> Row:
    """Return what limits leave empty, or lose."""
    cells = []
    for kind, cord in KINDS.items():
        empty = sum(each.empty(*limits) for each in found[kind])
        count = sum(int(each.which.sum()) for each in found[kind])
        cells.append(f"{empty} of {count}" if cord else f"{empty / count:.0%} of {count}")
    return (*(f"{limit:g}" for limit in limits), *cells)


def main() -> None:
    """Write the table."""
    found: dict[str, list[Counted]] = defaultdict(list)
    models = [_opened(path) for path in MODELS]
    for part in (of_phantoms(models), of_specimens(models), of_lumbar(), of_scans()):
        for each in part:
            found[each.kind].append(each)
    header = ("from", "between slices with a cord, from", *KINDS)
    content = table(header, [row(limits, found) for limits in TRIED])
    sys.stdout.write(f"{content}\n")
    replace_section("selection-presence", content)


if __name__ == "__main__":
    main()
