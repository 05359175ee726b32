"""Images through the whole server: sent, of the folder, or a phantom."""

import gzip
import io
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

pytest.importorskip("uvicorn", reason="the extra 'studio' is not installed")

from scgm.image.volume import Geometry, Volume
from scgm.io.nifti.write import as_nifti, write_nifti
from scgm.phantom import Acquisition, Anatomy, make_phantom
from scgm.segmentation.pipeline import segment
from scgm.segmentation.result import Label
from scgm.studio.limits import MIB, Limits
from tests.helpers.studio import Studio, serving
from tests.studio.test_bundle import unpacked

PHANTOM = {"slices": 3, "seed": 3}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Iterator[Studio]:
    limits = Limits(upload_bytes=20 * MIB, memory_bytes=4096 * MIB, job_s=100)
    with serving(tmp_path_factory.mktemp("studio"), root=root, limits=limits) as running:
        yield running


def write(path: Path, slices: np.ndarray, affine: Any) -> Path:
    """Write slices (Z, Y, X) as an image whose axes go right, front and up."""
    depth, height, width = slices.shape
    volume = Volume(slices.transpose(2, 1, 0), Geometry((width, height, depth), np.array(affine)))
    write_nifti(as_nifti(volume.voxels, volume, dtype=np.float32), path)
    return path


def ordered(studio: Studio, **order: object) -> dict[str, Any]:
    return studio.finished(studio.ask("POST", "/api/jobs", order).fields["job"])


def made(studio: Studio, state: dict[str, Any], name: str) -> bytes:
    return studio.ask("GET", f"/api/jobs/{state['job']}/{name}").body


@pytest.fixture(scope="module")
def phantom(studio: Studio) -> dict[str, Any]:
    return ordered(studio, phantom=PHANTOM)


def test_a_phantom_is_made_and_segmented(studio: Studio, phantom: dict[str, Any]) -> None:
    assert (phantom["state"], phantom["error"]) == ("done", "")
    fields, arrays = unpacked(made(studio, phantom, "scan.bin"))

    assert arrays["slices"].shape == (3, 160, 160)
    assert arrays["truth_gm"].shape == (3, 160, 160)
    assert np.allclose(fields["spacing"], (5, 0.5, 0.5))


def test_the_page_gets_what_python_gets(
    studio: Studio, phantom: dict[str, Any], tmp_path: Path
) -> None:
    scan, arrays = unpacked(made(studio, phantom, "scan.bin"))
    found, maps = unpacked(made(studio, phantom, "result.bin"))
    path = write(tmp_path / "scan.nii.gz", arrays["slices"], scan["affine"])
    wanted = segment(path)

    (top, bottom), (left, right) = found["rows"], found["columns"]
    gray = np.zeros(arrays["slices"].shape, np.float32)
    gray[:, top:bottom, left:right] = maps["gm"]
    assert np.array_equal(gray, wanted.axial_probability(Label.GM))
    assert found["status"] == list(wanted.status)


def test_all_files_of_a_result_can_be_downloaded(studio: Studio, phantom: dict[str, Any]) -> None:
    ready = phantom["ready"]
    assert isinstance(ready, list)
    endings = ("GM_seg.nii.gz", "SC_probseg.nii.gz", "measurements.csv", "_seg.json", "report.html")
    for ending in endings:
        (name,) = (name for name in ready if name.endswith(ending))
        assert len(made(studio, phantom, name)) > 100


@pytest.mark.parametrize("name", ["..%2fresult.bin", "job.json", "files", ".", "scan.bin%00"])
def test_only_listed_files_of_a_job_are_sent(
    studio: Studio, phantom: dict[str, Any], name: str
) -> None:
    assert studio.ask("GET", f"/api/jobs/{phantom['job']}/{name}").status in (404, 405, 200)
    assert b"GeneratedBy" not in made(studio, phantom, name)


def test_a_file_of_the_folder_is_segmented_and_the_folder_left_alone(
    studio: Studio, phantom: dict[str, Any], root: Path
) -> None:
    _, arrays = unpacked(made(studio, phantom, "scan.bin"))
    path = write(root / "own.nii.gz", arrays["slices"], np.diag([0.5, 0.5, 5, 1]))
    (listed,) = studio.ask("GET", "/api/files").fields["files"]

    state = ordered(studio, file=listed["id"])

    assert (state["state"], state["error"]) == ("done", "")
    assert [each.name for each in root.iterdir()] == ["own.nii.gz"]
    assert studio.ask("GET", f"/api/files/{listed['id']}").body == path.read_bytes()


def sent(
    studio: Studio, content: bytes, name: str = "x.nii.gz", within_s: float = 60
) -> dict[str, Any]:
    upload = studio.ask("POST", "/api/scans", content, {"x-file-name": name}).fields["upload"]
    job = studio.ask("POST", "/api/jobs", {"upload": upload}).fields["job"]
    return studio.finished(job, within_s)


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"\x89PNG" + b"0" * 400, "PNG"), (b"\x1f\x8b" + b"0" * 500, "damaged")],
)
def test_what_is_no_image_is_refused_in_one_sentence(
    studio: Studio, content: bytes, words: str
) -> None:
    state = sent(studio, content)

    assert state["state"] == "failed"
    assert words in str(state["error"])
    assert "\n" not in str(state["error"])


def bomb(shape: tuple[int, int, int]) -> bytes:
    """Return the start of a NIfTI file of zeros, packed to a thousandth of what it unpacks to."""
    header = bytearray(352)
    header[:4] = struct.pack("<i", 348)
    header[40:56] = struct.pack("<8h", 3, *shape, 1, 1, 1, 1)
    header[70:74] = struct.pack("<2h", 16, 32)
    header[76:92] = struct.pack("<4f", 1, 0.5, 0.5, 5)
    header[108:112] = struct.pack("<f", 352)
    header[344:348] = b"n+1\0"
    return bytes(header)


def test_a_gzip_bomb_is_refused_and_the_server_goes_on(studio: Studio) -> None:
    small = bomb((4, 4, 4)) + bytes(4 * 64)

    state = sent(studio, gzip.compress(small + bytes(20 * MIB), 1))

    assert state["state"] == "failed"
    assert "64 KiB" in str(state["error"])
    assert studio.ask("GET", "/api/about").status == 200


@pytest.mark.slow
def test_an_image_that_unpacks_to_more_than_the_memory_is_refused(studio: Studio) -> None:
    header = bomb((2000, 2000, 120))
    packed = gzip.compress(header + np.arange(1, 480_000_001, dtype=np.uint8).tobytes() * 4, 1)

    state = sent(studio, packed, within_s=200)

    assert state["state"] == "failed"
    assert studio.ask("GET", "/api/about").status == 200


def zipped_series(folder: Path, descriptions: tuple[str, ...] = ("one",)) -> tuple[bytes, Path]:
    """Return a phantom as DICOM in a ZIP, once for each description, and the same as NIfTI."""
    pytest.importorskip("pydicom", reason="the extra 'dicom' is not installed")
    from tests.helpers.dicom_files import save, slab_of, slices  # noqa: PLC0415

    phantom = make_phantom(Anatomy(), Acquisition(shape=(3, 120, 120)), seed=4)
    image = as_nifti(phantom.volume.voxels, phantom.volume, dtype=np.float32)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for text in descriptions:
            slab, slope, same = slab_of(image)
            made = slices(slab, SeriesDescription=text, RescaleSlope=slope, RescaleIntercept=0)
            for file in sorted(save(folder / text, made).iterdir()):
                archive.write(file, f"{text}/{file.name}")
    nib.save(same, folder / "same.nii.gz")
    return packed.getvalue(), folder / "same.nii.gz"


def test_a_zip_with_dicom_files_is_segmented_as_the_same_image_is(
    studio: Studio, tmp_path: Path
) -> None:
    packed, same = zipped_series(tmp_path)

    state = sent(studio, packed, "series.zip")

    assert (state["state"], state["error"]) == ("done", "")
    (name,) = (name for name in state["ready"] if name.endswith("label-GM_seg.nii.gz"))
    assert name == "series_label-GM_seg.nii.gz"
    found = nib.Nifti1Image.from_bytes(gzip.decompress(made(studio, state, name)))
    wanted = segment(same).gm
    upright = nib.as_closest_canonical(found)
    assert np.array_equal(np.asarray(upright.dataobj), np.asarray(wanted.dataobj))


def test_one_of_several_series_is_chosen(studio: Studio, tmp_path: Path) -> None:
    packed, _ = zipped_series(tmp_path, ("one", "two"))
    upload = studio.ask("POST", "/api/scans", packed, {"x-file-name": "x.zip"}).fields["upload"]

    unclear, clear = ordered(studio, upload=upload), ordered(studio, upload=upload, series="two")

    assert unclear["error"].startswith("x.zip: it holds 2 series")
    assert "choose one in the field Series:" in unclear["error"]
    assert (clear["state"], clear["error"]) == ("done", "")


def test_a_job_looks_inside_the_network(studio: Studio) -> None:
    state = ordered(studio, phantom=PHANTOM, kind="network", slice=1)

    assert (state["state"], state["ready"]) == ("done", ["network.bin"])
    fields, arrays = unpacked(made(studio, state, "network.bin"))
    assert [branch["reach"] for branch in fields["branches"]] == [
        3.75,
        9.25,
        15.25,
        21.25,
        0,
        27.25,
    ]
    assert arrays["maps"].shape == (6, 32, 112, 112)
    assert arrays["without"].shape == (6, 112, 112)
    assert arrays["gm"].max() > 0.5


def test_a_slice_that_is_not_there_is_refused(studio: Studio) -> None:
    state = ordered(studio, phantom=PHANTOM, kind="network", slice=3)

    assert "there is no slice 3" in state["error"]


def test_a_zip_bomb_is_refused_and_the_server_goes_on(studio: Studio) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for number in range(3):
            with archive.open(f"{number}.dcm", "w", force_zip64=True) as file:
                for _ in range(100):
                    file.write(bytes(MIB))

    state = sent(studio, packed.getvalue(), "x.zip")

    assert state["state"] == "failed"
    assert state["error"].startswith("x.zip: it is a ZIP of 3 files that unpack to 0.3 GB")
    assert studio.ask("GET", "/api/about").status == 200
