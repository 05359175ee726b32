"""Reports in a real browser."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")

from PIL import Image  # noqa: E402
from playwright.sync_api import Browser, Page  # noqa: E402

from scgm.report.page import LeftOut  # noqa: E402
from scgm.report.write import Beside, write_report  # noqa: E402
from tests.helpers.browser import opened, screenshot, started  # noqa: E402
from tests.helpers.results import edit, save_result, with_gray_matter  # noqa: E402

WIDTHS = {"a": 7, "b": 8, "c": 9, "d": 6, "e": 10, "f": 18}
ORANGE = (230, 159, 0)
NAMELESS = """() => [...document.querySelectorAll(
    "button, input, select, [role=button], [role=img]")]
  .filter((e) => !(e.getAttribute("aria-label") || e.textContent.trim() || (e.labels || []).length))
  .map((e) => e.outerHTML)"""
PIXELS = """(canvas) => {
  const copy = document.createElement("canvas");
  [copy.width, copy.height] = [canvas.width, canvas.height];
  const pen = copy.getContext("2d", { willReadFrequently: true });
  pen.drawImage(canvas, 0, 0);
  return [...pen.getImageData(0, 0, copy.width, copy.height).data];
}"""
VIOLATIONS = """async () => {
  const seen = [];
  document.addEventListener("securitypolicyviolation", (e) => seen.push(e.effectiveDirective));
  const script = document.createElement("script");
  script.textContent = "window.attacked = true";
  document.body.append(script);
  const image = document.createElement("img");
  image.src = "http://127.0.0.1:9/x.png";
  document.body.append(image);
  await fetch("http://127.0.0.1:9/x").catch(() => null);
  await new Promise((done) => setTimeout(done, 100));
  return [window.attacked === true, seen.sort()];
}"""

# Each test opens a page in a browser.
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with started() as running:
        yield running


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six images, of which f has twice as much gray matter as the others; b has an empty slice."""
    folder = tmp_path_factory.mktemp("results")
    for name, width in WIDTHS.items():
        voxels = with_gray_matter(width)
        if name == "b":
            voxels[..., 1] = 0
        save_result(folder, name, voxels)
    return write_report([folder], folder / "report.html").path


@pytest.fixture
def page(browser: Browser, report: Path) -> Iterator[Page]:
    """Open the report; whatever is done with it, nothing is said and nothing is asked for."""
    with opened(browser, report, viewport={"width": 1400, "height": 900}) as (shown, seen):
        yield shown
        assert seen.console == []
        own = [url for url in seen.requests if not url.startswith(("data:", "blob:"))]
        assert set(own) == {report.as_uri()}


def names(page: Page) -> list[str]:
    return page.locator("#list tbody .name").all_inner_texts()


def orange(page: Page, selector: str) -> int:
    """Count the pixels of a canvas that have the color of gray matter."""
    pixels = np.reshape(page.locator(selector).evaluate(PIXELS), (-1, 4))
    return int((np.abs(pixels[:, :3] - np.array(ORANGE)) < 60).all(axis=1).sum())


def inside(page: Page) -> list[int]:
    """Return a pixel of the fourth panel in the middle of the gray matter of image f."""
    canvas = page.locator(".panels figure:nth-child(4) canvas")
    pixels = np.array(canvas.evaluate(PIXELS))
    side = round((len(pixels) / 4) ** 0.5)
    row, column = round(side * (0.5 + 2 / 64)), round(side * (0.5 + 0.5 / 64))
    color: list[int] = pixels.reshape(side, side, 4)[row, column, :3].tolist()
    return color


def said(page: Page) -> str:
    return page.locator("#said").inner_text()


def test_the_image_that_stands_apart_comes_first_and_says_why(page: Page) -> None:
    assert names(page)[0] == "f"
    assert page.locator("#name").inner_text() == "f"
    assert "gray matter area +" in page.locator("#flags").inner_text()


def test_the_outline_of_the_gray_matter_is_toggled(page: Page) -> None:
    canvas = ".panels figure:nth-child(4) canvas"
    tile = ".mosaic button:first-child canvas"
    before = orange(page, canvas)

    page.locator("#overlay-gm").uncheck()
    off = orange(page, canvas), orange(page, tile)
    page.keyboard.press("g")

    assert before > 50
    assert off == (0, 0)
    assert orange(page, canvas) == before
    assert orange(page, tile) > 20


def test_outlines_lie_on_what_they_outline(page: Page) -> None:
    """In d, gray matter is posterior and to the patient's left: below, and on the right.

    Its middle is at column 34.5 and row 15.5, that of the cord at 39.5 and 17.5, in pixels of
    which 64 are shown.
    """
    page.locator("#list .name", has_text="d").click()
    page.wait_for_selector("#detail[data-drawn]")
    canvas = page.locator(".panels figure:nth-child(4) canvas")
    pixels = np.array(canvas.evaluate(PIXELS))
    side = round((len(pixels) / 4) ** 0.5)
    near = np.abs(pixels.reshape(side, side, 4)[..., :3] - np.array(ORANGE)) < 60
    row, column = np.argwhere(near.all(axis=2)).mean(axis=0) / side

    assert row == pytest.approx(0.5 + 2 / 64, abs=0.01)
    assert column == pytest.approx(0.5 + 5 / 64, abs=0.01)


def test_probability_is_shown_as_color(page: Page) -> None:
    """Yellow, the last color of the scale, lies over gray."""
    before = inside(page)

    page.keyboard.press("h")
    red, _, blue = inside(page)

    assert page.locator("#overlay-probability").is_checked()
    assert len(set(before)) == 1
    assert red > 180
    assert red - blue > 100


def test_the_key_o_toggles_all_overlays(page: Page) -> None:
    for on in (False, True):
        page.keyboard.press("o")
        assert page.locator("#overlay-gm").is_checked() is on
        assert page.locator("#overlay-cord").is_checked() is on


def test_rows_are_sorted_both_ways(page: Page) -> None:
    head = page.locator("#column-gm_area")

    head.get_by_role("button").click()
    up, sign = names(page), head.get_attribute("aria-sort")
    head.get_by_role("button").click()

    assert up == sorted(WIDTHS, key=lambda name: WIDTHS[name])
    assert sign == "ascending"
    assert names(page) == up[::-1]
    assert head.get_attribute("aria-sort") == "descending"


def test_rows_without_a_value_come_last_both_ways(page: Page) -> None:
    page.keyboard.press("p")
    page.locator("#list .name", has_text="e").click()
    page.keyboard.press("f")

    head = page.locator("#column-verdict").get_by_role("button")
    head.click()
    up = names(page)
    head.click()

    assert up[:2] == ["e", "f"]  # fail, pass
    assert names(page)[:2] == ["f", "e"]


def test_rows_are_filtered(page: Page) -> None:
    page.locator("#show").select_option("outlier")
    outliers = names(page)
    page.locator("#show").select_option("all")
    page.locator("#note").fill("Horns")
    found = []
    for text in ("hORN", "no such", "default"):
        page.locator("#search").fill(text)
        found.append(page.locator("#count").inner_text())

    assert outliers == ["f"]
    assert found == ["1 of 6", "0 of 6", "6 of 6"]


def test_keys_judge_and_go_on(page: Page) -> None:
    page.locator("#column-title").get_by_role("button").click()
    page.locator("#list .name", has_text="a").first.click()
    page.keyboard.press("p")
    page.keyboard.press("j")
    page.keyboard.press("f")
    page.keyboard.press("j")
    page.keyboard.press("k")

    assert page.locator("#name").inner_text() == "b"
    assert page.locator("#verdict-fail").get_attribute("aria-pressed") == "true"
    assert page.locator("#list td .pass").all_inner_texts() == ["✓ pass"]
    page.keyboard.press("u")
    assert page.locator("#list td .fail").count() == 0


def test_keys_do_nothing_while_someone_types_or_where_they_are_switched_off(page: Page) -> None:
    page.keyboard.press("n")
    page.keyboard.type("jpf?")
    page.keyboard.press("Escape")
    page.locator("#help summary").click()
    page.locator("#single-keys").uncheck()
    page.locator("#name").click()
    page.keyboard.press("p")

    assert page.locator("#note").input_value() == "jpf?"
    assert page.locator("#name").inner_text() == "f"
    assert page.locator("#verdict-pass").get_attribute("aria-pressed") == "false"


def test_verdicts_stay_when_the_page_is_opened_again(page: Page) -> None:
    page.keyboard.press("f")
    page.locator("#note").fill("horns cut off")
    page.reload()
    page.wait_for_selector("#detail[data-drawn]")

    assert page.locator("#verdict-fail").get_attribute("aria-pressed") == "true"
    assert page.locator("#note").input_value() == "horns cut off"


def test_verdicts_are_exported_and_imported(
    page: Page, browser: Browser, report: Path, tmp_path: Path
) -> None:
    page.keyboard.press("f")
    page.locator("#note").fill('=1+1\tand "more"')
    with page.expect_download() as waiting:
        page.locator("#export").click()
    waiting.value.save_as(tmp_path / "verdicts.tsv")
    lines = (tmp_path / "verdicts.tsv").read_text(encoding="utf-8").splitlines()
    (row,) = [cells for cells in csv.reader(lines, delimiter="\t") if cells[1] == "f"]

    assert lines[0] == "key\timage\tverdict\tnote"
    assert len(lines) == 7
    assert row[2:] == ["fail", '\'=1+1 and "more"']  # a spreadsheet does not run it
    with opened(browser, report) as (other, _):
        other.locator("#import").set_input_files(tmp_path / "verdicts.tsv")
        other.locator("#said", has_text="imported").wait_for()
        assert said(other) == "Verdicts imported: 6."
        assert other.locator("#verdict-fail").get_attribute("aria-pressed") == "true"
        assert other.locator("#note").input_value() == '=1+1 and "more"'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "key\timage\tverdict\tnote\n0000\tx\tpass\t\n",
            "Verdicts imported: 0. Left out, of other results: 1.",
        ),
        ("no table", "This is no file of verdicts"),
        ("", "This is no file of verdicts"),
    ],
)
def test_files_that_are_no_verdicts_of_it_change_nothing(
    page: Page, tmp_path: Path, text: str, words: str
) -> None:
    (tmp_path / "v.tsv").write_text(text)

    page.locator("#import").set_input_files(tmp_path / "v.tsv")
    page.locator("#said", has_text=words).wait_for()

    assert page.locator("#list td .pass").count() == 0


def test_a_point_of_the_plot_chooses_its_slice(page: Page) -> None:
    page.locator("#plot .point").nth(1).click()
    chosen = page.locator("#slice-name").inner_text()
    page.keyboard.press("ArrowRight")

    assert chosen == "Slice 1"
    assert page.locator("#slice-name").inner_text() == "Slice 2"
    assert "slice 2: 18.00 mm²" in (
        page.locator("#plot .point:focus").get_attribute("aria-label") or ""
    )


def test_a_slice_that_was_not_measured_leaves_a_gap(page: Page) -> None:
    """Two strokes of the pen: slice 0 alone, and slices 2 to 4."""
    page.locator("#list .name", has_text="b").click()
    page.wait_for_selector("#detail[data-drawn]")
    line = page.locator("#plot .line").get_attribute("d") or ""

    assert (line.count("M"), line.count("L")) == (2, 2)
    assert "no cord: slice 1" in page.locator("#flags").inner_text()


def test_slices_and_levels_are_written_short(page: Page) -> None:
    """Five lines or fewer from 0 to 18 mm2 have a distance of 5 (4 x 5 = 20)."""
    texts = page.locator("#plot text").all_text_contents()

    assert page.evaluate("ranges([7, 0, 2, 1, 5])") == "0-2, 5, 7"
    assert texts[:5] == ["0", "5", "10", "15", "20"]


def test_a_normal_range_is_drawn_where_the_table_has_one(browser: Browser, tmp_path: Path) -> None:
    path = save_result(tmp_path)
    table = tmp_path / "t2s_measurements.csv"
    head, *lines = table.read_text().splitlines()
    ranged = [line + (",6,10" if ",GM," in line else ",,") for line in lines]
    table.write_text("\n".join([f"{head},normal_low_mm2,normal_high_mm2", *ranged]))

    with opened(browser, write_report([path], tmp_path / "r.html").path) as (page, _):
        strips = page.locator("#plot .normal").count()
        page.locator("#quantity").select_option("SC")
        assert strips == 4
        assert page.locator("#plot .normal").count() == 0
        page.locator("#quantity").select_option("GM")
        name = page.locator("#plot .point").first.get_attribute("aria-label")
        assert name == "slice 0: 8.00 mm², normal 6.0 to 10.0"
        assert page.locator("#normal-range").is_visible()


@pytest.mark.parametrize(("refused", "is_open"), [(5, True), (6, False)])
def test_many_that_are_not_shown_are_folded_and_scores_are_sorted(
    browser: Browser, tmp_path: Path, refused: int, *, is_open: bool
) -> None:
    records = [save_result(tmp_path, name, with_gray_matter(WIDTHS[name])) for name in "abc"]
    dice = dict(zip(records, (0.8, 0.7, 0.9), strict=True))
    beside = Beside(
        refused=[LeftOut(tmp_path / f"{n}.nii", f"{n}.nii: it is damaged") for n in range(refused)],
        scores={record: {"Dice": value} for record, value in dice.items()},
    )
    made = write_report(records, tmp_path / "r.html", beside=beside)

    with opened(browser, made.path) as (page, seen):
        listed = page.locator("#left-out li")
        assert listed.first.is_visible() is is_open
        if not is_open:
            page.locator("#left-out summary").press("Enter")
        assert listed.all_inner_texts() == [f"{n}.nii: it is damaged" for n in range(refused)]
        page.get_by_role("button", name="Dice").click()
        assert names(page) == ["b", "a", "c"]
        assert page.locator("#list tbody tr").first.inner_text().split("\t")[-3] == "0.700"
        assert seen.console == []


def test_it_can_be_used_by_keyboard_alone(page: Page) -> None:
    """From the top of the page with Tab and Enter to another image."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == "c":
            break
    page.keyboard.press("Enter")

    assert page.locator("#name").inner_text() == "c"
    assert page.evaluate("document.activeElement.id") == "detail"


def test_everything_that_can_be_used_has_a_name(page: Page) -> None:
    assert page.evaluate(NAMELESS) == []
    assert page.evaluate("document.documentElement.lang") == "en"
    assert page.locator("main, h1").count() == 2


def test_the_page_can_load_and_run_nothing_else(browser: Browser, report: Path) -> None:
    with opened(browser, report) as (page, seen):
        attacked, blocked = page.evaluate(VIOLATIONS)

        assert attacked is False
        assert blocked == ["connect-src", "img-src", "script-src-elem"]
        assert seen.failed == {"http://127.0.0.1:9/x.png": "csp"}


def test_words_of_a_record_are_shown_as_they_are(browser: Browser, tmp_path: Path) -> None:
    attack = "</script><img src=x onerror=alert(1)>"
    path = edit(save_result(tmp_path), lambda r: r.update(warnings=[attack], method=attack))

    with opened(browser, write_report([path], tmp_path / "r.html").path) as (page, seen):
        assert attack in page.locator("#flags").inner_text()
        assert page.locator("img:not([src^=data])").count() == 0
        assert seen.console == []


def test_an_image_that_is_gone_is_shown_without_pictures(browser: Browser, tmp_path: Path) -> None:
    path = save_result(tmp_path / "results", images=tmp_path / "data")
    report = write_report([path], tmp_path / "r.html").path
    window = browser.new_page()

    window.goto(report.as_uri())

    assert "t2s.nii.gz is not found" in window.locator("#flags").inner_text()
    assert window.locator("#measurements tbody tr").count() == 5
    assert window.locator(".panels").count() == 0
    window.keyboard.press("o")
    window.keyboard.press("]")
    assert window.locator("#measurements tr.chosen td").first.inner_text() == "3"
    window.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1400])
def test_pictures_of_the_page(
    browser: Browser, report: Path, tmp_path: Path, scheme: str, width: int
) -> None:
    """Nothing is wider than a phone, and dark is dark."""
    look = {"viewport": {"width": width, "height": 900}, "color_scheme": scheme}
    with opened(browser, report, **look) as (page, _):
        picture = Image.open(screenshot(page, f"report-{scheme}-{width}", tmp_path)).convert("L")

        assert page.evaluate("document.documentElement.scrollWidth") <= width
        corner = picture.getpixel((2, 2))
        assert isinstance(corner, int | float)
        assert (corner < 60) == (scheme == "dark")
