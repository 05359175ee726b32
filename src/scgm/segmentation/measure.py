"""What `scgm.measure` offers: results, saved results and masks, measured."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

from scgm.errors import ScgmWarning, UsageError
from scgm.io.dicom.sources import is_dicom
from scgm.io.options import DEFAULT_READING, ReadOptions
from scgm.measurement.level_source import levels_for
from scgm.measurement.masks import structures_from_masks
from scgm.measurement.measure import measure as measure_structures
from scgm.measurement.options import DEFAULT_MEASURE, MeasureOptions
from scgm.measurement.structures import Structures
from scgm.measurement.table import Table, joined
from scgm.segmentation.inputs import as_labels, as_volume
from scgm.segmentation.messages import for_python, in_python
from scgm.segmentation.result import Result
from scgm.segmentation.saved import (
    SavedResult,
    record_paths,
    saved_result,
    structures_of_saved,
)
from scgm.segmentation.structures import structures_of

_NO_SCAN = (
    "gray values and contrast are missing where the scan is not in the folder of its result, or "
    "has changed since; name it with --image"
)


@for_python
def measure(
    result: Any = None,
    options: MeasureOptions = DEFAULT_MEASURE,
    *,
    gm: Any = None,
    cord: Any = None,
    image: Any = None,
    **choices: Any,
) -> Table:
    """Measure size, shape, parts and intensities of cord, gray and white matter.

    Parameters
    ----------
    result : Segmentation, str or Path, optional
        What `scgm.segment` returned, or the record (``NAME_seg.json``), a mask, or the folder of
        saved results.
    options : MeasureOptions
        All choices in one value, to be used for many results.
    gm, cord : str, Path or nibabel image, optional
        Masks of 0 and 1, or maps of probabilities, in place of a result.
    image : str, Path or nibabel image, optional
        The scan, for intensities; a result has it already.
    **choices
        Single choices, which take precedence over *options*:

        - by: "slice", "level", "range" or "whole"; levels: as "C2:C5";
        - levels_from: a label image or a text file of levels; level_at: as (7, "C3");
        - level_kind: "vertebral", "spinal", "discs" or "discs-below";
        - angle_correction: False for areas of the slice as it is;
        - include_flagged: True to use slices that need a look, too;
        - norms: a file of `scgm norms build`; age, sex: of the person, as 45 and "F".

    Returns
    -------
    Table
        Its ``rows`` are dicts, for ``pandas.DataFrame(table.rows)``; ``write`` makes a file.

    Warns
    -----
    ScgmWarning
        For what is odd about the files, and what was taken for granted about levels.

    Raises
    ------
    ImageReadError, GeometryError
        If a file cannot be used, or does not fit the others.
    UsageError
        If the choices contradict each other.
    """
    table = measured_table(result, replace(options, **choices), gm=gm, cord=cord, image=image)
    told = replace(table, warnings=tuple(map(in_python, table.warnings)))
    for line in told.warnings:
        warnings.warn(line, ScgmWarning, stacklevel=3)
    return told


def measured_table(
    result: Any = None,
    options: MeasureOptions = DEFAULT_MEASURE,
    *,
    gm: Any = None,
    cord: Any = None,
    image: Any = None,
) -> Table:
    """Measure as `measure` does, with messages for a user of the command line."""
    tables = [
        measure_structures(one, levels_for(one, options), options)
        for one in _structures(result, gm, cord, image)
    ]
    return joined(tables)


def _saved(record: Path, image: Any) -> Structures:
    saved = saved_result(record)
    scan = None if image is None else as_volume(image, _reading(saved, image))
    found = structures_of_saved(saved, scan)
    if found.image is not None:
        return found
    return replace(found, warnings=(*found.warnings, _NO_SCAN))


def _reading(saved: SavedResult, image: Any) -> ReadOptions:
    """Return how the scan of a result is read: as before, if it is a file of the same kind."""
    given_dicom = isinstance(image, str | Path) and is_dicom(Path(image))
    was_dicom = "dicom" in saved.record.get("input", {})
    return saved.reading if given_dicom == was_dicom else DEFAULT_READING


def _structures(result: Any, gm: Any, cord: Any, image: Any) -> list[Structures]:
    if (result is None) == (gm is None and cord is None):
        msg = "give either a result, or masks with --gm and --cord"
        raise UsageError(msg)
    if isinstance(result, Result):
        return [structures_of(result)]
    if result is not None:
        records = record_paths(Path(result))
        return [_saved(record, image) for record in records]
    scan = None if image is None else as_volume(image, DEFAULT_READING)
    masks = [None if one is None else as_labels(one, DEFAULT_READING) for one in (gm, cord)]
    sources = [one.source for one in (scan, *masks) if one is not None and one.source]
    name = sources[0].name if sources else "image"
    return [structures_from_masks(name, masks[0], masks[1], scan)]
