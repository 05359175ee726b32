"""What is odd about DICOM files: each thing is one sentence, and nothing is lost in silence."""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.encaps import encapsulate
from pydicom.pixels.decoders.base import Decoder
from pydicom.uid import DeflatedExplicitVRLittleEndian

from scgm.errors import ImageReadError
from scgm.io.dicom import sources, unpack
from scgm.io.read import ReadOptions, read_labels, read_volume
from tests.helpers.dicom_files import (
    SECRETS,
    Slab,
    common,
    enhanced,
    mosaic,
    pattern,
    save,
    slices,
)

SLAB = Slab(pattern())
Made = list[Any]


def _as_bytes(made: Any) -> bytes:
    out = io.BytesIO()
    made.save_as(out, enforce_file_format=True)
    return out.getvalue()


def refused(path: Path, options: ReadOptions | None = None) -> str:
    """Return the sentence with which an image is refused, which names it first."""
    with pytest.raises(ImageReadError) as caught:
        read_volume(path, options or ReadOptions())
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert not [secret for secret in SECRETS if secret.lower() in message.lower()]
    return message.removeprefix(f"{path}: ")


def without(index: int) -> Made:
    """Return a series that lacks one slice."""
    made = slices(SLAB)
    del made[index]
    return made


def moved(index: int, **changes: Any) -> Made:
    """Return a series with one slice that is changed."""
    made = slices(SLAB)
    for name, value in changes.items():
        setattr(made[index], name, value)
    return made


def doubled() -> Made:
    """Return a series in which another image lies at the place of the third slice."""
    return [*slices(SLAB), slices(replace(SLAB, pictures=pattern(seed=9)), start=50)[2]]


def with_a_cut_file(folder: Path) -> Path:
    """Return a series of which one file ends in the middle of its pixels."""
    save(folder, slices(SLAB))
    file = sorted(folder.iterdir())[2]
    file.write_bytes(file.read_bytes()[:-100])
    return folder


def with_a_cut_header(folder: Path) -> Path:
    """Return a series of which one file ends in its header."""
    save(folder, slices(SLAB))
    file = sorted(folder.iterdir())[2]
    file.write_bytes(file.read_bytes()[:200])
    return folder


STAGGERED = [
    _one
    for k in range(4)
    for _one in slices(replace(SLAB, pictures=SLAB.pictures[k : k + 1], first=(k % 2, 0, 4 * k)))
]

SERIES: dict[str, tuple[Callable[[], Made], str]] = {
    "a gap": (
        lambda: without(2),
        "1 of 5 slices is missing (the first gap is behind slice 2, of 8 mm where 4 mm are usual)",
    ),
    "uneven": (
        lambda: moved(4, ImagePositionPatient=[-12, -20, 48.5]),
        "its slices lie at uneven distances (4 to 6.5 mm)",
    ),
    "staggered": (lambda: STAGGERED, "shifted against each other by uneven amounts"),
    "doubled": (
        doubled,
        "the number of images is 2 at slice 3 and 1 at nearly every other",
    ),
    "no position": (
        lambda: slices(SLAB, ImagePositionPatient=None),
        "do not say where the images lie",
    ),
    "nonsense as position": (
        lambda: slices(SLAB, ImagePositionPatient=[1, 2]),
        "do not say where the images lie",
    ),
    "frames without places": (
        lambda: [
            slices(replace(SLAB, pictures=pattern((1, 70, 12))), NumberOfFrames=5, Rows=14)[0]
        ],
        "do not say where the images lie",
    ),
    "no size": (lambda: slices(SLAB, PixelSpacing=None), "do not say where the images lie"),
    "size of zero": (lambda: slices(SLAB, PixelSpacing=[0, 0]), "do not say where the images lie"),
    "skewed directions": (
        lambda: slices(SLAB, ImageOrientationPatient=[1, 0, 0, 0.7, 0.7, 0]),
        "do not say where the images lie",
    ),
    "inverted": (
        lambda: slices(SLAB, PhotometricInterpretation="MONOCHROME1"),
        "are inverted (MONOCHROME1)",
    ),
    "color": (
        lambda: slices(SLAB, SamplesPerPixel=3, PhotometricInterpretation="RGB"),
        "show no slice of a patient (5 of kind 'color image')",
    ),
    "report": (
        lambda: [common(SLAB, SOPClassUID="1.2.840.10008.5.1.4.1.1.88.33", Rows=None)],
        "show no slice of a patient (1 of kind 'structured report')",
    ),
    "presentation": (
        lambda: [common(SLAB, SOPClassUID="1.2.840.10008.5.1.4.1.1.11.1", Rows=None)],
        "show no slice of a patient (1 of kind 'presentation state')",
    ),
    "index": (
        lambda: [common(SLAB, SOPClassUID="1.2.840.10008.1.3.10", Rows=None)],
        "it is a DICOMDIR, an index without images; give the folder that it lies in",
    ),
    "mosaic without private tags": (lambda: [_anonymous_mosaic()], "without Siemens' own tags"),
    "echoes that do not fit": (
        lambda: [*slices(SLAB, EchoTime=5), *moved(0, EchoTime=9)],
        "of several echo times or types of image",
    ),
    "too large": (
        lambda: [enhanced(SLAB, NumberOfFrames=10**8)],
        "is damaged or cut short; copy or export it again",
    ),
}


def _anonymous_mosaic() -> Any:
    made = mosaic(SLAB)
    made.remove_private_tags()
    return made


@pytest.mark.parametrize("kind", SERIES)
def test_a_series_that_is_no_volume_is_refused(tmp_path: Path, kind: str) -> None:
    make, sentence = SERIES[kind]

    assert sentence in refused(save(tmp_path / "in", make()))


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (with_a_cut_file, "the pixels of IM0002 are damaged or cut short"),
        (with_a_cut_header, "IM0002 is damaged or cut short and may belong to this series"),
    ],
)
def test_a_damaged_file_is_named(
    tmp_path: Path, make: Callable[[Path], Path], sentence: str
) -> None:
    assert sentence in refused(make(tmp_path / "in"))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "it holds files without content (1, zeros alone)"),
        (bytes(90), "it holds files without content (1, zeros alone)"),
        (bytes(5000), "it holds files without content (1, zeros alone)"),
        (b"version https://git-lfs.github.com/spec/v1\noid", "pointers of Git LFS"),
    ],
)
def test_slices_that_were_not_copied_are_not_lost_in_silence(
    tmp_path: Path, content: bytes, sentence: str
) -> None:
    """The last slice, whose loss no gap tells."""
    folder = save(tmp_path / "in", slices(SLAB))
    (folder / "IM0000").write_bytes(content)

    assert sentence in refused(folder)


def test_a_link_that_leads_nowhere_is_named(tmp_path: Path) -> None:
    folder = save(tmp_path / "in", slices(SLAB))
    (folder / "IM0000").unlink()
    (folder / "IM0000").symlink_to(tmp_path / "gone")

    assert refused(folder).startswith("it holds links to files that are not there")


def test_files_that_are_no_dicom_do_no_harm(tmp_path: Path) -> None:
    folder = save(tmp_path / "in", slices(SLAB))
    (folder / "notes.txt").write_text("about the scan")
    (folder / ".hidden").touch()

    assert read_volume(folder).geometry.shape == (12, 14, 5)


def test_a_damaged_file_of_another_series_does_no_harm(tmp_path: Path) -> None:
    folder = save(tmp_path / "in", slices(SLAB))
    save(folder, [common(Slab(pattern()), SeriesNumber=9, Rows=0)], "other{}")

    assert read_volume(folder).geometry.shape == (12, 14, 5)


def test_copies_of_files_are_taken_once(tmp_path: Path) -> None:
    folder = save(tmp_path / "in", slices(SLAB))
    (folder / "again").mkdir()
    for file in list(folder.glob("IM*"))[:2]:
        shutil.copy(file, folder / "again")

    volume = read_volume(folder)

    assert volume.geometry.shape == (12, 14, 5)
    assert volume.warnings == ("copies of images are left out (2)",)


def test_two_files_of_one_number_must_be_the_same(tmp_path: Path) -> None:
    made = slices(SLAB)
    other = slices(replace(SLAB, pictures=pattern(seed=4)))[0]
    other.SOPInstanceUID = made[0].SOPInstanceUID

    folder = save(tmp_path / "in", [*made, other])

    assert "have the same number (SOP Instance UID) and are not the same" in refused(folder)


def test_a_series_can_say_that_images_are_missing_at_its_end(tmp_path: Path) -> None:
    volume = read_volume(save(tmp_path / "in", slices(SLAB, ImagesInAcquisition=8)))

    assert volume.warnings == ("its header promises 8 images, 5 are there",)


def test_a_compression_with_loss_is_told(tmp_path: Path) -> None:
    before, after = (slices(SLAB, LossyImageCompression=told) for told in ("00", "01"))

    assert read_volume(save(tmp_path / "before", before)).warnings == ()
    assert read_volume(save(tmp_path / "after", after)).warnings == (
        "its images were compressed with loss, which can change small structures",
    )


def test_slices_that_are_missing_evenly_are_told(tmp_path: Path) -> None:
    """Every second one: positions alone do not show it."""
    made = slices(SLAB, SpacingBetweenSlices=4)

    gaps = slices(SLAB, SliceThickness=3.6, SpacingBetweenSlices=0.4)

    assert read_volume(save(tmp_path / "all", made)).warnings == ()
    assert read_volume(save(tmp_path / "gaps", gaps)).warnings == ()
    assert read_volume(save(tmp_path / "half", made[::2])).warnings == (
        "its slices lie 8 mm apart, but its header says 4 mm: look whether slices are missing",
    )


def test_what_is_assumed_is_said(tmp_path: Path) -> None:
    single = replace(SLAB, pictures=pattern((1, 9, 8)))
    folder = save(tmp_path / "in", slices(single, SliceThickness=None, Modality="CT"))

    assert read_volume(folder).warnings == (
        "the thickness of its only slice is not said; 1 mm is assumed",
        "its modality is CT, not MR; methods were made for MR",
    )


def examination(folder: Path) -> Path:
    """Return a folder with a localizer of three orientations and two scans."""
    shared = replace(SLAB, series="1.2.3.1")
    sagittal = replace(shared, orientation=(0, 1, 0, 0, 0, -1), step=(-4, 0, 0))
    coronal = replace(shared, orientation=(1, 0, 0, 0, 0, -1), step=(0, 4, 0))
    number = 1
    for slab in (shared, sagittal, coronal):
        save(folder, slices(slab, number, SeriesNumber=1, SeriesDescription="localizer"))
        number += 5
    save(folder, slices(Slab(pattern(), series="1.2.3.2"), SeriesNumber=2))
    described = f"t1 {SECRETS[1]} axial"
    save(folder, slices(Slab(pattern(), series="1.2.3.7"), SeriesDescription=described))
    return folder


def test_several_series_are_listed_with_how_to_choose(tmp_path: Path) -> None:
    folder = examination(tmp_path / "in")

    assert refused(folder) == (
        "it holds 5 series or stacks; choose one with --series: "
        '1:1 "localizer" (5 images of 12 x 14); 1:2 "localizer" (5 images of 12 x 14); '
        '1:3 "localizer" (5 images of 12 x 14); 2 "t2s axial" (5 images of 12 x 14); '
        '5 "t1 [removed] axial" (5 images of 12 x 14)'
    )


@pytest.mark.parametrize("wanted", ["2", 2, "1.2.3.2", "T2s Axial", "t2s"])
def test_a_series_is_chosen_by_number_uid_or_description(tmp_path: Path, wanted: Any) -> None:
    volume = read_volume(examination(tmp_path / "in"), ReadOptions(series=wanted))

    assert volume.scan.about["series_number"] == 2  # type: ignore[attr-defined]


def test_a_stack_of_a_series_is_chosen(tmp_path: Path) -> None:
    volume = read_volume(examination(tmp_path / "in"), ReadOptions(series="1:2"))

    assert np.abs(volume.geometry.affine[0, 2]) == 4  # its slices follow one another to the right


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        ("8", "it holds no series '8'; it holds 1:1"),
        ("1", "'1' names 3 of its series: 1:1"),
        ("axial", "'axial' names 2 of its series: 2"),
        ("", "it holds no series ''"),
    ],
)
def test_a_choice_must_name_one_series(tmp_path: Path, wanted: str, sentence: str) -> None:
    assert sentence in refused(examination(tmp_path / "in"), ReadOptions(series=wanted))


def test_images_of_two_frames_of_reference_are_two_stacks(tmp_path: Path) -> None:
    """The patient may have moved in between, so their places cannot be compared."""
    above = replace(SLAB, first=(-12, -20, 50), reference="1.2.3.9")
    folder = save(tmp_path / "in", [*slices(SLAB), *slices(above, 6)])

    assert "it holds 2 series or stacks" in refused(folder)


def test_series_of_one_number_are_told_by_uid(tmp_path: Path) -> None:
    folder = save(tmp_path / "in", slices(Slab(pattern(), series="1.2.3.4")))
    save(folder, slices(Slab(pattern(), series="1.2.3.5")))

    assert "UID 1.2.3.4; 5" in refused(folder)


def test_one_slice_of_a_series_is_no_image(tmp_path: Path) -> None:
    folder = save(tmp_path / "in", slices(SLAB))

    assert "one slice of a series; give the folder" in refused(folder / "IM0001")


def test_a_folder_of_nifti_images_is_named_as_such(tmp_path: Path) -> None:
    (tmp_path / "sub-01.nii.gz").write_bytes(b"\x1f\x8b")
    (tmp_path / "sub-01.json").write_bytes(b"")  # no copy that broke off

    assert refused(tmp_path) == (
        "this is a folder without DICOM files, but with NIfTI images; name these, or use "
        "'scgm cohort' for the folder"
    )


def test_a_folder_without_dicom_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing")

    assert refused(tmp_path).startswith("this is a folder without DICOM files; give an image file")


def test_labels_are_not_read_from_dicom(tmp_path: Path) -> None:
    with pytest.raises(ImageReadError, match="this is a folder"):
        read_labels(save(tmp_path / "in", slices(SLAB)))


def packed(folder: Path, members: dict[str, bytes], **how: Any) -> Path:
    """Return a ZIP with these members."""
    file = folder / "scan.zip"
    with zipfile.ZipFile(file, "w", **how) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file


@pytest.mark.parametrize(
    "name", ["../../evil", "/etc/evil", "a/../../evil", "..\\evil", "C:\\evil", "\\\\host\\evil"]
)
def test_a_zip_that_leads_out_is_refused(tmp_path: Path, name: str) -> None:
    inside = tmp_path / "a" / "b"
    inside.mkdir(parents=True)
    before = set(tmp_path.rglob("*"))

    file = packed(inside, {name: b"\0" * 128 + b"DICM"})

    assert "a path that leads out of it" in refused(file)
    assert set(tmp_path.rglob("*")) - before == {file}


def test_a_zip_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "_BOMB_FROM", 1 << 20)
    zeros = b"\0" * 128 + b"DICM" + b"\0" * (4 << 20)
    file = packed(tmp_path, {"a": zeros}, compression=zipfile.ZIP_DEFLATED)

    monkeypatch.setattr(zipfile.ZipFile, "read", None)  # nothing may be unpacked
    monkeypatch.setattr(zipfile.ZipFile, "open", None)

    assert "such a ZIP is not opened" in refused(file)


@pytest.mark.parametrize("limit", ["_MOST_BYTES", "_MOST_BYTES_OF_ONE", "_MOST_FILES"])
def test_a_zip_of_too_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    file = packed(tmp_path, {"a": b"123", "b": b"456"})
    monkeypatch.setattr(sources, limit, 1)

    assert "such a ZIP is not opened" in refused(file)


def test_a_zip_with_nothing_of_use_is_refused(tmp_path: Path) -> None:
    assert refused(packed(tmp_path, {"a.txt": b"text"})).startswith("it is a ZIP without DICOM")


def test_a_locked_zip_is_refused(tmp_path: Path) -> None:
    file = packed(tmp_path, {"a": b"\0" * 128 + b"DICM"})
    content = bytearray(file.read_bytes())
    for mark, at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        content[content.index(mark) + at] |= 1
    file.write_bytes(content)

    assert "locked with a password" in refused(file)


def test_a_damaged_zip_is_refused(tmp_path: Path) -> None:
    folder = save(tmp_path / "in", slices(SLAB))
    file = Path(shutil.make_archive(str(tmp_path / "scan"), "zip", folder))
    content = file.read_bytes()
    damaged = bytearray(content)
    damaged[600:700] = bytes(100)
    sentences = set()
    for part in (content[:-200], damaged):
        file.write_bytes(part)
        sentences.add(refused(file))

    assert any("it is a damaged ZIP" in sentence for sentence in sentences)
    assert any("a file in it cannot be unpacked" in sentence for sentence in sentences)


def test_a_file_that_is_packed_as_a_whole_is_refused(tmp_path: Path) -> None:
    """Unpacked, such a file can have any size."""
    made = slices(SLAB)
    made[0].file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian

    assert "a file in it is packed as a whole (deflated)" in refused(save(tmp_path / "in", made))


def gdcm_packed(folder: Path, syntax: str) -> Path:
    """Pack the pixels of all files of a folder with GDCM."""
    gdcm = pytest.importorskip("gdcm", reason="python-gdcm is not installed")
    for file in folder.iterdir():
        reader = gdcm.ImageReader()
        reader.SetFileName(str(file))
        assert reader.Read()
        change = gdcm.ImageChangeTransferSyntax()
        change.SetTransferSyntax(gdcm.TransferSyntax(getattr(gdcm.TransferSyntax, syntax)))
        change.SetInput(reader.GetImage())
        assert change.Change()
        writer = gdcm.ImageWriter()
        writer.SetFileName(str(file))
        writer.SetFile(reader.GetFile())
        writer.SetImage(change.GetOutput())
        assert writer.Write()
    return folder


@pytest.mark.parametrize(
    "syntax",
    [
        "JPEGLosslessProcess14",
        "JPEGLosslessProcess14_1",
        "JPEGLSLossless",
        "JPEG2000Lossless",
        "RLELossless",
        "ExplicitVRBigEndian",
        "ImplicitVRLittleEndian",
    ],
)
def test_pixels_are_the_same_however_they_are_packed(tmp_path: Path, syntax: str) -> None:
    folder = save(tmp_path / "in", slices(SLAB))
    plain = read_volume(folder)

    other = read_volume(gdcm_packed(folder, syntax))

    np.testing.assert_array_equal(plain.voxels, other.voxels)
    assert plain.geometry.matches(other.geometry)


@pytest.mark.slow
@pytest.mark.parametrize("syntax", ["JPEGLosslessProcess14_1", "JPEG2000Lossless"])
def test_damaged_packed_pixels_end_no_process(tmp_path: Path, syntax: str) -> None:
    """GDCM ends its process on some of these bytes."""
    single = replace(SLAB, pictures=pattern((1, 14, 12)))
    folder = gdcm_packed(save(tmp_path / "in", slices(single)), syntax)
    (file,) = folder.iterdir()
    content = file.read_bytes()
    pixels = content.rfind(b"\xe0\x7f\x10\x00") + 30
    for place in range(pixels, len(content), len(content) // 50):
        damaged = bytearray(content)
        damaged[place] ^= 0xFF
        file.write_bytes(damaged)
        require_volume_or_sentence(folder)


def test_files_are_unpacked_until_there_are_no_more(tmp_path: Path) -> None:
    """The loop of the other process: a file that can be unpacked, one that cannot, the end."""
    folder = gdcm_packed(save(tmp_path / "in", slices(SLAB)), "JPEGLSLossless")
    content = (folder / "IM0000").read_bytes()
    asked, told = io.BytesIO(), io.BytesIO()
    for sent in (content, b"no DICOM"):
        asked.write(len(sent).to_bytes(8, "little") + sent)
    asked.seek(0)

    unpack.serve(asked, told)

    told.seek(0)
    length = int.from_bytes(told.read(8), "little")
    np.testing.assert_array_equal(np.load(io.BytesIO(told.read(length))), SLAB.pictures[-1])
    assert told.read() == bytes(8)


def test_a_decoder_that_ends_its_process_is_told_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = gdcm_packed(save(tmp_path / "in", slices(SLAB)), "JPEGLSLossless")
    monkeypatch.setattr(unpack, "COMMAND", [sys.executable, "-c", "import os; os.abort()"])

    assert "are damaged or cut short" in refused(folder)


def test_a_decoder_that_does_not_end_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = gdcm_packed(save(tmp_path / "in", slices(SLAB)), "JPEGLSLossless")
    monkeypatch.setattr(unpack, "MOST_SECONDS", 0.0)

    assert "are damaged or cut short" in refused(folder)


def test_a_packing_that_cannot_be_undone_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = slices(SLAB)
    for one in made:
        one.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.70"
        one.PixelData = encapsulate([b"\xff\xd8" + bytes(40)])
        one["PixelData"].VR = "OB"
    monkeypatch.setattr(Decoder, "is_available", False)

    assert "IM0004 is packed with JPEG Lossless" in refused(save(tmp_path / "in", made))


def test_without_the_extra_one_sentence_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = save(tmp_path / "in", slices(SLAB))
    monkeypatch.setitem(sys.modules, "pydicom", None)

    assert refused(folder) == (
        "DICOM needs pydicom, which is not installed; in the folder of scgm's source code run: "
        "pip install '.[dicom]'"
    )


def test_a_name_of_the_patient_is_taken_out_of_messages(tmp_path: Path) -> None:
    """File names are often made of it; `refused` looks for all secrets."""
    folder = save(tmp_path / "in", slices(SLAB), f"{SECRETS[0].upper()}_{SECRETS[2]}_{{}}.dcm")
    file = min(folder.iterdir())
    file.write_bytes(file.read_bytes()[:-100])

    assert refused(folder).startswith("the pixels of [removed]_[removed]_0.dcm are damaged")


def test_results_are_not_called_by_the_patient(tmp_path: Path) -> None:
    folder = save(tmp_path / f"scan_{SECRETS[2]}", slices(SLAB))

    with pytest.raises(ImageReadError, match=r"holds the patient's name, .* --keep-identifiers"):
        read_volume(folder)
    assert read_volume(folder, ReadOptions(keep_identifiers=True)).source == folder


WHOLE = {
    "plain": [_as_bytes(one) for one in slices(SLAB)],
    "enhanced": [_as_bytes(enhanced(SLAB))],
    "mosaic": [_as_bytes(mosaic(SLAB))],
}
PLACE = st.floats(0, 1, exclude_max=True)
# Most damage is done to the header, which is a small part of a file.
CHANGE = st.tuples(PLACE | st.floats(0, 0.3), st.integers(0, 255))


@settings(max_examples=100, deadline=None)
@given(
    kind=st.sampled_from(sorted(WHOLE)),
    which=st.integers(0, 4),
    changes=st.lists(CHANGE, min_size=1, max_size=20),
    cut=st.none() | PLACE,
)
def test_damaged_bytes_give_a_volume_or_a_sentence(
    kind: str, which: int, changes: list[tuple[float, int]], cut: float | None
) -> None:
    """Whatever is wrong, no other error and no name of the patient comes out."""
    contents = [bytearray(content) for content in WHOLE[kind]]
    damaged = contents[which % len(contents)]
    for place, byte in changes:
        damaged[int(place * len(damaged))] = byte
    if cut is not None:
        del damaged[int(cut * len(damaged)) :]
    with tempfile.TemporaryDirectory() as folder:
        for index, content in enumerate(contents):
            Path(folder, str(index)).write_bytes(content)
        require_volume_or_sentence(Path(folder))


def require_volume_or_sentence(folder: Path) -> None:
    """Make sure that reading ends well or in one sentence that names no patient."""
    sentence = ""
    try:
        assert np.isfinite(read_volume(folder).voxels).all()
    except ImageReadError as error:
        sentence = str(error)
    assert not [secret for secret in SECRETS if secret in sentence]
