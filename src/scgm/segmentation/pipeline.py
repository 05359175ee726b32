"""The line from an image to its segmentation."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scgm.errors import CordNotFoundError, ImageReadError
from scgm.image.confidence import slice_confidence, slice_features, visible_contrast
from scgm.image.intensities import for_methods
from scgm.image.orientation import AxialStack, to_axial
from scgm.image.volume import Volume
from scgm.io.dicom.scan import Scan
from scgm.segmentation.hints import apply_hint, centered, check_hint, given_hint, independent_cord
from scgm.segmentation.inputs import as_labels, as_volume
from scgm.segmentation.levels import given_levels
from scgm.segmentation.options import DEFAULT_OPTIONS, SegmentOptions, recorded
from scgm.segmentation.plausibility import clipped, doubted, implausible, refusal
from scgm.segmentation.postprocessing import (
    MIN_CORD_AREA_MM2,
    keep_slices,
    shows_cord,
    with_values,
)
from scgm.segmentation.result import Provenance
from scgm.segmentation.segmentation import Segmentation
from scgm.segmentation.status import SliceStatus, remarks, slice_faults, slice_statuses
from scgm.segmenters.registry import (
    CordHint,
    MethodSettings,
    Probabilities,
    Segmenter,
    open_method,
)
from scgm.version import __version__


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
    ImageReadError, GeometryError, CordMaskError
        If the image, or the mask of the cord, cannot be used.
    CordNotFoundError
        If no slice shows a cord.
    ModelError
        If the model is unknown or damaged, or the method fails.
    UsageError
        If the method is unknown, or the options contradict each other.
    """
    options = replace(options, **choices)
    started = time.perf_counter()
    volume = as_volume(image, options.reading())
    _refuse_names(volume, options)
    stack = to_axial(volume)
    if problem := refusal(stack):
        msg = f"{volume.name}: {problem}"
        raise ImageReadError(msg)
    given = given_hint(stack, options, lambda file: as_labels(file, options.reading_of_masks()))
    segmenter = segmenter or open_segmenter(options)
    levels = given_levels(stack, options, segmenter.method_name)
    hint = replace(given.hint, levels=levels.of_slice)
    threshold = segmenter.threshold if options.threshold is None else options.threshold
    cleaned = for_methods(stack)
    own, box = centered(segmenter, cleaned, hint, threshold)
    part = box.crop_stack(cleaned)
    found = apply_hint(hint, own, box)
    smallest = 0.0 if hint.mask is not None else MIN_CORD_AREA_MM2
    seen = shows_cord(found, part, threshold, smallest)
    if not seen.any():
        raise CordNotFoundError(_nothing_found(volume, stack, segmenter, found, hint))
    network = independent_cord(segmenter, cleaned, hint, own, box)
    check = check_hint(hint, network, box, stack.spacing_mm[1:], threshold)
    faults = {
        SliceStatus.NO_CORD: ~seen,
        SliceStatus.CORD_IN_DOUBT: check.in_doubt,
        **slice_faults(found.cord, own.cord, part, threshold, box.at_border),
    }
    probabilities = keep_slices(with_values(found, part), seen)
    # How sure the model is of the cord, also where the user's mask is sure of every pixel.
    cord = probabilities.cord if hint.mask is None else own.cord
    maps = replace(probabilities, centre_px=probabilities.centre_px - box.origin)
    contrast = _contrast(part, probabilities, threshold)
    confidence = _confidence(segmenter, maps, cord, contrast, threshold)
    findings = implausible(cleaned, part, probabilities, contrast, threshold)
    status = doubted(slice_statuses(probabilities, confidence, threshold, faults), findings)
    has_confidence = segmenter.confidence is not None and cord is not None
    return Segmentation(
        volume=volume,
        stack=stack,
        probabilities=probabilities,
        threshold=threshold,
        status=status,
        confidence=confidence,
        provenance=Provenance(
            version=__version__,
            method=segmenter.method_name,
            model={"name": segmenter.name, **segmenter.provenance},
            options=recorded(replace(options, method=segmenter.method_name), given.sha256),
            input=_fingerprint(volume),
            given_cord=check.record,
            warnings=(
                *volume.warnings,
                *given.notes,
                *levels.notes,
                *check.remarks,
                *remarks(probabilities, status, has_confidence=has_confidence),
                *(str(each) for each in findings),
            ),
            seconds=time.perf_counter() - started,
        ),
        box=box,
        name=options.name,
    )


def _refuse_names(volume: Volume, options: SegmentOptions) -> None:
    """Refuse paths that the record repeats, if they name the patient of a DICOM image.

    Raises
    ------
    ImageReadError
        If one of them does, and it was not asked for.
    """
    if not isinstance(volume.scan, Scan) or options.keep_identifiers:
        return
    for name in ("cord", "centerline", "levels_from"):
        given = getattr(options, name)
        if isinstance(given, str | Path) and volume.scan.identifiers.in_text(str(given)):
            msg = (
                f"{volume.name}: what is given with --{name.replace('_', '-')} holds the patient's "
                "name, number or birth date, and the record repeats it; name it otherwise, or use "
                "--keep-identifiers"
            )
            raise ImageReadError(msg)


def _contrast(stack: AxialStack, found: Probabilities, threshold: float) -> NDArray[np.float64]:
    """Return how visible the gray matter of each slice is; NaN where it cannot be told."""
    if found.cord is None:
        return np.full(len(found.gm), np.nan)
    return visible_contrast(stack, found.gm, found.cord, threshold)


def _confidence(
    segmenter: Segmenter,
    found: Probabilities,
    cord: NDArray[np.float32] | None,
    contrast: NDArray[np.float64],
    threshold: float,
) -> tuple[float | None, ...]:
    """Return how sure each slice is; None without cord, and where the method cannot tell."""
    coefficients = segmenter.confidence
    if coefficients is None or cord is None or found.cord is None:
        return (None,) * len(found.centre_px)
    features = slice_features(found.gm, cord, found.centre_px, threshold)
    values = slice_confidence(features, contrast, coefficients).tolist()
    shown = np.asarray((found.cord >= threshold).any(axis=(1, 2)))
    return tuple(value if seen else None for value, seen in zip(values, shown, strict=True))


def _nothing_found(
    volume: Volume, stack: AxialStack, segmenter: Segmenter, found: Probabilities, hint: CordHint
) -> str:
    if found.cord is None:
        return (
            f"{volume.name}: method {segmenter.name} finds gray matter in no slice, and it looks "
            "for no cord; try --method default"
        )
    if hint.centre_px is not None:
        return (
            f"{volume.name}: no slice shows a spinal cord near the given center; check its "
            "voxels in a viewer, or give a mask with --cord"
        )
    remedy = clipped(stack) or "tell where it is with --center or --cord"
    return f"{volume.name}: no slice shows a spinal cord; {remedy}"


def _fingerprint(volume: Volume) -> dict[str, Any]:
    """Return what identifies the image: the checksum of the bytes that were read from its file."""
    return {
        "file": volume.source.name if volume.source else None,
        "sha256": volume.sha256,
        "shape": list(volume.geometry.shape),
        "voxel_size_mm": [round(size, 6) for size in volume.geometry.voxel_size_mm],
        "voxel_size_from": volume.voxel_size_from,
        **({"dicom": dict(volume.scan.about)} if isinstance(volume.scan, Scan) else {}),
    }
