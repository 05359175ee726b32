"""What is written as DICOM, read by pydicom and SimpleITK and laid over the scan."""

from __future__ import annotations

import io
import shutil
import subprocess
import traceback
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import highdicom
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from numpy.typing import NDArray

from scgm.errors import OutputError
from scgm.segmentation.dicom_outputs import dicom_objects
from scgm.segmentation.outputs import OutputOptions
from scgm.segmentation.pipeline import segment
from scgm.segmentation.segmentation import Segmentation
from tests.helpers.dicom_files import (
    SECRETS,
    STANDIN,
    Slab,
    cord_slab,
    enhanced,
    mosaic,
    save,
    slices,
)
from tests.helpers.standin import save_scan, write_model

GRAY, WHITE = 3000, 2000
SLOPE = STANDIN["RescaleSlope"]
SLANTED = cord_slab(
    orientation=(np.cos(0.3), np.sin(0.3), 0, -np.sin(0.3), np.cos(0.3), 0), step=(0, 0, 5)
)
TILTED = cord_slab(step=(0, 0.8, 5))
STRAIGHT = cord_slab()


def two_echoes(slab: Slab) -> list[Any]:
    """Return two equal echoes, whose root mean square is each of them."""
    return [
        *slices(slab, EchoTime=5, **STANDIN),
        *slices(slab, 1 + len(slab.pictures), EchoTime=10, **STANDIN),
    ]


KINDS: dict[str, tuple[Slab, Callable[[Slab], list[Any]]]] = {
    "plain": (STRAIGHT, lambda slab: slices(slab, **STANDIN)),
    "from above": (
        cord_slab(step=(0, 0, -5)),
        lambda slab: slices(slab, **STANDIN),
    ),
    "slanted": (SLANTED, lambda slab: slices(slab, **STANDIN)),
    "tilted": (TILTED, lambda slab: slices(slab, **STANDIN)),
    "enhanced": (SLANTED, lambda slab: [enhanced(slab, slopes=(SLOPE,), RescaleIntercept=-1)]),
    "mosaic": (SLANTED, lambda slab: [mosaic(slab, **STANDIN)]),
    "echoes": (STRAIGHT, two_echoes),
}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def made(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Any]:
    """Return, for a kind of scan, its folder, its result and the objects."""
    known: dict[str, Any] = {}

    def make(kind: str) -> Any:
        if kind not in known:
            slab, build = KINDS[kind]
            folder = save(tmp_path_factory.mktemp("scan") / "in", build(slab))
            volume: Any = "rms" if kind == "echoes" else None
            result = segment(folder, model=model, volume=volume)
            contents = dicom_objects(result)
            known[kind] = folder, result, [pydicom.dcmread(io.BytesIO(one)) for one in contents]
        return known[kind]

    return make


def frames(seg: Any) -> Iterator[tuple[int, Any, NDArray[np.bool_]]]:
    """Yield number of segment, functional groups and pixels of every frame, unpacked by hand."""
    bits = np.unpackbits(np.frombuffer(seg.PixelData, np.uint8), bitorder="little")
    size = seg.Rows * seg.Columns
    for index, group in enumerate(seg.PerFrameFunctionalGroupsSequence):
        number = group.SegmentIdentificationSequence[0].ReferencedSegmentNumber
        pixels = bits[index * size : (index + 1) * size].reshape(seg.Rows, seg.Columns)
        yield number, group, pixels.astype(bool)


def shown(segment: int, picture: NDArray[Any]) -> NDArray[np.bool_]:
    """Return what a segment must show of a picture: gray matter, white matter, cord."""
    whole = picture >= WHITE
    return np.asarray({1: picture == GRAY, 2: whole & (picture < GRAY), 3: whole}[segment])


@pytest.mark.parametrize("kind", KINDS)
def test_the_segmentation_lies_on_the_scan(made: Callable[[str], Any], kind: str) -> None:
    """Every pixel of each frame, at the place where the frame says it lies."""
    slab, _ = KINDS[kind]
    _, _, (seg, _) = made(kind)
    places = [slab.position(k) for k in range(len(slab.pictures))]
    seen = []

    for number, group, pixels in frames(seg):
        there = np.array(group.PlanePositionSequence[0].ImagePositionPatient, float)
        (k,) = [k for k, place in enumerate(places) if np.abs(place - there).max() < 1e-3]
        np.testing.assert_array_equal(pixels, shown(number, slab.pictures[k]))
        seen.append((number, k))

    assert sorted(seen) == [(number, k) for number in (1, 2, 3) for k in range(len(places))]
    shared = seg.SharedFunctionalGroupsSequence[0]
    turned = shared.PlaneOrientationSequence[0].ImageOrientationPatient
    np.testing.assert_allclose(np.array(turned, float), slab.orientation, atol=1e-6)
    assert shared.PixelMeasuresSequence[0].PixelSpacing == [0.5, 0.5]
    assert seg.FrameOfReferenceUID == slab.reference


@pytest.mark.parametrize("kind", ["plain", "slanted", "from above"])
def test_simpleitk_finds_the_frames_in_its_own_reading_of_the_scan(
    made: Callable[[str], Any], kind: str
) -> None:
    folder, _, (seg, _) = made(kind)
    names = sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder))
    scan = sitk.ReadImage(names)
    values = np.round((sitk.GetArrayFromImage(scan) + 1) * 1000)

    for number, group, pixels in frames(seg):
        there = [float(mm) for mm in group.PlanePositionSequence[0].ImagePositionPatient]
        i, j, k = scan.TransformPhysicalPointToContinuousIndex(there)
        assert (i, j) == pytest.approx((0, 0), abs=1e-3)
        assert k == pytest.approx(round(k), abs=1e-3)
        np.testing.assert_array_equal(pixels, shown(number, values[round(k)]))


@pytest.mark.parametrize("kind", ["plain", "tilted", "echoes"])
def test_each_frame_names_the_files_that_it_was_made_of(
    made: Callable[[str], Any], kind: str
) -> None:
    folder, _, (seg, _) = made(kind)
    files = [pydicom.dcmread(file) for file in folder.iterdir()]
    by_uid = {file.SOPInstanceUID: file for file in files}
    used = set()

    for number, group, pixels in frames(seg):
        sources = group.DerivationImageSequence[0].SourceImageSequence
        assert len(sources) == (2 if kind == "echoes" else 1)
        for source in sources:
            file = by_uid[source.ReferencedSOPInstanceUID]
            np.testing.assert_array_equal(pixels, shown(number, file.pixel_array))
            used.add(file.SOPInstanceUID)

    assert used == set(by_uid)


def test_each_frame_names_its_frame_of_an_enhanced_file(made: Callable[[str], Any]) -> None:
    folder, _, (seg, _) = made("enhanced")
    scan = pydicom.dcmread(next(folder.iterdir()))

    for number, group, pixels in frames(seg):
        (source,) = group.DerivationImageSequence[0].SourceImageSequence
        picture = scan.pixel_array[source.ReferencedFrameNumber - 1]
        np.testing.assert_array_equal(pixels, shown(number, picture))


def test_the_mosaic_is_named(made: Callable[[str], Any]) -> None:
    folder, _, (seg, _) = made("mosaic")
    scan = pydicom.dcmread(next(folder.iterdir()))

    (series,) = seg.ReferencedSeriesSequence
    assert series.SeriesInstanceUID == scan.SeriesInstanceUID
    (instance,) = series.ReferencedInstanceSequence
    assert instance.ReferencedSOPInstanceUID == scan.SOPInstanceUID


def test_segments_have_the_terms_of_the_standard(made: Callable[[str], Any]) -> None:
    _, _, (seg, _) = made("plain")
    types = [one.SegmentedPropertyTypeCodeSequence[0] for one in seg.SegmentSequence]

    assert [(one.CodeValue, one.CodingSchemeDesignator) for one in types] == [
        ("12958003", "SCT"),
        ("27088001", "SCT"),
        ("2748008", "SCT"),
    ]
    assert [one.SegmentLabel for one in seg.SegmentSequence] == [
        "Spinal cord gray matter",
        "Spinal cord white matter",
        "Spinal cord",
    ]


def test_a_result_for_which_a_person_showed_the_cord_is_not_called_automatic(
    made: Callable[[str], Any], model: Path
) -> None:
    folder, result, (automatic, _) = made("plain")
    row = result.measurements()[0]

    shown = segment(folder, model=model, center=(row.center_x, row.center_y))
    assisted = pydicom.dcmread(io.BytesIO(dicom_objects(shown)[0]))

    assert {one.SegmentAlgorithmType for one in automatic.SegmentSequence} == {"AUTOMATIC"}
    assert {one.SegmentAlgorithmType for one in assisted.SegmentSequence} == {"SEMIAUTOMATIC"}


@pytest.mark.parametrize("kind", KINDS)
def test_objects_belong_to_the_patient_and_the_study(made: Callable[[str], Any], kind: str) -> None:
    slab, _ = KINDS[kind]
    _, _, objects = made(kind)

    for one in objects:
        assert (one.PatientID, one.PatientName) == (SECRETS[2], f"{SECRETS[0]}^{SECRETS[1]}")
        assert one.StudyInstanceUID == slab.study
        assert one.AccessionNumber == SECRETS[4]
        assert one.SeriesInstanceUID != slab.series
        assert (one.Manufacturer, one.SeriesNumber // 100) == ("scgm", 5)
    assert len({one.SeriesInstanceUID for one in objects}) == len(objects)
    assert [one.Modality for one in objects] == ["SEG", "SR"]


def groups_of(report: Any) -> list[dict[str, Any]]:
    """Return the measurement groups of a report as plain values, walked through by hand."""
    (measured,) = [
        item
        for item in report.ContentSequence
        if item.ConceptNameCodeSequence[0].CodeMeaning == "Imaging Measurements"
    ]
    return [
        {item.ConceptNameCodeSequence[0].CodeMeaning: item for item in group.ContentSequence}
        for group in measured.ContentSequence
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_the_report_has_the_areas_of_the_table(made: Callable[[str], Any], kind: str) -> None:
    """Gray matter is 8 x 4 and the cord 20 x 16 pixels of 0.25 mm2."""
    slab, _ = KINDS[kind]
    _, _, (seg, report) = made(kind)
    pictures = {}
    for index, (number, _, pixels) in enumerate(frames(seg), start=1):
        pictures[index] = number, pixels
    found = []

    for group in groups_of(report):
        value = group["Area"].MeasuredValueSequence[0]
        assert value.MeasurementUnitsCodeSequence[0].CodeValue == "mm2"
        reference = group["Referenced Segmentation Frame"].ReferencedSOPSequence[0]
        assert reference.ReferencedSOPInstanceUID == seg.SOPInstanceUID
        number, pixels = pictures[int(reference.ReferencedFrameNumber)]
        assert pixels.sum() * 0.25 == pytest.approx(float(value.NumericValue))
        found.append((number, float(value.NumericValue)))

    count = len(slab.pictures)
    assert sorted(found) == [(1, 8.0)] * count + [(2, 72.0)] * count + [(3, 80.0)] * count


def test_the_report_names_slice_and_status(made: Callable[[str], Any]) -> None:
    _, result, (_, report) = made("plain")

    said = [
        (group["Tracking Identifier"].TextValue, group["Status of slice"].ConceptCodeSequence[0])
        for group in groups_of(report)
    ]

    assert said[0][0] == "Spinal cord gray matter, slice 0"
    assert {word.CodeMeaning for _, word in said} == {row.status for row in result.measurements()}


@pytest.mark.slow
def test_a_picture_becomes_a_secondary_capture(made: Callable[[str], Any], tmp_path: Path) -> None:
    _, result, _ = made("plain")
    files = result.save(tmp_path, OutputOptions(dicom=True, picture=True))

    captured = pydicom.dcmread(tmp_path / "in_qc.dcm")
    drawn = sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "in_qc.png")))
    np.testing.assert_array_equal(captured.pixel_array, drawn[..., :3])
    assert captured.BurnedInAnnotation == "NO"
    assert [file.name for file in files if file.suffix == ".dcm"] == [
        "in_seg.dcm",
        "in_measurements.dcm",
        "in_qc.dcm",
    ]


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="no dciodvfy (package dicom3tools)")
@pytest.mark.parametrize("kind", KINDS)
def test_a_validator_finds_no_error(made: Callable[[str], Any], tmp_path: Path, kind: str) -> None:
    _, result, _ = made(kind)
    files: tuple[Path, ...] = result.save(
        tmp_path, OutputOptions(dicom=True, picture=kind == "plain")
    )

    written = [file for file in files if file.suffix == ".dcm"]
    said = [
        subprocess.run(["dciodvfy", file], capture_output=True, text=True, check=False).stderr
        for file in written
    ]

    assert len(written) == (3 if kind == "plain" else 2)
    assert [line for text in said for line in text.splitlines() if "Error" in line] == []


def sagittal_result(model: Path, folder: Path) -> tuple[Slab, Segmentation]:
    """Return a scan whose files are sagittal, so that axial slices lie across them."""
    axial = cord_slab(24, spacing=(0.5, 0.5), step=(0, 0, 0.5))
    across = np.ascontiguousarray(axial.pictures.transpose(2, 0, 1)[:, ::-1])  # left, down, back
    first = axial.place(23, 0, 0) * (-1, -1, 1)
    slab = replace(
        axial, pictures=across, first=first, step=(0.5, 0, 0), orientation=(0, 1, 0, 0, 0, -1)
    )
    result = segment(save(folder / "in", slices(slab, **STANDIN)), model=model, slice_axis="j")
    return slab, result


@pytest.mark.slow
def test_axial_slices_may_lie_across_the_images(model: Path, tmp_path: Path) -> None:
    """The segmentation follows the images; the report then refers to no frame of it."""
    slab, result = sagittal_result(model, tmp_path)

    seg, report = (pydicom.dcmread(io.BytesIO(one)) for one in dicom_objects(result))

    counts = {1: 0, 2: 0, 3: 0}
    for number, group, pixels in frames(seg):
        there = np.array(group.PlanePositionSequence[0].ImagePositionPatient, float)
        k = round((there[0] - slab.first[0]) / 0.5)
        np.testing.assert_array_equal(pixels, shown(number, slab.pictures[k]))
        counts[number] += int(pixels.sum())
    assert counts == {1: 24 * 32, 2: 24 * 288, 3: 24 * 320}
    groups = groups_of(report)
    assert len(groups) == 3 * 24
    assert not any("Referenced Segmentation Frame" in group for group in groups)


def test_a_nifti_image_has_no_study(model: Path, tmp_path: Path) -> None:
    result = segment(save_scan(tmp_path / "scan.nii.gz"), model=model)

    with pytest.raises(OutputError, match=r"scan.nii.gz: it is no DICOM"):
        result.save(tmp_path / "out", OutputOptions(dicom=True))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("missing", ["FrameOfReferenceUID", "StudyInstanceUID"])
def test_a_scan_without_its_numbers_is_named(model: Path, tmp_path: Path, missing: str) -> None:
    gone: dict[str, Any] = {missing: None}
    made = slices(STRAIGHT, **STANDIN, **gone)
    result = segment(save(tmp_path / "in", made), model=model)

    with pytest.raises(OutputError, match=f"have no {missing}"):
        result.save(tmp_path / "out", OutputOptions(dicom=True))
    assert not (tmp_path / "out").exists()


def test_a_patient_without_data_can_be_filed(model: Path, tmp_path: Path) -> None:
    """Tags that may be empty are missing altogether in anonymized files."""
    gone = ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "AccessionNumber")
    others = ("StudyDate", "StudyTime", "StudyID", "ReferringPhysicianName", "SeriesNumber")
    missing: dict[str, Any] = dict.fromkeys((*gone, *others))
    made = slices(STRAIGHT, **STANDIN, **missing)

    objects = dicom_objects(segment(save(tmp_path / "in", made), model=model))

    assert len(objects) == 2


@pytest.mark.parametrize(
    ("sets", "name"),
    [
        (["", "ISO 2022 IR 87"], "Yamada^Tarou=\u5c71\u7530^\u592a\u90ce"),
        (["", "ISO 2022 IR 149"], "Hong^Gildong=\u6d2a^\u5409\u6d1e=\ud64d^\uae38\ub3d9"),
        ("ISO 2022 IR 100", "Lef\u00e8vre^Zo\u00e9"),
        ("ISO_IR_100", "Lef\u00e8vre^Zo\u00e9"),
        ("ISO_IR 144", "\u041b\u044e\u043a\u0441"),
        ("GB18030", "Wang^XiaoDong=\u738b^\u5c0f\u4e1c"),
    ],
)
def test_a_name_is_filed_whatever_its_characters(
    model: Path, tmp_path: Path, sets: Any, name: str
) -> None:
    made = slices(STRAIGHT, **STANDIN, SpecificCharacterSet=sets, PatientName=name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a misspelled set
        folder = save(tmp_path / "in", made)

    contents = dicom_objects(segment(folder, model=model))

    for one in contents:
        filed = pydicom.dcmread(io.BytesIO(one))
        assert str(filed.PatientName) == name


def test_directions_may_differ_in_their_last_digit(model: Path, tmp_path: Path) -> None:
    made = slices(STRAIGHT, **STANDIN)
    made[1].ImageOrientationPatient = [1, 0, 0.00001, 0, 1, 0]

    objects = dicom_objects(segment(save(tmp_path / "in", made), model=model))

    assert len(objects) == 2


def test_damaged_values_of_the_patient_do_no_harm(model: Path, tmp_path: Path) -> None:
    """They are filed as they are, or refused in a sentence that does not repeat them."""
    damaged: dict[str, Any] = {
        "PatientBirthDate": "1902-13-45",
        "PatientSex": "unknown",
        "StudyDate": "tomorrow",
    }
    with pydicom.config.disable_value_validation():
        folder = save(tmp_path / "in", slices(STRAIGHT, **STANDIN, **damaged))

    sentence = ""
    try:
        dicom_objects(segment(folder, model=model))
    except OutputError as error:
        sentence = str(error)

    assert not [value for value in damaged.values() if value in sentence]


def test_what_highdicom_refuses_is_one_sentence(
    made: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, result, _ = made("plain")

    def refuse(*_: object, **__: object) -> None:
        raise ValueError(SECRETS[0])

    monkeypatch.setattr(highdicom.seg.Segmentation, "__init__", refuse)
    with pytest.raises(OutputError, match=r"headers of this series \(ValueError\); omit") as caught:
        dicom_objects(result)
    assert SECRETS[0] not in "".join(traceback.format_exception(caught.value))
