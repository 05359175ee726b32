"""From headers to frames: every slice with its place, its scale and what sets it apart."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scgm.io.dicom.headers import Instance
from scgm.io.dicom.mosaic import Mosaic, mosaic_of
from scgm.io.dicom.tags import first_item, number, numbers, private, text, value, whole, words

Vector = NDArray[np.float64]

_PHILIPS = "Philips MR Imaging DD 001"
_GE = "GEMS_PARM_01"
_GE_PARTS = {0: "magnitude", 1: "phase", 2: "real", 3: "imaginary"}
_PARTS_BY_LETTER = {"M": "magnitude", "P": "phase", "R": "real", "I": "imaginary"}
_PARTS = ("magnitude", "phase", "real", "imaginary")


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """The pixels of a slice.

    Parameters
    ----------
    rows, columns : int
        How many there are.
    spacing_mm : (between rows, between columns)
        Distances of their centers.
    along_row, along_column : (3,) float64
        Directions of length 1 in which a row, and a column, is read; x to the left, y to the back,
        z up, as DICOM has them.
    """

    rows: int
    columns: int
    spacing_mm: tuple[float, float]
    along_row: Vector
    along_column: Vector

    @property
    def normal(self) -> Vector:
        """Direction across the slice."""
        return np.cross(self.along_row, self.along_column)

    def matches(self, other: Grid) -> bool:
        """Tell whether the pixels of another slice have the same number, size and directions."""
        return (
            (self.rows, self.columns) == (other.rows, other.columns)
            and np.allclose(self.spacing_mm, other.spacing_mm, rtol=1e-3)
            and np.allclose(self.along_row, other.along_row, rtol=0, atol=1e-3)
            and np.allclose(self.along_column, other.along_column, rtol=0, atol=1e-3)
        )


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One slice.

    Parameters
    ----------
    instance : Instance
        Its file.
    index : int
        Which frame of the file, from 0.
    grid : Grid
        Its pixels.
    position : (3,) float64
        Center of its first pixel in mm, as DICOM has it.
    slope, intercept : float
        Values are numbers times *slope* plus *intercept*.
    part : str
        "magnitude", "phase", "real", "imaginary", or "" where it is not said.
    image_type : tuple of str
        What the scanner calls this kind of image.
    echo_ms : float, optional
        Echo time.
    order : tuple
        What else sets images at one place apart, in the order in which they are counted.
    thickness_mm : float, optional
        Distance to the next slice as the header says it, or the thickness of the slice.
    mosaic : Mosaic, optional
        Where in the picture it is, if it shares one with other slices.
    """

    instance: Instance
    index: int
    grid: Grid
    position: Vector
    slope: float
    intercept: float
    part: str
    image_type: tuple[str, ...]
    echo_ms: float | None
    order: tuple[float, ...]
    thickness_mm: float | None
    mosaic: Mosaic | None = None
    tile: int = 0


def frames_of(instance: Instance) -> list[Frame]:
    """Return the slices of a file; none where it does not say where they lie."""
    if "MOSAIC" in words(instance.header, "ImageType"):
        return list(_tiles(instance))
    groups = value(instance.header, "PerFrameFunctionalGroupsSequence")
    count = instance.frame_count
    if count != (1 if groups is None else len(groups)):
        return []  # several frames, but not for each a place
    found = [_frame(_Finder.of(instance, index), index) for index in range(count)]
    return [frame for frame in found if frame is not None] if None not in found else []


@dataclass(frozen=True, slots=True)
class _Finder:
    """Looks for values where a header can have them: for one frame, for all, or plainly."""

    instance: Instance
    groups: tuple[Any, ...]

    @classmethod
    def of(cls, instance: Instance, index: int) -> _Finder:
        own = value(instance.header, "PerFrameFunctionalGroupsSequence")
        shared = first_item(instance.header, "SharedFunctionalGroupsSequence")
        groups = (own[index] if own else None, shared)
        return cls(instance, tuple(group for group in groups if group is not None))

    def __call__(self, keyword: str, *sequences: str) -> Any:
        """Return a value of the first of *sequences* that has it, else of the header itself."""
        for group in self.groups:
            for sequence in sequences:
                item = first_item(group, sequence)
                found = None if item is None else value(item, keyword)
                if found is not None:
                    return found
        return value(self.instance.header, keyword)


def _frame(find: _Finder, index: int) -> Frame | None:
    grid = _grid(find)
    position = numbers(find("ImagePositionPatient", "PlanePositionSequence"), 3)
    if grid is None or position is None:
        return None
    slope, intercept = _scale(find)
    return Frame(
        instance=find.instance,
        index=index,
        grid=grid,
        position=np.array(position),
        slope=slope,
        intercept=intercept,
        part=_part(find),
        image_type=_image_type(find),
        echo_ms=_echo(find),
        order=_order(find, index),
        thickness_mm=_thickness(find),
    )


def _grid(find: _Finder) -> Grid | None:
    spacing = numbers(find("PixelSpacing", "PixelMeasuresSequence"), 2)
    directions = numbers(find("ImageOrientationPatient", "PlaneOrientationSequence"), 6)
    rows, columns = (whole(value(find.instance.header, name)) for name in ("Rows", "Columns"))
    if spacing is None or directions is None or not rows or not columns or min(spacing) <= 0:
        return None
    along = np.array(directions).reshape(2, 3)
    lengths = np.linalg.norm(along, axis=1)
    # Directions are written with few digits, but they are of length 1 and at right angles.
    if np.abs(lengths - 1).max() > 1e-2 or abs(along[0] @ along[1]) > 1e-2:
        return None
    along = along / lengths[:, None]
    return Grid(rows, columns, (spacing[0], spacing[1]), along[0], along[1])


def _scale(find: _Finder) -> tuple[float, float]:
    """Return slope and intercept.

    Philips scales numbers for the screen, each image in its own way; its private slope leads back
    to what was measured, so that echoes can be compared (Chenevert et al., Translational Oncology
    7(1), 2014).
    """
    slope = number(find("RescaleSlope", "PixelValueTransformationSequence")) or 1.0
    intercept = number(find("RescaleIntercept", "PixelValueTransformationSequence")) or 0.0
    item = next((i for g in find.groups if (i := _philips_item(g)) is not None), None)
    measured = number(private(item or find.instance.header, _PHILIPS, 0x0E, 0x2005))
    if not measured:
        return slope, intercept
    return 1 / measured, intercept / (slope * measured)


def _philips_item(group: Any) -> Any:
    """Return the item of a frame in which Philips keeps what a plain image has in its header."""
    found = private(group, "Philips MR Imaging DD 005", 0x0F, 0x2005)
    try:
        return found[0] if found else None
    except (TypeError, IndexError):
        return None


def _image_type(find: _Finder) -> tuple[str, ...]:
    frame_type = find("FrameType", "MRImageFrameTypeSequence")
    if frame_type is not None:
        return tuple(text(one) for one in frame_type)
    return words(find.instance.header, "ImageType")


def _part(find: _Finder) -> str:
    """Return which part of the complex signal an image shows."""
    told = text(find("ComplexImageComponent", "MRImageFrameTypeSequence")).lower()
    if told in _PARTS:
        return told
    of_ge = whole(private(find.instance.header, _GE, 0x2F, 0x0043))
    if of_ge in _GE_PARTS:
        return _GE_PARTS[of_ge]
    kinds = _image_type(find)[2:]
    return next((_PARTS_BY_LETTER[kind] for kind in kinds if kind in _PARTS_BY_LETTER), "")


def _echo(find: _Finder) -> float | None:
    told = find("EffectiveEchoTime", "MREchoSequence")
    return number(told if told is not None else find("EchoTime"))


# What sets images at one place apart, first the coarsest; the last is the order of acquisition.
_APART: tuple[Callable[[_Finder], Any], ...] = (
    _echo,
    lambda find: find("EchoNumbers"),
    lambda find: find("TemporalPositionIndex", "FrameContentSequence"),
    lambda find: find("TemporalPositionIdentifier"),
    lambda find: find("DiffusionBValue", "MRDiffusionSequence"),
    lambda find: find("AcquisitionNumber"),
    lambda find: find("FrameAcquisitionNumber", "FrameContentSequence"),
    lambda find: find("TriggerTime"),
    lambda find: find("InstanceNumber"),
)


def _order(find: _Finder, index: int) -> tuple[float, ...]:
    told = [number(look(find)) for look in _APART]
    return (*(-1.0 if one is None else one for one in told), float(index))


def _thickness(find: _Finder) -> float | None:
    apart = number(find("SpacingBetweenSlices", "PixelMeasuresSequence"))
    thick = number(find("SliceThickness", "PixelMeasuresSequence"))
    return next((abs(mm) for mm in (apart, thick) if mm), None)


def _tiles(instance: Instance) -> Iterator[Frame]:
    """Yield the slices of a Siemens mosaic, which lie side by side in one large picture."""
    whole_picture = _frame(_Finder.of(instance, 0), 0)
    mosaic = mosaic_of(instance.header)
    if whole_picture is None or mosaic is None:
        return
    big = whole_picture.grid
    grid = replace(big, rows=big.rows // mosaic.across, columns=big.columns // mosaic.across)
    # The header places the large picture as if its middle were that of the slice.
    first = (
        whole_picture.position
        + big.along_row * big.spacing_mm[1] * (big.columns - grid.columns) / 2
        + big.along_column * big.spacing_mm[0] * (big.rows - grid.rows) / 2
    )
    for tile in range(mosaic.count):
        place = first + tile * mosaic.step_mm * np.array(mosaic.normal)
        yield replace(whole_picture, grid=grid, position=place, mosaic=mosaic, tile=tile)
