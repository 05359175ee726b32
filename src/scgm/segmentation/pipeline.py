"""The line from an image to its segmentation, and every choice that it leaves to the user."""

from __future__ import annotations

import time
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scgm.errors import CordNotFoundError, UsageError
from scgm.image.orientation import AxialStack, stack_mask, to_axial
from scgm.image.volume import Volume
from scgm.io.hashing import sha256_of_file
from scgm.io.nifti.read import VolumeChoice, read_volume, volume_from_nibabel
from scgm.segmentation.confidence import LOW_CONFIDENCE_BELOW, slice_confidence, slice_features
from scgm.segmentation.result import LOW_CONFIDENCE, NO_CORD, NO_GRAY_MATTER, OK, Provenance
from scgm.segmentation.segmentation import Segmentation
from scgm.segmenters.registry import (
    CordHint,
    Device,
    MethodSettings,
    OnnxModel,
    Probabilities,
    Segmenter,
    open_method,
)
from scgm.version import __version__

# A cord has a cross-section of some 40 to 110 mm2, and only the last millimeters of its tip,
# the conus, have less than this. Smaller finds are specks that look like a cord.
MIN_CORD_AREA_MM2 = 10.0
MIN_PRESENCE = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentOptions:
    """Every choice that `segment` and ``scgm segment`` leave to the user.

    Parameters
    ----------
    method : str
        A name out of `scgm.methods`.
    model : str or Path, optional
        Name or path of what the method has learned: a model (``.onnx``) or an atlas (``.npz``),
        each with its card beside it; by default the method's own.
    cord_model : str or Path, optional
        Name or path of the model that finds the cord, for a method that does not.
    threshold : float, optional
        Probability from which on a pixel counts, above 0 and below 1; by default the model's.
    centre : (x, y), optional
        Center of the cord in voxels, along the two in-plane axes of the image, in their order.
    cord : str, Path or nibabel image, optional
        Mask of the cord on the image's grid: voxels of at least 0.5 are cord.
    device : {"auto", "cpu", "cuda"}
        Where a model runs.
    volume : int or "mean", optional
        Which volume of a 4D image.
    threads : int, optional
        Processor threads; by default the variable SCGM_THREADS, else all.

    Raises
    ------
    UsageError
        If the choices contradict each other or make no sense.
    """

    method: str = "default"
    model: str | Path | None = None
    cord_model: str | Path | None = None
    threshold: float | None = None
    centre: tuple[float, float] | None = None
    cord: Any = None
    device: Device = "auto"
    volume: VolumeChoice = None
    threads: int | None = None

    def __post_init__(self) -> None:
        if self.threshold is not None and not 0 < self.threshold < 1:
            msg = f"the threshold is {self.threshold:g}; give a value above 0 and below 1"
            raise UsageError(msg)
        if self.centre is not None and self.cord is not None:
            msg = "a center and a mask of the cord exclude each other; give one of them"
            raise UsageError(msg)


DEFAULT_OPTIONS = SegmentOptions()


def open_segmenter(options: SegmentOptions = DEFAULT_OPTIONS) -> Segmenter:
    """Start the method that *options* name, once for many images."""
    settings = MethodSettings(
        model=options.model,
        cord_model=options.cord_model,
        device=options.device,
        threads=options.threads,
    )
    return open_method(options.method, settings)


def segment(
    image: Any,
    options: SegmentOptions = DEFAULT_OPTIONS,
    *,
    segmenter: Segmenter | None = None,
    **choices: Any,
) -> Segmentation:
    """Find cord, gray and white matter in an image.

    Parameters
    ----------
    image : str, Path, nibabel image or Volume
        Axial slices of the spinal cord, in any orientation of the axes.
    options : SegmentOptions
        All choices.
    segmenter : Segmenter, optional
        A method that was started before (`open_segmenter`, `scgm.load_model`).
    **choices
        Single fields of *options*, as ``threshold=0.4``.

    Returns
    -------
    Segmentation
        The result on the grid of the image.

    Raises
    ------
    ImageReadError, GeometryError
        If the image, or the mask of the cord, cannot be used.
    CordNotFoundError
        If no slice shows a cord.
    ModelError
        If the method or model is unknown, damaged or fails.
    UsageError
        If the options contradict each other.
    """
    options = replace(options, **choices)
    started = time.perf_counter()
    volume = _volume(image, options.volume)
    stack = to_axial(volume)
    hint = _hint(stack, options)
    segmenter = segmenter or open_segmenter(options)
    threshold = segmenter.threshold if options.threshold is None else options.threshold
    own = segmenter(stack, hint)
    found = _follow(hint, own)
    if hint.mask is None and found.finds_cord:
        found = one_piece(found, threshold)
    smallest = 0.0 if hint.mask is not None else MIN_CORD_AREA_MM2
    seen = _shows_cord(found, stack, threshold, smallest)
    if not seen.any():
        raise CordNotFoundError(_nothing_found(volume, segmenter, found))
    probabilities = _only(found, seen)
    # How sure the model is of the cord, also where the user's mask is sure of every pixel.
    cord = probabilities.cord if hint.mask is None else own.cord
    confidence = _confidence(segmenter, probabilities, cord, seen, threshold)
    status = _status(probabilities, seen, confidence, threshold)
    return Segmentation(
        volume=volume,
        stack=stack,
        probabilities=probabilities,
        threshold=threshold,
        status=status,
        confidence=confidence,
        provenance=Provenance(
            version=__version__,
            method=options.method,
            model={"name": segmenter.name, **segmenter.provenance},
            options=_recorded(options),
            input=_fingerprint(volume),
            warnings=(*volume.warnings, *_remarks(probabilities, status)),
            seconds=time.perf_counter() - started,
        ),
    )


def _volume(image: Any, which: VolumeChoice) -> Volume:
    if isinstance(image, Volume):
        return image
    if isinstance(image, str | Path):
        return read_volume(image, volume=which)
    return volume_from_nibabel(image, volume=which)


def _hint(stack: AxialStack, options: SegmentOptions) -> CordHint:
    if options.cord is not None:
        mask = stack_mask(stack, _volume(options.cord, None))
        return CordHint(centre_px=_centroids(mask), mask=mask)
    if options.centre is not None:
        place = np.array(stack.point_to_stack(*options.centre), np.float32)
        return CordHint(centre_px=np.tile(place, (len(stack.slices), 1)))
    return CordHint()


def _centroids(mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Row and column of the middle of each slice's mask; NaN where it has no pixel."""
    places = [np.argwhere(pixels) for pixels in mask]
    middle = [place.mean(axis=0) if len(place) else (np.nan, np.nan) for place in places]
    return np.asarray(middle, np.float32)


def _follow(hint: CordHint, found: Probabilities) -> Probabilities:
    """Let the user's word on where the cord is stand above the method's."""
    if hint.mask is not None:
        given = hint.mask.astype(np.float32)
        presence = np.asarray(hint.mask.any(axis=(1, 2)), np.float32)
        return Probabilities(found.gm * given, given, found.centre_px, presence)
    if hint.centre_px is not None:
        return replace(found, presence=np.ones_like(found.presence))
    return found


def one_piece(found: Probabilities, threshold: float) -> Probabilities:
    """Empty whatever is at least *threshold* cord but not joined to the rest of it.

    In each slice the piece that holds the most probable pixel stays; pixels that touch by a side
    or by a corner are joined. Specks of fluid or muscle are neither cord nor gray matter.
    """
    mask = found.cord >= threshold
    rows, columns = (np.flatnonzero(mask.any(axis=(0, other))) for other in (2, 1))
    if not rows.size:
        return found
    box = np.s_[:, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    inside = mask[box]
    flat = found.cord[box].reshape(len(inside), -1)
    best = np.arange(flat.shape[1]) == flat.argmax(axis=1)[:, None]
    piece = inside & best.reshape(inside.shape)
    size = -1
    while size != (size := int(piece.sum())):
        for axis in (1, 2):
            ahead, back = (np.roll(np.pad(piece, 1), step, axis) for step in (1, -1))
            piece = piece | (ahead | back)[1:-1, 1:-1, 1:-1]
        piece &= inside
    keep = np.ones(mask.shape, bool)
    keep[box] = piece | ~inside
    return replace(found, gm=found.gm * keep, cord=found.cord * keep)


def _shows_cord(
    found: Probabilities, stack: AxialStack, threshold: float, smallest_mm2: float
) -> NDArray[np.bool_]:
    if not found.finds_cord:  # nothing is known of a cord, so nothing can speak against it
        return np.asarray((found.gm >= threshold).any(axis=(1, 2)))
    pixel_mm2 = stack.spacing_mm[1] * stack.spacing_mm[2]
    area_mm2 = (found.cord >= threshold).sum(axis=(1, 2)) * pixel_mm2
    large = (area_mm2 >= smallest_mm2) & (area_mm2 > 0)
    return np.asarray(large & (found.presence >= MIN_PRESENCE))


def _only(found: Probabilities, seen: NDArray[np.bool_]) -> Probabilities:
    """Empty the slices without cord: probabilities as well as the masks made of them."""
    keep = seen[:, None, None]
    centre = np.where(seen[:, None], found.centre_px, np.float32(np.nan))
    return replace(found, gm=found.gm * keep, cord=found.cord * keep, centre_px=centre)


def _confidence(
    segmenter: Segmenter,
    found: Probabilities,
    cord: NDArray[np.float32],
    seen: NDArray[np.bool_],
    threshold: float,
) -> tuple[float | None, ...]:
    """Return how sure each slice is; None without cord, and where the method cannot tell."""
    coefficients = segmenter.file.card.confidence if isinstance(segmenter, OnnxModel) else None
    if coefficients is None:
        return (None,) * len(seen)
    features = slice_features(found.gm, cord, found.centre_px, threshold)
    values = slice_confidence(features, coefficients).tolist()
    return tuple(value if shown else None for value, shown in zip(values, seen, strict=True))


def _status(
    found: Probabilities,
    seen: NDArray[np.bool_],
    confidence: tuple[float | None, ...],
    threshold: float,
) -> tuple[str, ...]:
    gray = np.asarray((found.gm >= threshold).any(axis=(1, 2)))
    unseen = NO_CORD if found.finds_cord else NO_GRAY_MATTER
    sure = [value is None or value >= LOW_CONFIDENCE_BELOW for value in confidence]
    return tuple(
        unseen if not cord else NO_GRAY_MATTER if not gm else OK if good else LOW_CONFIDENCE
        for cord, gm, good in zip(seen, gray, sure, strict=True)
    )


def _nothing_found(volume: Volume, segmenter: Segmenter, found: Probabilities) -> str:
    if not found.finds_cord:
        return (
            f"{volume.name}: method {segmenter.name} finds gray matter in no slice, and it looks "
            "for no cord; try --method default"
        )
    return f"{volume.name}: no slice shows a spinal cord; tell where it is with --centre or --cord"


def _remarks(found: Probabilities, status: tuple[str, ...]) -> tuple[str, ...]:
    counts = [(word, status.count(word)) for word in (NO_CORD, NO_GRAY_MATTER, LOW_CONFIDENCE)]
    remarks = [f"{count} of {len(status)} slices: {word}" for word, count in counts if count]
    if not found.finds_cord:
        remarks.append("this method finds no cord: cord and white matter are missing")
    return tuple(remarks)


def _recorded(options: SegmentOptions) -> dict[str, Any]:
    """Return the options as the record of a result holds them."""
    values = {field.name: getattr(options, field.name) for field in fields(options)}
    for name in ("model", "cord_model"):
        if values[name] is not None:
            values[name] = str(values[name])
    if options.cord is not None:
        in_file = isinstance(options.cord, str | Path)
        values["cord"] = str(options.cord) if in_file else "an image in memory"
    return values


def _fingerprint(volume: Volume) -> dict[str, Any]:
    """Return what identifies the image: its file's checksum, or None if it came from memory."""
    digest = None
    if volume.source is not None:
        digest = sha256_of_file(volume.source)
    return {
        "file": volume.source.name if volume.source else None,
        "sha256": digest,
        "shape": list(volume.geometry.shape),
    }
