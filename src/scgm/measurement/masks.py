"""Structures from masks on a grid, whoever drew them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scgm.errors import GeometryError, ImageReadError
from scgm.image.grid import missing_on_grid_of, on_grid_of
from scgm.image.orientation import AxialStack, to_axial
from scgm.image.volume import Volume
from scgm.measurement.structures import Structures

_MASK_FROM = 0.5

# A map that was interpolated may pass 0 and 1 by this.
_ROUNDING = 0.01

OK, NO_CORD, NO_GRAY_MATTER, CUT_OFF = "ok", "no cord", "no gray matter", "cut off"


@dataclass(frozen=True, slots=True, eq=False)
class GivenMask:
    """A mask on the slices, with the probabilities that it was cut from, if any."""

    mask: NDArray[np.bool_]
    probability: NDArray[np.float32] | None


def given_mask(volume: Volume, stack: AxialStack) -> tuple[GivenMask, tuple[str, ...]]:
    """Return a mask (values 0 and 1) or a probability map (0 to 1) on the slices of a stack.

    Raises
    ------
    GeometryError
        If it lies on another grid.
    ImageReadError
        If it has other values.
    """
    values, notes = on_grid_of(stack.geometry, volume, "the other mask")
    if values.min() < -_ROUNDING or values.max() > 1 + _ROUNDING:
        msg = (
            f"{volume.name}: it holds values other than 0 and 1 ({_listed(values)}); give a mask "
            "of 0 and 1 for each structure, or a map of probabilities from 0 to 1"
        )
        raise ImageReadError(msg)
    on_slices = np.ascontiguousarray(stack.axes.to_stack(np.clip(values, 0, 1)), np.float32)
    soft = not np.isin(on_slices, (0, 1)).all()
    notes = (*(f"{volume.name}: {note}" for note in volume.warnings), *notes)
    if soft:
        notes += (f"{volume.name}: probabilities; its mask is where they are at least 0.5",)
    return GivenMask(on_slices >= _MASK_FROM, on_slices if soft else None), notes


def _listed(values: NDArray[np.float32]) -> str:
    """Return the values of a mask if they are few, else their range."""
    different = np.unique(values)
    if len(different) > 6:
        return f"{different[0]:.4g} to {different[-1]:.4g}"
    return ", ".join(f"{value:g}" for value in different)


def structures_from_masks(
    name: str, gm: Volume | None, cord: Volume | None, image: Volume | None = None
) -> Structures:
    """Return what can be measured of masks of gray matter and cord.

    Parameters
    ----------
    name : str
        What tables call it.
    gm, cord : Volume, optional
        Masks or probability maps on one grid; at least one of them. With both, white matter is
        the cord less the gray matter.
    image : Volume, optional
        The scan, on the same grid.

    Raises
    ------
    ImageReadError
        If both masks are missing or empty, or one is no mask.
    GeometryError
        If the grids differ, or the gray matter is larger than the cord.
    """
    first = cord or gm
    if first is None:
        msg = "there is nothing to measure; give a mask of the gray matter or of the cord"
        raise ImageReadError(msg)
    stack = to_axial(first)
    given: dict[str, GivenMask] = {}
    notes: list[str] = []
    for label, volume in (("GM", gm), ("SC", cord)):
        if volume is not None:
            given[label], some = given_mask(volume, stack)
            notes += some
    if not any(one.mask.any() for one in given.values()):
        names = " and ".join(volume.name for volume in (gm, cord) if volume is not None)
        msg = f"{names}: no voxel is in the mask, so there is nothing to measure; give another"
        raise ImageReadError(msg)
    masks, probabilities = _labels(given)
    _refuse_exchanged(name, masks)
    notes += [
        f"{volume.name}: no voxel is in the mask, so its numbers are missing"
        for label, volume in (("GM", gm), ("SC", cord))
        if volume is not None and not given[label].mask.any()
    ]
    notes += [f"{name}: {line}" for line in _remarks(masks)]
    status, flagged = _statuses(masks)
    return Structures(
        name=name,
        stack=stack,
        masks=masks,
        measured=_measured(masks, status),
        status=status,
        flagged=flagged,
        probabilities=probabilities,
        image=None if image is None else on_slices(image, stack),
        warnings=tuple(notes),
    )


def on_slices(image: Volume, stack: AxialStack) -> NDArray[np.float32]:
    """Return the gray values of an image on the slices of a stack; NaN where it has none."""
    values, _ = on_grid_of(stack.geometry, image, "the masks")
    known = values * np.float32(image.unit)
    missing = missing_on_grid_of(stack.geometry, image)
    if missing is not None:
        known = np.where(missing, np.float32(np.nan), known)
    return np.ascontiguousarray(stack.axes.to_stack(known), np.float32)


def _labels(
    given: Mapping[str, GivenMask],
) -> tuple[dict[str, NDArray[np.bool_]], dict[str, NDArray[np.float32]]]:
    """Return masks and probabilities by label, with white matter where it is known."""
    masks = {label: one.mask for label, one in given.items()}
    soft = {label: p for label, one in given.items() if (p := one.probability) is not None}
    if len(masks) == 2:
        masks["WM"] = masks["SC"] & ~masks["GM"]
        if len(soft) == 2:
            soft["WM"] = np.clip(soft["SC"] - soft["GM"], 0, 1)
    return masks, soft


def _refuse_exchanged(name: str, masks: Mapping[str, NDArray[np.bool_]]) -> None:
    """Refuse gray matter that is larger than its cord.

    Raises
    ------
    GeometryError
        If it is, in the slices that show both.
    """
    if not {"GM", "SC"} <= masks.keys():
        return
    gm, cord = (masks[label].sum(axis=(1, 2)) for label in ("GM", "SC"))
    both = (gm > 0) & (cord > 0)
    if gm[both].sum() > cord[both].sum():
        msg = (
            f"{name}: the mask of the gray matter is larger than that of the cord; are the two "
            "exchanged? Give each as what it is"
        )
        raise GeometryError(msg)


def _remarks(masks: Mapping[str, NDArray[np.bool_]]) -> list[str]:
    if not {"GM", "SC"} <= masks.keys():
        return []
    if masks["GM"].any() and np.array_equal(masks["GM"], masks["SC"]):
        return ["gray matter and cord are the same in every slice: was one mask given twice?"]
    outside = int((masks["GM"] & ~masks["SC"]).sum())
    if not outside:
        return []
    total = int(masks["GM"].sum())
    return [
        f"{outside} of {total} voxels of gray matter lie outside of the cord: look at the masks"
    ]


def _statuses(
    masks: Mapping[str, NDArray[np.bool_]],
) -> tuple[tuple[str, ...], NDArray[np.bool_]]:
    """Return what is to be said of each slice, and whether its numbers are left out of means."""
    outline = masks.get("SC", masks.get("GM"))
    assert outline is not None
    there = np.asarray(outline.any(axis=(1, 2)))
    gm = np.asarray(masks["GM"].any(axis=(1, 2))) if "GM" in masks else np.ones_like(there)
    cut = _touches_border(outline)
    empty = NO_CORD if "SC" in masks else NO_GRAY_MATTER
    words = [
        empty if not there[z] else CUT_OFF if cut[z] else OK if gm[z] else NO_GRAY_MATTER
        for z in range(len(there))
    ]
    return tuple(words), np.array([word in (empty, CUT_OFF) for word in words])


def _measured(
    masks: Mapping[str, NDArray[np.bool_]], status: tuple[str, ...]
) -> dict[str, NDArray[np.bool_]]:
    whole = np.array([word not in (NO_CORD, CUT_OFF) for word in status])
    with_gm = whole & np.array([word != NO_GRAY_MATTER for word in status])
    return {label: whole if label == "SC" else with_gm for label in masks}


def _touches_border(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Tell for each slice whether a mask reaches the border of the image, so that it may go on."""
    sides = (mask[:, 0], mask[:, -1], mask[:, :, 0], mask[:, :, -1])
    touches: NDArray[np.bool_] = np.any([side.any(axis=1) for side in sides], axis=0)
    return touches
