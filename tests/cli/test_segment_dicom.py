"""``scgm segment`` on DICOM as a user meets it, and who must not be met in its results."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

from scgm.segmentation.outputs import read_record
from tests.helpers.dicom_files import SECRETS, STANDIN, Slab, cord_slab, pattern, save, slices
from tests.helpers.standin import Ended, run_scgm, save_scan, write_model

Run = Callable[..., Ended]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("model"))


@pytest.fixture
def segment(capsys: pytest.CaptureFixture[str], model: Path) -> Run:
    def run(*arguments: object) -> Ended:
        return run_scgm(capsys, "segment", "--model", model, *arguments)

    return run


def scan(folder: Path, **changes: Any) -> Path:
    return save(folder, slices(cord_slab(), **{**STANDIN, **changes}))


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def secrets_in(content: bytes | str) -> list[str]:
    text = content.decode("latin-1") if isinstance(content, bytes) else content
    return [secret for secret in SECRETS if secret.lower() in text.lower()]


def test_a_folder_is_segmented_like_a_file(segment: Run, tmp_path: Path) -> None:
    ended = segment(scan(tmp_path / "t2s"))

    assert ended.status == 0
    assert "gray matter 8.0 mm2 (mean of 4 ok of 4 slices)" in ended.out
    assert "fsleyes" not in ended.out  # it cannot show this folder
    assert names(tmp_path) == {
        "t2s",
        "t2s_label-GM_seg.nii.gz",
        "t2s_label-WM_seg.nii.gz",
        "t2s_label-SC_seg.nii.gz",
        "t2s_seg.json",
        "t2s_measurements.csv",
    }


def test_the_folder_one_stands_in_has_a_name(
    segment: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(scan(tmp_path / "t2s"))

    segment(".", "-o", tmp_path / "out")

    assert "t2s_seg.json" in names(tmp_path / "out")


def test_a_zip_is_segmented_and_named_without_its_ending(segment: Run, tmp_path: Path) -> None:
    folder = scan(tmp_path / "t2s")
    packed = shutil.make_archive(str(tmp_path / "packed"), "zip", folder)

    segment(folder, packed)

    one, other = (nib.load(tmp_path / f"{name}_label-GM_seg.nii.gz") for name in ("t2s", "packed"))
    assert np.array_equal(one.dataobj, other.dataobj)
    assert np.count_nonzero(one.dataobj) == 4 * 32


def test_the_record_says_which_echoes_were_combined(segment: Run, tmp_path: Path) -> None:
    slab = cord_slab()
    folder = save(tmp_path / "in", slices(slab, EchoTime=5, **STANDIN))
    save(folder, slices(slab, 5, EchoTime=10, **STANDIN))

    refused = segment(folder)
    ended = segment(folder, "--volume", "rms")

    assert refused.status == 1
    assert "2 echoes (echo times 5, 10 ms); choose with --volume rms" in refused.err
    note = "the image is the root mean square of 2 echoes (echo times 5, 10 ms)"
    assert note in ended.err
    record = read_record(tmp_path, "in") or {}
    assert note in record["warnings"]
    assert record["input"]["dicom"]["echo_times_ms"] == [5, 10]
    assert record["options"]["volume"] == "rms"


def test_nothing_names_the_patient_but_what_is_filed(segment: Run, tmp_path: Path) -> None:
    """Everything that a run says and writes: streams, log, names, tables, pages, headers."""
    described: dict[str, Any] = {"SeriesDescription": f"{SECRETS[0]} t2s", "ImagesInAcquisition": 9}
    made = slices(cord_slab(), **STANDIN, **described)
    folder = save(tmp_path / "study", made, f"{SECRETS[0]}_{SECRETS[2]}_{{:03d}}")
    save(folder, slices(Slab(pattern()), SeriesNumber=8, SeriesDescription=SECRETS[4]))
    out, log = tmp_path / "out", tmp_path / "log.txt"
    out.mkdir()
    common = ("--verbose", "--log", log, "-o", out)

    listed = segment(folder, *common)
    page = ("--report", out / "report.html")
    ended = segment(folder, *common, "--series", 5, "--qc", "--soft", "--dicom", *page)

    assert (listed.status, ended.status) == (1, 0), ended.err
    assert '5 "[removed] t2s"' in listed.err
    filed = {file for file in out.iterdir() if file.suffix == ".dcm"}
    said = [listed.out, listed.err, ended.out, ended.err, log.read_text(), *names(out)]
    assert [secrets_in(text) for text in said if secrets_in(text)] == []
    others = [file for file in out.iterdir() if file not in filed]
    assert len(others) == 10
    for file in others:
        content = file.read_bytes()
        packed = file.suffix == ".gz"
        assert secrets_in(gzip.decompress(content) if packed else content) == [], file.name
    assert len(filed) == 3
    assert all(SECRETS[2] in secrets_in(file.read_bytes()) for file in filed)


def test_the_patient_is_kept_where_it_was_asked_for(segment: Run, tmp_path: Path) -> None:
    folder = scan(tmp_path / f"scan-{SECRETS[2]}")

    refused = segment(folder, "-o", tmp_path / "out")
    ended = segment(folder, "-o", tmp_path / "out", "--keep-identifiers")

    assert (refused.status, ended.status) == (1, 0)
    assert "use --keep-identifiers" in refused.err
    record = json.loads((tmp_path / "out" / f"scan-{SECRETS[2]}_seg.json").read_text())
    assert record["input"]["dicom"]["identifiers"]["PatientID"] == SECRETS[2]


def test_what_is_done_is_skipped_until_the_series_changes(segment: Run, tmp_path: Path) -> None:
    folder = scan(tmp_path / "t2s")
    segment(folder)

    again = segment(folder, "--skip-existing")
    with_dicom = segment(folder, "--skip-existing", "--dicom", "--overwrite")
    once_more = segment(folder, "--skip-existing", "--dicom")

    assert "done already, skipped" in again.out
    assert "9 ok" not in with_dicom.out
    assert (tmp_path / "t2s_seg.dcm").is_file()
    assert "done already, skipped" in once_more.out
    file = min(folder.iterdir())
    file.write_bytes(file.read_bytes()[:-2] + b"\1\0")
    assert "done already" not in segment(folder, "--skip-existing", "--overwrite").out


def test_dicom_of_a_nifti_image_is_refused_before_it_is_segmented(
    segment: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scgm.segmentation.pipeline.segment", None)
    ended = segment(save_scan(tmp_path / "t2s.nii.gz"), "--dicom")

    assert ended.status == 1
    assert "it is no DICOM" in ended.err
    assert "omit --dicom, or segment" in ended.err
    assert names(tmp_path) == {"t2s.nii.gz"}


def test_a_cord_whose_file_names_the_patient_does_not_reach_the_record(
    segment: Run, tmp_path: Path
) -> None:
    folder = scan(tmp_path / "t2s")
    segment(folder)
    cord = (tmp_path / "t2s_label-SC_seg.nii.gz").rename(tmp_path / f"{SECRETS[0]}.nii.gz")

    refused = segment(folder, "-o", tmp_path / "out", "--cord", cord)
    wanted = segment(folder, "-o", tmp_path / "out", "--cord", cord, "--keep-identifiers")

    assert (refused.status, wanted.status) == (1, 0), wanted.err
    assert "what is given with --cord holds the patient's name" in refused.err


def test_the_scan_that_is_named_to_measure_is_read_as_before(
    segment: Run, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folder = scan(tmp_path / "scans" / "t2s")
    save(folder, slices(Slab(pattern()), SeriesNumber=8))
    record, table = tmp_path / "out" / "t2s_seg.json", tmp_path / "table.json"
    segment(folder, "--series", 5, "-o", tmp_path / "out")

    ended = run_scgm(capsys, "measure", record, "--image", folder, "-o", table)

    assert ended.status == 0, ended.err
    assert json.loads(table.read_text())["rows"][0]["mean"] == pytest.approx(2)


def test_a_report_finds_the_folder_again(
    segment: Run, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folder = scan(tmp_path / "scans" / "t2s")
    segment(folder, "-o", tmp_path / "out")
    page = tmp_path / "page.html"

    ended = run_scgm(capsys, "report", tmp_path / "out", "--images", tmp_path / "scans", "-o", page)

    assert (ended.status, ended.err) == (0, "")
    assert "t2s" in page.read_text()


def test_a_result_of_dicom_is_measured_with_its_scan(
    segment: Run, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    segment(scan(tmp_path / "t2s"))

    ended = run_scgm(capsys, "measure", tmp_path, "-o", tmp_path / "table.csv")

    assert ended.status == 0
    assert "8.0" in (tmp_path / "table.csv").read_text()
