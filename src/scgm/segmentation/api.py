"""What `scgm` offers in Python: arrays are images too, and what needs a look is a warning."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

from numpy.typing import ArrayLike

from scgm.errors import ScgmWarning, UsageError
from scgm.segmentation.inputs import is_array, placed_array
from scgm.segmentation.messages import for_python, in_python
from scgm.segmentation.options import DEFAULT_OPTIONS, SegmentOptions
from scgm.segmentation.pipeline import segment as run
from scgm.segmentation.result import Result
from scgm.segmentation.segmentation import Segmentation
from scgm.segmentation.status import SliceStatus
from scgm.segmenters.registry import MethodSettings, Segmenter
from scgm.segmenters.registry import load_model as start_model

_OF_STARTING = tuple(field.name for field in fields(MethodSettings))
load_model = for_python(start_model)


@for_python
def segment(
    image: Any,
    options: SegmentOptions = DEFAULT_OPTIONS,
    *,
    segmenter: Segmenter | None = None,
    affine: ArrayLike | None = None,
    spacing: Sequence[float] | None = None,
    **choices: Any,
) -> Segmentation:
    """Find cord, gray and white matter in an image.

    Parameters
    ----------
    image : str, Path, nibabel image or array
        Axial slices of the spinal cord, in any orientation of the axes. An array (x, y, z), or
        (x, y) for one slice, needs *spacing* or *affine*. A path is that of a NIfTI file, or of a
        folder, ZIP or file of DICOM.
    options : SegmentOptions
        All choices in one value, to be used for many images.
    segmenter : Segmenter, optional
        A method that was started before (`scgm.load_model`), for many images.
    affine : (4, 4) array, optional
        Where the voxels of an array lie: voxels to millimeters, RAS+, as nibabel has it.
    spacing : sequence of float, optional
        Size of a voxel of an array in mm; its axes go right, anterior and superior.
    **choices
        Single choices, which take precedence over *options*:

        - method: a name out of ``scgm.methods()``;
        - model, cord_model: name or path of a model;
        - threshold: probability from which on a pixel counts;
        - center: (x, y) of the cord in voxels, or "found" for ddc-published;
        - centerline: a mask with one voxel in each slice;
        - cord: a mask of the cord, a path or an image;
        - device: "auto", "cpu" or "cuda"; threads: how many;
        - volume: index, "mean" or "rms" of a 4D image, or of echoes;
        - series: number, UID or description of a DICOM series; keep_identifiers: True to let the
          patient's name and number reach records and file names;
        - voxel_size_from: "sform", "qform" or "pixdim"; slice_axis: "i", "j" or "k";
          slices_in_time: True if the fourth dimension holds slices;
        - levels_from, level_at, level_kind: vertebral levels, for method sct; see `scgm.measure`;
        - name: what the result is called in files and tables.

        What starts a method (method, model, cord_model, device, threads) is refused with
        *segmenter*, which has been started already.

    Returns
    -------
    Segmentation
        The result on the grid of the image.

    Warns
    -----
    ScgmWarning
        For slices that need a look, as those of low confidence, and for what is odd about the
        image.

    Raises
    ------
    ImageReadError, GeometryError, CordMaskError
        If the image, or the mask of the cord, cannot be used.
    CordNotFoundError
        If no slice shows a cord.
    ModelError
        If the model is unknown or damaged, or the method fails.
    UsageError
        If the method is unknown, or the choices contradict each other.
    """
    started = [name for name in ("method", *_OF_STARTING) if name in choices]
    if segmenter is not None and started:
        msg = f"segmenter= is a method that has started, so {started[0]}= comes too late; omit one"
        raise UsageError(msg)
    options = replace(options, **choices)
    if is_array(image):
        image = placed_array(image, affine, spacing)
    elif affine is not None or spacing is not None:
        msg = "spacing= and affine= are for arrays; the image says itself where its voxels lie"
        raise UsageError(msg)
    result = run(image, options, segmenter=segmenter)
    for line in _needs_a_look(result):
        warnings.warn(in_python(f"{result.source_name}: {line}"), ScgmWarning, stacklevel=3)
    return result


def _needs_a_look(result: Result) -> tuple[str, ...]:
    """Return the warnings of a result, with the numbers of the slices of low confidence."""
    unsure = [
        str(result.stack.native_index(z))
        for z, status in enumerate(result.status)
        if status is SliceStatus.LOW_CONFIDENCE
    ]
    listed = f"low confidence in slices {', '.join(unsure)}"
    lines = [
        line for line in result.provenance.warnings if not line.endswith(SliceStatus.LOW_CONFIDENCE)
    ]
    return (*lines, listed) if unsure else tuple(lines)
