"""Reports as files: what is in them, and what becomes of results that are not right."""

import gzip
import json
import re
from pathlib import Path
from typing import Any

import nibabel as nib
import pytest

from scgm.errors import ImageReadError, OutputError, RecordError
from scgm.report.page import TEMPLATES
from scgm.report.write import write_report
from tests.helpers.results import edit, save_result, with_gray_matter
from tests.helpers.standin import cord_voxels, turned


def block(report: Path, name: str) -> Any:
    """Return the JSON of an element of the page."""
    found = re.search(rf'id="{name}">(.*?)</script>', report.read_text(encoding="utf-8"))
    assert found is not None
    return json.loads(found[1])


def test_a_report_holds_what_is_known_of_an_image(tmp_path: Path) -> None:
    voxels = cord_voxels()
    voxels[..., 1] = 0
    path = save_result(tmp_path / "results", voxels=voxels)

    made = write_report([path], tmp_path / "r.html")

    (own,) = block(made.path, "index")["images"]
    details = block(made.path, "details-0")
    assert (made.shown, made.notices, made.left_out) == (1, (), ())
    assert (own["title"], own["slices"], own["flagged"]) == ("t2s", 5, 1)
    assert own["features"]["gm_area"] == 8.0
    assert own["features"]["gm_ratio"] == pytest.approx(0.1)
    assert [row["areas"]["GM"] for row in details["rows"]] == [8.0, None, 8.0, 8.0, 8.0]
    assert details["command"].startswith("scgm segment t2s.nii.gz --model ")
    assert details["made"]["method"] == "default"


def test_the_same_results_give_the_same_bytes(tmp_path: Path) -> None:
    save_result(tmp_path / "results")

    first, second = (write_report([tmp_path / "results"], tmp_path / f"{n}.html") for n in "ab")

    assert first.path.read_bytes() == second.path.read_bytes()


def test_images_in_other_folders_are_found(tmp_path: Path) -> None:
    save_result(tmp_path / "results", images=tmp_path / "data" / "sub-01")

    made = write_report([tmp_path / "results"], tmp_path / "r.html", images=[tmp_path / "data"])

    assert made.notices == ()
    assert block(made.path, "details-0")["pictures"] is not None


def test_each_result_that_is_not_right_has_a_sentence_and_the_others_are_shown(
    tmp_path: Path,
) -> None:
    results = tmp_path / "results"
    save_result(results, "fine")
    save_result(results, "gone", with_gray_matter(9))
    (results / "gone.nii.gz").unlink()
    edit(save_result(results, "old", with_gray_matter(10)), lambda r: r.update(version="0.0.1"))
    (save_result(results, "damaged", with_gray_matter(7))).write_text("{")
    edit(save_result(results, "future", with_gray_matter(6)), lambda r: r.pop("slices"))

    made = write_report([results], tmp_path / "r.html")

    assert made.shown == 3
    assert [re.findall(r"(\w+)_seg\.json", each)[0] for each in made.left_out] == [
        "damaged",
        "future",
    ]
    assert len(made.notices) == 2
    assert "gone.nii.gz is not found" in made.notices[0]
    assert "version 0.0.1" in made.notices[1]
    titles = {own["title"]: own for own in block(made.path, "index")["images"]}
    assert titles["gone"]["features"]["gm_area"] == 9.0
    assert not titles["gone"]["drawn"]
    assert titles["old"]["drawn"]
    assert "damaged_seg.json: the record is damaged" in made.path.read_text(encoding="utf-8")


def test_a_mask_that_was_changed_is_told(tmp_path: Path) -> None:
    path = save_result(tmp_path)
    mask = tmp_path / "t2s_label-GM_seg.nii.gz"
    voxels = bytearray(gzip.decompress(mask.read_bytes()))
    voxels[-1] = 1
    mask.write_bytes(gzip.compress(bytes(voxels)))

    made = write_report([path], tmp_path / "r.html")

    assert made.notices == ("t2s_label-GM_seg.nii.gz: it has changed since it was written",)


def test_a_mask_that_another_program_turned_is_drawn_in_its_place(tmp_path: Path) -> None:
    path = save_result(tmp_path)
    plain = write_report([path], tmp_path / "plain.html").path
    mask = tmp_path / "t2s_label-GM_seg.nii.gz"
    turned(nib.load(mask), "LPI").to_filename(mask)

    made = write_report([path], tmp_path / "turned.html")

    first, second = (block(page, "details-0")["pictures"] for page in (plain, made.path))
    assert first["labels"] == second["labels"]
    assert [notice.partition(":")[2] for notice in made.notices] == [
        " it has changed since it was written",
        " its axes were brought into the order of those of the image",
    ]


@pytest.mark.parametrize("cut", [0, 40])
def test_a_mask_that_is_damaged_is_told(tmp_path: Path, cut: int) -> None:
    path = save_result(tmp_path)
    mask = tmp_path / "t2s_label-GM_seg.nii.gz"
    mask.write_bytes(mask.read_bytes()[:cut])

    made = write_report([path], tmp_path / "r.html")

    assert made.shown == 1
    assert any("t2s_label-GM_seg.nii.gz" in notice for notice in made.notices[1:])


def test_no_folder_of_the_machine_is_in_the_page(tmp_path: Path) -> None:
    """Neither in what was read nor in what went wrong; records hold names of files alone."""
    results, data = tmp_path / "jane doe" / "results", tmp_path / "jane doe" / "data"
    for name in ("fine", "gone", "broken", "damaged"):
        path = save_result(results, name, with_gray_matter(5 + len(name)), images=data)
        edit(path, lambda record: record["options"].update(model=None))
    (data / "gone.nii.gz").unlink()
    (results / "broken_label-GM_seg.nii.gz").write_bytes(b"no mask")
    (results / "damaged_seg.json").write_text("{")

    made = write_report([results], tmp_path / "r.html", images=[data])

    assert (made.shown, len(made.left_out)) == (3, 1)
    assert "jane doe" in made.left_out[0]  # on the user's own terminal
    assert "jane doe" not in made.path.read_text(encoding="utf-8")
    assert str(tmp_path) not in made.path.read_text(encoding="utf-8")


def test_text_of_a_record_is_never_markup(tmp_path: Path) -> None:
    attack = "</script><script>alert(1)</script><!--"
    path = edit(save_result(tmp_path), lambda r: r.update(warnings=[attack], method=attack))
    (tmp_path / "b<img src=x>_seg.json").write_text("{")

    text = write_report([tmp_path], tmp_path / "r.html").path.read_text(encoding="utf-8")

    assert path.exists()
    assert "alert(1)</script>" not in text
    assert "<img" not in text
    assert "\\u003c/script\\u003e" in text


def test_the_same_result_in_two_folders_is_shown_once(tmp_path: Path) -> None:
    save_result(tmp_path / "a")
    save_result(tmp_path / "b")

    made = write_report([tmp_path], tmp_path / "r.html")

    assert made.shown == 1
    assert "shown once" in made.notices[0]


def test_images_of_one_name_are_numbered(tmp_path: Path) -> None:
    save_result(tmp_path / "a")
    save_result(tmp_path / "b", voxels=with_gray_matter(9))

    made = write_report([tmp_path], tmp_path / "r.html")

    titles = [own["title"] for own in block(made.path, "index")["images"]]
    assert titles == ["t2s (1)", "t2s (2)"]


def test_an_image_apart_from_the_set_has_a_high_score(tmp_path: Path) -> None:
    """Areas of 7.5, 7.75, 8, 8.25 and 8.5 mm2, and one of 16: 8 from the median of 8.125 or so."""
    for name, width in zip("abcdef", (6, 7, 8, 9, 10, 16), strict=True):
        save_result(tmp_path, name, with_gray_matter(width))

    made = write_report([tmp_path], tmp_path / "r.html")

    z = [own["z"]["gm_area"] for own in block(made.path, "index")["images"]]
    assert z[5] == pytest.approx((16 - 8.5) / (1.4826 * 1.5), abs=1e-2)
    assert max(map(abs, z[:5])) < 2


def test_nothing_to_show_is_told(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()

    with pytest.raises(RecordError, match="no result to show"):
        write_report([tmp_path / "empty"], tmp_path / "r.html")
    with pytest.raises(ImageReadError, match="no such file"):
        write_report([tmp_path / "nowhere"], tmp_path / "r.html")
    assert not (tmp_path / "r.html").exists()


def test_a_report_replaces_reports_alone(tmp_path: Path) -> None:
    path = save_result(tmp_path)
    mine, link = tmp_path / "mine.html", tmp_path / "link.html"
    mine.write_text("<p>mine</p>")
    link.symlink_to(mine)
    report = write_report([path], tmp_path / "r.html").path

    for target, overwrite in ((report, False), (mine, True), (link, True)):
        with pytest.raises(OutputError):
            write_report([path], target, overwrite=overwrite)
    write_report([path], report, overwrite=True)

    assert mine.read_text() == "<p>mine</p>"


@pytest.mark.parametrize("name", ["r.txt", "nowhere/r.html", "r.html/"])
def test_a_target_that_makes_no_sense_is_told(tmp_path: Path, name: str) -> None:
    path = save_result(tmp_path)
    if name == "r.html/":
        (tmp_path / "r.html").mkdir()

    with pytest.raises(OutputError):
        write_report([path], tmp_path / name, overwrite=True)


def luminance(color: str) -> float:
    """Return the relative luminance of a color (WCAG 2)."""
    digits = color if len(color) == 6 else "".join(2 * digit for digit in color)
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first: str, second: str) -> float:
    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_text_can_be_read_in_both_themes(theme: int) -> None:
    """A contrast of 4.5 for text (WCAG 2, AA), on every ground that it stands on."""
    styles = (TEMPLATES / "report.css").read_text(encoding="utf-8")
    colors = dict(
        re.findall(r"--(\w+): #(\w+);", re.findall(r":root \{(.*?)\}", styles, re.DOTALL)[theme])
    )

    for text in ("text", "quiet", "accent", "flag", "pass"):
        for ground in ("page", "panel"):
            assert contrast(colors[text], colors[ground]) >= 4.5, (text, ground)
    for text, ground in (("text", "chosen"), ("text", "alert"), ("flag", "chosen")):
        assert contrast(colors[text], colors[ground]) >= 4.5, (text, ground)


def test_the_page_names_nothing_from_elsewhere(tmp_path: Path) -> None:
    text = write_report([save_result(tmp_path)], tmp_path / "r.html").path.read_text("utf-8")
    addresses = set(re.findall(r"(?:https?:)?//[\w.-]+\.\w+[^\s\"'<]*", text))

    assert addresses == {"http://www.w3.org/2000/svg"}  # the name of a language, fetched by nobody
    assert not re.search(r"<(link(?! rel=\"icon\" href=\"data:,\")|iframe|object|embed)", text)
    assert "default-src &#39;none&#39;" in text
    assert "unsafe-inline" not in text
