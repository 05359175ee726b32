"""DICOM files as scanners of several vendors write them, made of numbers that are known."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import UID, ExplicitVRLittleEndian, generate_uid

from tests.helpers.standin import cord_voxels, uneven

MR = "1.2.840.10008.5.1.4.1.1.4"
ENHANCED_MR = "1.2.840.10008.5.1.4.1.1.4.1"
AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
# Names and numbers that stand nowhere else.
SECRETS = ("Zauberberg", "Quecksilber", "PID77123456", "19010203", "ACC55900312", "Doktorowa")


@dataclass(frozen=True)
class Slab:
    """A scan as DICOM has it: pictures (slice, row, column) and where they lie, in LPS mm."""

    pictures: NDArray[Any]
    orientation: Sequence[float] = AXIAL
    first: Sequence[float] | NDArray[Any] = (-12.0, -20.0, 30.0)
    step: Sequence[float] | NDArray[Any] = (0.0, 0.0, 4.0)
    spacing: tuple[float, float] = (0.6, 0.5)  # between rows, between columns
    study: str = field(default_factory=generate_uid)
    series: str = field(default_factory=generate_uid)
    reference: str = field(default_factory=generate_uid)

    def position(self, k: int) -> NDArray[np.float64]:
        """Return the center of the first pixel of a slice."""
        return np.array(self.first, np.float64) + k * np.array(self.step, np.float64)

    def place(self, k: int, row: int, column: int) -> NDArray[np.float64]:
        """Return the center of a pixel in RAS mm, by the standard's equation (PS3.3 C.7.6.2.1)."""
        along_row, along_column = np.array(self.orientation).reshape(2, 3)
        lps = (
            self.position(k)
            + along_row * self.spacing[1] * column
            + along_column * self.spacing[0] * row
        )
        return np.asarray(lps * (-1, -1, 1))


def pattern(shape: tuple[int, int, int] = (5, 14, 12), seed: int = 1) -> NDArray[np.uint16]:
    """Return pictures in which every pixel is told from every other one nearby."""
    return np.random.default_rng(seed).integers(20, 900, shape).astype(np.uint16)


def common(slab: Slab, **changes: Any) -> FileDataset:
    """Return a data set with the patient, the study and the series."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    values: dict[str, Any] = {
        "SpecificCharacterSet": "ISO_IR 192",
        "SOPClassUID": MR,
        "SOPInstanceUID": generate_uid(),
        "StudyInstanceUID": slab.study,
        "SeriesInstanceUID": slab.series,
        "FrameOfReferenceUID": slab.reference,
        "PositionReferenceIndicator": "",
        "PatientName": f"{SECRETS[0]}^{SECRETS[1]}",
        "PatientID": SECRETS[2],
        "PatientBirthDate": SECRETS[3],
        "PatientSex": "O",
        "AccessionNumber": SECRETS[4],
        "ReferringPhysicianName": SECRETS[5],
        "StudyID": "1",
        "StudyDate": "20260102",
        "StudyTime": "101112",
        "SeriesDate": "20260102",
        "SeriesTime": "101112",
        "Modality": "MR",
        "Manufacturer": "Nobody",
        "SeriesNumber": 5,
        "SeriesDescription": "t2s axial",
        "ImageType": ["ORIGINAL", "PRIMARY", "M", "ND"],
        "Rows": slab.pictures.shape[1],
        "Columns": slab.pictures.shape[2],
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "BitsAllocated": 16,
        "BitsStored": 16,
        "HighBit": 15,
        "PixelRepresentation": int(np.issubdtype(slab.pictures.dtype, np.signedinteger)),
        "ScanningSequence": "GR",
        "SequenceVariant": "SP",
        "ScanOptions": "",
        "MRAcquisitionType": "2D",
        "RepetitionTime": 600,
        "EchoTime": 17,
        "EchoTrainLength": 1,
        "PatientPosition": "HFS",
        "Laterality": "",
    }
    for name, value in {**values, **changes}.items():
        if value is not None:
            setattr(made, name, value)
    meta.MediaStorageSOPClassUID = made.get("SOPClassUID", UID(MR))
    meta.MediaStorageSOPInstanceUID = made.get("SOPInstanceUID", generate_uid())
    return made


def slices(slab: Slab, start: int = 1, **changes: Any) -> list[FileDataset]:
    """Return one data set for each slice, as nearly every scanner writes them."""
    made = []
    for k, picture in enumerate(slab.pictures):
        one = common(
            slab,
            **{
                "InstanceNumber": start + k,
                "AcquisitionNumber": 1,
                "ImagePositionPatient": _ds(slab.position(k)),
                "ImageOrientationPatient": _ds(slab.orientation),
                "PixelSpacing": _ds(slab.spacing),
                "SliceThickness": 4,
                **changes,
            },
        )
        one.PixelData = picture.tobytes()
        made.append(one)
    return made


def enhanced(
    slab: Slab, echoes_ms: Sequence[float] = (17.0,), slopes: Sequence[float] = (1.0,), **more: Any
) -> FileDataset:
    """Return one data set with all slices; further echoes are 100 larger each."""
    frames = [(k, e) for e in range(len(echoes_ms)) for k in range(len(slab.pictures))]
    intercept = more.pop("RescaleIntercept", 0)
    changes = {
        "SOPClassUID": ENHANCED_MR,
        "NumberOfFrames": len(frames),
        "InstanceNumber": 1,
        "ContentDate": "20260102",
        "ContentTime": "101112",
        **more,
    }
    for name in ("EchoTime", "RepetitionTime", "ScanningSequence", "SequenceVariant"):
        changes.setdefault(name, None)
    made = common(slab, **changes)
    shared = Dataset()
    shared.PixelMeasuresSequence = _item(
        PixelSpacing=_ds(slab.spacing), SliceThickness=4, SpacingBetweenSlices=4
    )
    shared.PlaneOrientationSequence = _item(ImageOrientationPatient=_ds(slab.orientation))
    shared.MRImageFrameTypeSequence = _item(
        FrameType=["ORIGINAL", "PRIMARY", "OTHER", "NONE"], ComplexImageComponent="MAGNITUDE"
    )
    made.SharedFunctionalGroupsSequence = Items([shared])
    groups = []
    for k, e in frames:
        group = Dataset()
        group.PlanePositionSequence = _item(ImagePositionPatient=_ds(slab.position(k)))
        group.MREchoSequence = _item(EffectiveEchoTime=float(echoes_ms[e]))
        group.FrameContentSequence = _item(
            StackID="1", InStackPositionNumber=k + 1, DimensionIndexValues=[k + 1, e + 1]
        )
        group.PixelValueTransformationSequence = _item(
            RescaleIntercept=intercept, RescaleSlope=slopes[e % len(slopes)], RescaleType="US"
        )
        groups.append(group)
    made.PerFrameFunctionalGroupsSequence = Items(groups)
    numbers = np.array([slab.pictures[k] + 100 * e for k, e in frames], slab.pictures.dtype)
    made.PixelData = numbers.tobytes()
    return made


def mosaic(slab: Slab, *, opposite: bool = False, **changes: Any) -> FileDataset:
    """Return the slices as one mosaic of Siemens, its first tile being the first slice."""
    count, rows, columns = slab.pictures.shape
    across = int(np.ceil(np.sqrt(count)))
    picture = np.zeros((across * rows, across * columns), slab.pictures.dtype)
    for k, tile in enumerate(slab.pictures):
        down, right = divmod(k, across)
        picture[down * rows : (down + 1) * rows, right * columns : (right + 1) * columns] = tile
    along_row, along_column = np.array(slab.orientation).reshape(2, 3)
    corner = (
        np.array(slab.first)
        - along_row * slab.spacing[1] * (across - 1) * columns / 2
        - along_column * slab.spacing[0] * (across - 1) * rows / 2
    )
    step = np.array(slab.step)
    made = common(
        slab,
        **{
            "Manufacturer": "SIEMENS",
            "ImageType": ["ORIGINAL", "PRIMARY", "M", "ND", "MOSAIC"],
            "InstanceNumber": 1,
            "AcquisitionNumber": 1,
            "Rows": picture.shape[0],
            "Columns": picture.shape[1],
            "ImagePositionPatient": _ds(corner),
            "ImageOrientationPatient": _ds(slab.orientation),
            "PixelSpacing": _ds(slab.spacing),
            "SliceThickness": float(np.linalg.norm(step)),
            "SpacingBetweenSlices": float(np.linalg.norm(step)),
            **changes,
        },
    )
    made.PixelData = picture.tobytes()
    block = made.private_block(0x19, "SIEMENS MR HEADER", create=True)
    block.add_new(0x0A, "US", count)
    normal = step / np.linalg.norm(step)
    csa = made.private_block(0x29, "SIEMENS CSA HEADER", create=True)
    csa.add_new(
        0x10, "OB", _csa({"NumberOfImagesInMosaic": [count], "SliceNormalVector": list(normal)})
    )
    return made


def philips(slab: Slab, slope: float, intercept: float, private: float, **more: Any) -> list[Any]:
    """Return slices with the two scales that Philips writes."""
    made = slices(
        slab,
        **{
            "Manufacturer": "Philips Medical Systems",
            "ImageType": ["ORIGINAL", "PRIMARY", "M_FFE", "M", "FFE"],
            "RescaleSlope": slope,
            "RescaleIntercept": intercept,
            "RescaleType": "normalized",
            **more,
        },
    )
    for one in made:
        block = one.private_block(0x2005, "Philips MR Imaging DD 001", create=True)
        block.add_new(0x0E, "FL", private)
    return made


def philips_enhanced(slab: Slab, private: float, **more: Any) -> FileDataset:
    """Return one data set with all slices, with the private scale in an item of each frame."""
    made = enhanced(slab, Manufacturer="Philips Medical Systems", **more)
    for group in made.PerFrameFunctionalGroupsSequence:
        inner = Dataset()
        inner.private_block(0x2005, "Philips MR Imaging DD 001", create=True).add_new(
            0x0E, "FL", private
        )
        outer = group.private_block(0x2005, "Philips MR Imaging DD 005", create=True)
        outer.add_new(0x0F, "SQ", [inner])
    return made


def ge(slab: Slab, part: int = 0, **more: Any) -> list[Any]:
    """Return slices of GE, which says in a private tag what part of the signal they show."""
    made = slices(
        slab,
        **{
            "Manufacturer": "GE MEDICAL SYSTEMS",
            "ImageType": ["ORIGINAL", "PRIMARY", "OTHER"],
            **more,
        },
    )
    for one in made:
        one.private_block(0x43, "GEMS_PARM_01", create=True).add_new(0x2F, "SS", part)
    return made


def save(folder: Path, made: Iterable[Any], name: str = "IM{:04d}") -> Path:
    """Write data sets to a folder, in reverse order and without ending; return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    start = len(list(folder.iterdir()))
    for index, one in enumerate(reversed(list(made))):
        one.save_as(folder / name.format(start + index), enforce_file_format=True)
    return folder


def _ds(values: Iterable[float]) -> list[str]:
    return [f"{value:.10g}"[:16] for value in values]


def _item(**values: Any) -> Items:
    made = Dataset()
    for name, value in values.items():
        setattr(made, name, value)
    return Items([made])


def _csa(fields: dict[str, list[Any]]) -> bytes:
    """Return Siemens' own header, version SV10, with some fields of six items each."""
    out = b"SV10\4\3\2\1" + struct.pack("<2I", len(fields), 77)
    for name, values in fields.items():
        vr = b"IS" if isinstance(values[0], int) else b"FD"
        out += struct.pack("<64si4s3i", name.encode(), len(values), vr, 6, 6, 77)
        for index in range(6):
            text = f"{values[index]:.8f}" if index < len(values) else ""
            if index < len(values) and isinstance(values[index], int):
                text = str(values[index])
            content = text.encode() + b"\0" if text else b""
            out += struct.pack("<4i", len(content), len(content), 77, len(content))
            out += content + b"\0" * (-len(content) % 4)
    return out


def cord_slab(count: int = 4, **changes: Any) -> Slab:
    """Return a scan for the stand-in model (`tests.helpers.standin`), to be saved with `STANDIN`.

    Gray matter is 3000 in the pictures, white matter 2000, and background at most 1000.
    """
    values = uneven(cord_voxels(count))
    pictures = np.round((values + 1) * 1000)[::-1, ::-1].T
    return Slab(
        np.ascontiguousarray(pictures.astype(np.uint16)),
        **{"spacing": (0.5, 0.5), "step": (0.0, 0.0, 5.0), **changes},
    )


# The scale with which the values of `cord_slab` are those that the stand-in knows.
STANDIN: dict[str, Any] = {"RescaleSlope": 0.001, "RescaleIntercept": -1}


def slab_of(image: Any) -> tuple[Slab, float, Any]:
    """Return a nibabel image as a scan of whole numbers, their slope, and the same as NIfTI."""
    upright = nib.as_closest_canonical(image)
    values = np.asanyarray(upright.dataobj)
    slope = 1.0 if np.array_equal(values, np.round(values)) else float(values.max()) / 60_000
    numbers = np.round(values / slope).astype(np.uint16)
    affine = np.diag((-1, -1, 1, 1)) @ upright.affine
    size = np.linalg.norm(affine[:3, :3], axis=0)
    slab = Slab(
        # Rows are read to the left, columns to the back.
        np.ascontiguousarray(numbers[::-1, ::-1].T),
        orientation=(*(-affine[:3, 0] / size[0]), *(-affine[:3, 1] / size[1])),
        first=(affine @ (values.shape[0] - 1, values.shape[1] - 1, 0, 1))[:3],
        step=affine[:3, 2],
        spacing=(float(size[1]), float(size[0])),
    )
    return slab, slope, nib.Nifti1Image((numbers * slope).astype(np.float32), upright.affine)
