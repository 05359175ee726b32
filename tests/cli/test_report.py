"""``scgm report`` from the command line."""

import json
from pathlib import Path

import pytest

from scgm.measurement.levels import LevelKind
from scgm.measurement.norms import Distribution, Norm, Norms
from tests.helpers.results import save_result, with_gray_matter
from tests.helpers.standin import run_scgm, save_scan, write_model


def test_a_report_is_made_of_a_folder(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    save_result(tmp_path / "results", "a")
    save_result(tmp_path / "results", "b", with_gray_matter(9))

    ended = run_scgm(capsys, "report", tmp_path / "results", "-o", tmp_path / "r.html")

    assert (ended.status, ended.err) == (0, "")
    assert "r.html: 2 images, " in ended.out
    assert (tmp_path / "r.html").is_file()


def test_what_is_damaged_is_named_and_the_report_is_made(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    save_result(tmp_path / "results", "a")
    (tmp_path / "results" / "b_seg.json").write_text("{")

    ended = run_scgm(capsys, "report", tmp_path / "results", "-o", tmp_path / "r.html")

    assert ended.status == 1
    assert "b_seg.json: the record is damaged" in ended.err
    assert "r.html: 1 image, " in ended.out


def test_an_image_that_is_gone_is_a_warning(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    save_result(tmp_path / "results", images=tmp_path / "data")

    ended = run_scgm(capsys, "report", tmp_path / "results", "-o", tmp_path / "r.html")
    found = run_scgm(
        capsys,
        *("report", tmp_path / "results", "-o", tmp_path / "s.html", "--images", tmp_path / "data"),
    )

    assert ended.status == 0
    assert "warning: " in ended.err
    assert "--images" in ended.err
    assert found.err == ""


def test_nothing_is_overwritten(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    save_result(tmp_path / "results")
    (tmp_path / "r.html").write_text("mine")

    for options in ((), ("--overwrite",)):
        ended = run_scgm(
            capsys, "report", tmp_path / "results", "-o", tmp_path / "r.html", *options
        )
        assert ended.status == 1

    assert (tmp_path / "r.html").read_text() == "mine"


def test_segment_makes_a_report_of_what_it_did(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Of an image that fails there is none, though an earlier result of it lies there."""
    (tmp_path / "data").mkdir()
    first, second = (save_scan(tmp_path / "data" / f"{name}.nii.gz") for name in "ab")
    options = ("--model", write_model(tmp_path), "-o", tmp_path / "results")
    run_scgm(capsys, "segment", second, *options)

    ended = run_scgm(capsys, "segment", first, second, *options, "--report", tmp_path / "r.html")
    again = run_scgm(
        capsys,
        *("segment", first, second, *options, "--skip-existing", "--report", tmp_path / "s.html"),
    )

    assert ended.status == 1
    assert "r.html: 1 image, " in ended.out
    assert ended.err.count("b_label-GM_seg.nii.gz: it exists already") == 1
    refused = (tmp_path / "r.html").read_text("utf-8").partition('id="left-out"')[2]
    assert "b_label-GM_seg.nii.gz: it exists already" in refused.partition("</section>")[0]
    assert again.status == 0
    assert "s.html: 2 images, " in again.out
    assert '"window":' in (tmp_path / "r.html").read_text("utf-8")


def test_segment_refuses_a_report_before_any_work(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    image = save_scan(tmp_path / "a.nii.gz")
    (tmp_path / "r.html").write_text("mine")

    ended = run_scgm(
        capsys, "segment", image, "--model", write_model(tmp_path), "--report", tmp_path / "r.html"
    )

    assert ended.status == 1
    assert {path.name for path in tmp_path.glob("a*")} == {"a.nii.gz"}
    assert (tmp_path / "r.html").read_text() == "mine"


@pytest.mark.parametrize("place", ["new", "new/deep/.."])
def test_segment_makes_the_folder_of_results_before_the_report_in_it(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, place: str
) -> None:
    image, model = save_scan(tmp_path / "a.nii.gz"), write_model(tmp_path)
    to = ("-o", tmp_path / "new" / "deep", "--report", tmp_path / place / "r.html")

    ended = run_scgm(capsys, "segment", image, "--model", model, *to)

    assert ended.status == 0
    assert (tmp_path / "new" / "r.html").is_file()


def test_a_report_in_a_folder_that_nobody_makes_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    image, model = save_scan(tmp_path / "a.nii.gz"), write_model(tmp_path)
    to = ("-o", tmp_path / "new", "--report", tmp_path / "other" / "r.html")

    ended = run_scgm(capsys, "segment", image, "--model", model, *to)

    assert ended.status == 1
    assert "there is no folder" in ended.err
    assert not (tmp_path / "new").exists()


def measured_with_norms(capsys: pytest.CaptureFixture[str], record: Path) -> Path:
    """Measure five slices of C3 and C4; at C3, 95 of 100 people have 6.04 to 9.96 mm2."""
    folder = record.parent
    (folder / "levels.txt").write_text("0 C4\n1 C4\n2 C3\n3 C3\n4 C3\n")
    normal = Distribution(mean=8, sd=1, centiles={})
    norm = Norm(level="C3", label="GM", column="area_mm2", people=30, plain=normal)
    norms = Norms(version="1", people=30, level_kind=LevelKind.VERTEBRAL, norms=(norm,))
    (folder / "norms.json").write_text(norms.text())
    table = folder / "normal.csv"
    ended = run_scgm(
        *(capsys, "measure", record, "--by", "slice", "--levels-from", folder / "levels.txt"),
        *("--norms", folder / "norms.json", "-o", table, "--overwrite"),
    )
    assert ended.status == 0
    return table


def test_the_normal_range_of_a_measured_result_is_shown(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    record = save_result(tmp_path / "results")
    table = measured_with_norms(capsys, record)

    ended = run_scgm(capsys, "report", record, "-o", tmp_path / "r.html", "--normal-range", table)

    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    rows = json.loads(page.partition('id="details-0">')[2].partition("</script>")[0])["rows"]
    assert (ended.status, ended.err) == (0, "")
    assert [row["normal"].get("GM") for row in rows] == [
        *[None] * 2,
        *[pytest.approx([6.04, 9.96])] * 3,
    ]


def test_the_normal_range_of_another_result_is_not_shown(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Of the same name, but with other areas; or of another name."""
    table = measured_with_norms(capsys, save_result(tmp_path / "a"))
    other = save_result(tmp_path / "b", voxels=with_gray_matter(9))
    third = save_result(tmp_path / "c", "third")

    told = [
        run_scgm(capsys, "report", one, "-o", tmp_path / f"{k}.html", "--normal-range", table).err
        for k, one in enumerate((other, third))
    ]

    assert "its areas of t2s.nii.gz are not those of this result" in told[0]
    assert "no image of it is in the report (t2s.nii.gz)" in told[1]
    assert '"normal":{}' in (tmp_path / "0.html").read_text(encoding="utf-8")
    assert '"normal":{"GM' not in (tmp_path / "0.html").read_text(encoding="utf-8")


def test_a_table_without_normal_ranges_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    record = save_result(tmp_path / "results")
    table = record.with_name("t2s_measurements.csv")

    ended = run_scgm(capsys, "report", record, "-o", tmp_path / "r.html", "--normal-range", table)

    assert ended.status == 1
    assert "t2s_measurements.csv: it has no normal range of slices; use scgm measure" in ended.err
    assert not (tmp_path / "r.html").exists()
