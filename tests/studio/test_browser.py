"""The studio in a real browser: with the server, and as a site that runs alone."""

from __future__ import annotations

import csv
import functools
import http.server
import io
import json
import socket
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
pytest.importorskip("uvicorn", reason="the extra 'studio' is not installed")

from playwright.sync_api import Browser, ConsoleMessage, Page, expect
from playwright.sync_api import Error as PlaywrightError

from scgm.datasets import read_dataset
from scgm.io.nifti.write import as_nifti, write_nifti
from scgm.phantom import Acquisition, Anatomy, make_phantom
from scgm.segmentation.measurements import measure
from scgm.segmentation.pipeline import segment
from scgm.segmentation.result import Label
from scgm.studio.page import PageMissingError, page_folder
from scgm.studio.site import export_site
from tests.helpers.browser import chromium, screenshot, started
from tests.helpers.studio import TOKEN, Studio, serving

NAME = "sub-01_T2starw"
# The viewer draws with WebGL, here without a graphics card.
DRAWING = ("--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist")
# For WebGPU, too, the processor plays the graphics card.
GRAPHICS_CARD = ("--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader")
NAMELESS = """() => [...document.querySelectorAll(
    "button, input, select, canvas:not([aria-hidden=true]), svg, [role=button], [role=img]")]
  .filter((e) => e.checkVisibility())
  .filter((e) => !(e.getAttribute("aria-label") || e.textContent.trim() || (e.labels || []).length))
  .map((e) => e.outerHTML)"""
WITHOUT_TOOLTIP = """() => [...document.querySelectorAll("button, input, select")]
  .filter((e) => e.checkVisibility() && !e.title).map((e) => e.outerHTML)"""
DONE = """() => document.querySelector("#cancel").disabled
  && document.querySelectorAll("#chart .point").length > 0"""

# Left, right, top and bottom of what the stroke has drawn so far, on the page.
DRAWN_STROKE = """() => {
  const canvas = document.querySelector(".stroke"), box = canvas.getBoundingClientRect();
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const [xs, ys] = [[], []];
  for (let i = 0; i < canvas.width * canvas.height; i++)
    if (data[4 * i + 3]) { xs.push(i % canvas.width); ys.push(Math.floor(i / canvas.width)); }
  const ends = (values) => [
    values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))];
  const scale = box.width / canvas.width;
  const [across, down] = [ends(xs), ends(ys)];
  return [...across.map((x) => box.left + x * scale), ...down.map((y) => box.top + y * scale)];
}"""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def page_files() -> Path:
    try:
        return page_folder()
    except PageMissingError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with started(*DRAWING, *GRAPHICS_CARD) as running:
        yield running


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a BIDS data set of one phantom with 4 slices."""
    root = tmp_path_factory.mktemp("bids")
    folder = root / "sub-01" / "anat"
    folder.mkdir(parents=True)
    phantom = make_phantom(Anatomy(), Acquisition(shape=(4, 120, 120)), seed=1)
    image = as_nifti(phantom.volume.voxels, phantom.volume, dtype=np.float32)
    write_nifti(image, folder / f"{NAME}.nii.gz")
    return root


@pytest.fixture(scope="module")
def scan(root: Path) -> Path:
    return root / "sub-01" / "anat" / f"{NAME}.nii.gz"


@pytest.fixture(scope="module")
def studio(
    tmp_path_factory: pytest.TempPathFactory, root: Path, page_files: Path
) -> Iterator[Studio]:
    with serving(tmp_path_factory.mktemp("studio"), root=root, page=page_files) as running:
        yield running


@contextmanager
def opened(browser: Browser, address: str) -> Iterator[Page]:
    """Open a window of its own; nothing may be said on the console."""
    window = browser.new_context(viewport={"width": 1400, "height": 1100}, accept_downloads=True)
    page, said = window.new_page(), []
    page.set_default_timeout(60_000)

    def hear(message: ConsoleMessage) -> None:
        if "GL Driver Message" not in message.text:
            said.append(message.text)

    page.on("console", hear)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(address)
    page.wait_for_selector("#file", state="attached")
    try:
        yield page
        assert said == []
    finally:
        window.close()


@pytest.fixture
def page(browser: Browser, studio: Studio) -> Iterator[Page]:
    with opened(browser, studio.address) as shown:
        yield shown


SERVE = """
import sys, uvicorn
from pathlib import Path
from scgm.studio.app import StudioSettings, studio_app
from scgm.studio.guard import Access
port, token, scratch, page = sys.argv[1:]
access = Access((f"127.0.0.1:{port}",), token)
app = studio_app(StudioSettings(access=access, page=Path(page), scratch=Path(scratch)))
uvicorn.run(app, port=int(port), log_level="critical", ws="none")
"""


@contextmanager
def process(
    scratch: Path, page: Path, port: int | None = None
) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Run a server in a process of its own, which can be killed."""
    scratch.mkdir()
    if port is None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
    command = [sys.executable, "-c", SERVE, str(port), TOKEN, str(scratch), str(page)]
    running = subprocess.Popen(command)
    try:
        for _ in range(600):
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.1)
        yield running, port
    finally:
        running.kill()
        running.wait()


def segmented(page: Page, scan: Path) -> None:
    page.set_input_files("#file", scan)
    page.wait_for_function(DONE)


def downloaded(page: Page, selector: str) -> bytes:
    with page.expect_download() as download:
        page.click(selector)
    return Path(download.value.path()).read_bytes()


def mask_of(content: bytes) -> np.ndarray:
    return np.asarray(nib.Nifti1Image.from_bytes(_unzipped(content)).dataobj)


def _unzipped(content: bytes) -> bytes:
    import gzip  # noqa: PLC0415

    return gzip.decompress(content)


def test_an_image_is_dropped_and_shown(page: Page, scan: Path, tmp_path: Path) -> None:
    assert page.locator("#welcome").is_visible()

    segmented(page, scan)
    page.wait_for_selector("#look #viewer[data-ready]")

    assert page.locator("#panels canvas").count() == 4
    assert page.locator("#chart .point").count() == 3 * 4
    assert "default" in page.inner_text("#status")
    screenshot(page, "studio-look", tmp_path)


def test_slices_are_gone_through_by_keys_and_slider(page: Page, scan: Path) -> None:
    segmented(page, scan)
    page.locator("body").press("]")
    assert page.get_attribute("#panels", "data-slice") == "3"

    page.locator("body").press("[")
    page.locator("body").press("[")
    assert page.get_attribute("#panels", "data-slice") == "1"

    page.fill("#slice", "0")
    assert page.get_attribute("#panels", "data-slice") == "0"
    page.locator("body").press("[")
    assert page.get_attribute("#panels", "data-slice") == "0"


def test_masks_table_and_report_are_downloaded(page: Page, scan: Path) -> None:
    segmented(page, scan)
    page.wait_for_selector("#downloads button:text-is('report')")
    wanted = segment(scan)

    found = mask_of(downloaded(page, "#downloads button:text-is('gray matter')"))

    assert np.array_equal(found, np.asarray(wanted.gm.dataobj))
    assert b"area_mm2" in downloaded(page, "#downloads button:text-is('table')")
    assert b"<html" in downloaded(page, "#downloads button:text-is('report')")


def test_two_methods_are_compared(page: Page, scan: Path, tmp_path: Path) -> None:
    segmented(page, scan)
    page.select_option("#method", "ddc")
    page.click("#segment")
    page.wait_for_selector("#results button:text-is('ddc')")
    page.click("#tab-compare")

    dice = float(page.inner_text("#compare tbody tr:first-child td:nth-child(2)"))

    assert 0.5 < dice < 1
    screenshot(page, "studio-compare", tmp_path)


def test_what_is_no_image_is_said_in_one_sentence(page: Page, tmp_path: Path) -> None:
    path = tmp_path / "x.nii.gz"
    path.write_bytes(b"nonsense")

    page.set_input_files("#file", path)
    page.wait_for_selector("#status.error")

    assert "not a NIfTI image" in page.inner_text("#status")


def test_a_phantom_shows_its_truth(page: Page) -> None:
    page.click("summary:text-is('Phantom')")
    page.click("#phantom")
    page.wait_for_selector("#results button:text-is('default')")

    assert page.locator("#results button").all_inner_texts() == ["truth of the phantom", "default"]


def begun_stroke(page: Page, below: int = 0) -> tuple[float, float]:
    """Draw a stroke of the brush across the middle of the view, and hold the button.

    Returns the middle of the view.
    """
    page.click("#tab-correct")
    page.wait_for_selector("#page-correct #viewer[data-ready]")
    page.wait_for_timeout(300)
    page.click("#tool-brush")
    box = page.locator("#gl").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x - 30, y + below)
    page.mouse.down()
    page.mouse.move(x + 30, y + below, steps=6)
    return x, y


def painted(page: Page) -> None:
    """Draw a stroke of gray matter across the middle of the cord."""
    begun_stroke(page, below=6)
    page.mouse.up()
    page.wait_for_function("() => document.querySelector('#changes').textContent.startsWith('1 ')")


def test_a_stroke_shows_before_it_ends_and_ends_in_any_view(page: Page, scan: Path) -> None:
    segmented(page, scan)
    x, y = begun_stroke(page)
    drawn = page.evaluate(DRAWN_STROKE)
    page.evaluate("() => document.querySelector('#tab-look').click()")
    page.mouse.up()
    page.wait_for_function("() => document.querySelector('.stroke').width === 0")

    # Three voxels wide, of 10 points of the page; the pen is in the middle one.
    left, right, top, bottom = drawn
    assert abs(left - (x - 30)) < 20
    assert abs(right - (x + 30)) < 20
    assert y - 20 < top < y < bottom < y + 20


def corrected(page: Page) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Save, and return the masks by label and the record."""
    with zipfile.ZipFile(io.BytesIO(downloaded(page, "#save"))) as archive:
        files = {Path(name).name: archive.read(name) for name in archive.namelist()}
        folders = {str(Path(name).parent) for name in archive.namelist()}
    assert folders == {"derivatives/labels_studio/sub-01/anat"}
    masks = {s: mask_of(files[f"{NAME}_label-{s}_seg.nii.gz"]) for s in ("GM", "WM", "SC")}
    record: dict[str, Any] = json.loads(files[f"{NAME}_corrected.json"])
    return masks, record


def test_gray_matter_is_painted_undone_saved_and_found_again(
    page: Page, scan: Path, tmp_path: Path
) -> None:
    segmented(page, scan)
    before = segment(scan)
    painted(page)
    screenshot(page, "studio-correct", tmp_path)

    masks, record = corrected(page)
    gm, cord = np.asarray(before.gm.dataobj), np.asarray(before.cord.dataobj)
    assert masks["GM"].sum() > gm.sum()
    assert np.array_equal(masks["SC"], cord)
    assert np.array_equal(masks["WM"], cord - masks["GM"])
    (change,) = record["Changes"]
    assert (change["tool"], change["label"], change["slices"]) == ("brush", "gray matter", [2])
    assert change["added"] == int(masks["GM"].sum()) - int(gm.sum())

    page.locator("#undo").press("Control+z")
    page.wait_for_function("() => document.querySelector('#changes').textContent.startsWith('0 ')")
    assert np.array_equal(corrected(page)[0]["GM"], gm)

    page.click("#redo")
    page.wait_for_selector("body[data-kept='1']")
    page.wait_for_timeout(700)
    page.reload()
    page.click("#kept button")
    page.wait_for_selector("#results button:text-is('corrected')")
    page.click("#tab-correct")
    page.wait_for_selector("#page-correct #viewer[data-ready]")
    assert np.array_equal(corrected(page)[0]["GM"], masks["GM"])


def test_the_same_image_opened_again_brings_its_correction(page: Page, scan: Path) -> None:
    segmented(page, scan)
    painted(page)
    page.wait_for_selector("body[data-kept='1']")
    masks, _ = corrected(page)

    page.reload()
    segmented(page, scan)  # nobody has pressed "Go on"
    page.wait_for_selector("#results button:text-is('corrected')")
    page.wait_for_timeout(700)
    page.reload()
    segmented(page, scan)
    page.click("#results button:text-is('corrected')")
    page.click("#tab-correct")
    page.wait_for_selector("#page-correct #viewer[data-ready]")

    again, record = corrected(page)
    assert np.array_equal(again["GM"], masks["GM"])
    assert [change["tool"] for change in record["Changes"]] == ["brush"]


def test_corrected_masks_go_into_the_folder_and_from_there_into_training(
    page: Page, root: Path
) -> None:
    page.click(f"#source button:text-is('sub-01/anat/{NAME}.nii.gz')")
    page.wait_for_function(DONE)
    painted(page)
    page.click("#save-into")
    page.wait_for_function(
        "() => document.querySelector('#status').textContent.startsWith('saved')"
    )

    case = read_dataset(root).cases[0]

    assert list(case.references) == ["studio"]
    assert {path.name for path in (root / "derivatives").rglob("*.nii.gz")} == {
        f"{NAME}_label-{suffix}_seg.nii.gz" for suffix in ("GM", "WM", "SC")
    }


def test_the_next_image_is_corrected_from_its_own_result(
    page: Page, scan: Path, tmp_path: Path
) -> None:
    """The view Correct stays open: the work on one image after the other."""
    other = tmp_path / f"{NAME}.nii.gz"
    phantom = make_phantom(Anatomy(), Acquisition(shape=(3, 120, 120)), seed=2)
    image = as_nifti(phantom.volume.voxels, phantom.volume, dtype=np.float32)
    write_nifti(image, other)
    segmented(page, scan)
    painted(page)
    page.wait_for_selector("body[data-kept='1']")
    drawn, _ = corrected(page)

    segmented(page, other)
    page.wait_for_selector("#results button[aria-pressed=true]:text-is('corrected')")
    masks, record = corrected(page)
    assert "default" in record["StartedFrom"]
    assert record["Changes"] == []
    assert np.array_equal(masks["GM"], np.asarray(segment(other).gm.dataobj))

    segmented(page, scan)
    page.wait_for_function("() => document.querySelector('#changes').textContent.startsWith('1 ')")
    assert np.array_equal(corrected(page)[0]["GM"], drawn["GM"])


def test_another_volume_of_the_file_is_another_image(page: Page, scan: Path, root: Path) -> None:
    image = nib.load(scan)
    first = np.asarray(image.dataobj)
    both = np.stack([first, first[::-1]], axis=-1)
    nib.save(nib.Nifti1Image(both, image.affine), root / "four.nii.gz")
    page.reload()
    page.click("#source button:text-is('four.nii.gz')")
    page.wait_for_selector("#status.error")
    page.fill("#volume", "second")
    page.click("#segment")
    assert 'there is no volume "second"' in page.inner_text("#status")
    shown = []
    for volume in ("0", "1"):
        page.fill("#volume", volume)
        page.click("#segment")
        page.wait_for_function(DONE)
        shown.append(page.evaluate("() => document.querySelector('#panels canvas').toDataURL()"))
    assert shown[0] != shown[1]

    page.click("#tab-correct")
    page.wait_for_selector("#page-correct #viewer[data-ready]")
    page.click("#save-into")
    page.wait_for_function(
        "() => document.querySelector('#status').textContent.startsWith('saved')"
    )
    place = root / "derivatives" / "labels_studio"
    assert json.loads((place / "four_corrected.json").read_text())["Volume"] == 1
    (root / "four.nii.gz").unlink()


def test_two_windows_do_not_replace_each_others_corrections(page: Page, scan: Path) -> None:
    other = page.context.new_page()
    other.goto(page.url)
    other.wait_for_selector("#file", state="attached")
    for window in (page, other):
        segmented(window, scan)
    painted(page)
    page.wait_for_selector("body[data-kept='1']")
    masks, _ = corrected(page)

    other.click("#tab-correct")
    other.wait_for_selector("#page-correct #viewer[data-ready]")
    other.wait_for_timeout(300)
    other.click("#clear")
    other.wait_for_selector("#status.error")
    assert "changed in another window" in other.inner_text("#status")

    page.reload()
    page.click("#kept button")
    page.click("#tab-correct")
    page.wait_for_selector("#page-correct #viewer[data-ready]")
    assert np.array_equal(corrected(page)[0]["GM"], masks["GM"])


def begin_reading(page: Page, rater: str) -> None:
    page.fill("#rater", rater)
    page.click("#begin-reading")
    page.wait_for_selector("#rate #viewer[data-ready]")
    page.wait_for_timeout(300)


def test_two_readings_are_compared_and_exported_as_the_challenge_has_them(
    page: Page, scan: Path, tmp_path: Path
) -> None:
    segmented(page, scan)
    page.click("#tab-rate")
    page.wait_for_selector("#rating")
    for size in ("5", "7"):
        begin_reading(page, "Ann")
        assert not page.locator("#results").is_visible()
        for hidden in ("look", "correct", "compare", "network", "learn"):
            expect(page.locator(f"#tab-{hidden}")).to_be_disabled()
        page.fill("#pen-size", size)
        page.locator("#gl").focus()
        page.keyboard.press("Space")
        page.wait_for_function(
            "() => document.querySelector('#changes').textContent.startsWith('1 ')"
        )
        page.click("#finish-reading")
        page.wait_for_selector("#agreement:not([hidden]) li")
    page.wait_for_selector("#agreement tbody tr")
    # Squares of 5 and 7 pixels around the same place: Dice 2 * 25 / (25 + 49).
    assert page.inner_text("#agreement tbody td:nth-child(3)") == "0.676"
    screenshot(page, "studio-rate", tmp_path)

    with zipfile.ZipFile(io.BytesIO(downloaded(page, "#export-readings"))) as archive:
        archive.extractall(tmp_path / "challenge")
    case = read_dataset(tmp_path / "challenge").cases[0]

    assert list(case.references) == ["r1", "r2"]


def test_a_reading_goes_on_after_the_tab_was_closed_and_stays_blind(page: Page, scan: Path) -> None:
    segmented(page, scan)
    page.click("#tab-rate")
    begin_reading(page, "Bea")
    page.click("#target-gm")
    page.locator("#gl").focus()
    page.keyboard.press("Space")
    assert "this slice has none" in page.inner_text("#status")
    page.click("#target-cord")
    page.locator("#gl").focus()
    page.keyboard.press("Space")
    page.wait_for_selector("body[data-kept='1']")
    page.wait_for_timeout(700)
    page.set_input_files("#file", scan)
    assert "finish the reading" in page.inner_text("#status")

    page.reload()
    page.click("#kept button")
    page.wait_for_selector("#finish-reading:not([disabled])")

    assert page.input_value("#rater") == "Bea"
    expect(page.locator("#tab-look")).to_be_disabled()
    assert not page.locator("#results").is_visible()
    page.click("#finish-reading")
    page.wait_for_selector("#agreement:not([hidden]) li")
    assert "Bea, reading 1" in page.inner_text("#agreement")
    expect(page.locator("#tab-look")).to_be_enabled()


def test_a_reading_that_is_given_up_leaves_nothing(page: Page, scan: Path) -> None:
    segmented(page, scan)
    page.click("#tab-rate")
    begin_reading(page, "Cem")
    page.click("#leave-reading")
    page.wait_for_selector("#begin-reading:not([disabled])")

    assert "Cem" not in page.inner_text("#agreement")
    page.click("#tab-look")
    assert page.locator("#results").is_hidden()  # the method's alone


def test_the_soft_map_is_that_of_the_result_and_hidden_from_raters(page: Page, scan: Path) -> None:
    def viewed() -> bytes:
        return page.locator("#gl").screenshot()

    def becomes(is_so: Callable[[], bool]) -> bool:
        """Wait until the viewer shows what it should, for a while."""
        for _ in range(30):
            if is_so():
                return True
            page.wait_for_timeout(500)
        return False

    segmented(page, scan)
    soft = page.locator("button:text-is('Soft map')")
    page.click("#tab-correct")
    page.wait_for_selector("#page-correct #viewer[data-ready]")
    soft.click()
    assert "no probabilities" in page.inner_text("#status")
    page.click("#tab-look")
    page.click("#results button:text-is('default')")
    page.wait_for_timeout(1000)
    plain = viewed()
    soft.click()
    assert becomes(lambda: viewed() != plain)

    page.click("#tab-rate")
    begin_reading(page, "Dan")
    page.wait_for_timeout(1000)
    pressed = viewed()
    page.click("#leave-reading")
    page.click("#tab-look")
    soft.click()
    page.click("#tab-rate")
    begin_reading(page, "Dan")
    assert becomes(lambda: viewed() == pressed)


def test_the_branches_of_the_network_are_shown(page: Page, scan: Path, tmp_path: Path) -> None:
    segmented(page, scan)
    page.click("#tab-network")
    page.click("#network-start")
    page.wait_for_selector("#network-said:not(:empty)")

    page.click("#network button:text-is('dilation 18')")

    assert "21.25 mm wide" in page.inner_text("#network-said")
    before = page.evaluate("() => document.querySelector('#network-reach').toDataURL()")
    page.locator("#network-reach").press("ArrowUp")
    assert before != page.evaluate("() => document.querySelector('#network-reach').toDataURL()")
    screenshot(page, "studio-network", tmp_path)
    page.locator("body").press("]")
    assert not page.locator("#network-said").is_visible()  # of another slice


def test_several_dicom_files_are_one_image(page: Page, scan: Path, tmp_path: Path) -> None:
    pytest.importorskip("pydicom", reason="the extra 'dicom' is not installed")
    from tests.helpers.dicom_files import save, slab_of, slices  # noqa: PLC0415

    slab, slope, _ = slab_of(nib.load(scan))
    made = slices(slab, RescaleSlope=slope, RescaleIntercept=0)
    files = sorted(save(tmp_path / "series", made).iterdir())

    page.set_input_files("#file", files)
    page.wait_for_function(DONE)

    assert page.locator("#chart .point").count() == 3 * 4
    assert "dicom.zip" in page.inner_text("#status")


def test_a_stroke_by_touch_is_a_change(browser: Browser, studio: Studio, scan: Path) -> None:
    window = browser.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
    )
    page = window.new_page()
    page.set_default_timeout(60_000)
    page.goto(studio.address)
    page.wait_for_selector("#file", state="attached")
    segmented(page, scan)
    page.tap("#tab-correct")
    page.wait_for_selector("#page-correct #viewer[data-ready]")
    page.wait_for_timeout(300)
    page.tap("#tool-eraser")
    page.locator("#gl").scroll_into_view_if_needed()
    box = page.locator("#gl").bounding_box()
    assert box is not None
    touch = window.new_cdp_session(page)
    places = [
        (box["x"] + box["width"] / 2 + by, box["y"] + box["height"] / 2) for by in (-20, 0, 20)
    ]
    for kind, (x, y) in zip(("touchStart", "touchMove", "touchMove"), places, strict=True):
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
        page.wait_for_timeout(50)
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    page.wait_for_function("() => document.querySelector('#changes').textContent.startsWith('1 ')")

    # The page is as wide as the screen: nothing has to be moved sideways.
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
    window.close()


def test_work_comes_back_after_the_server_was_killed(
    browser: Browser, tmp_path: Path, page_files: Path, scan: Path
) -> None:
    window = browser.new_context(viewport={"width": 1400, "height": 1100})
    page = window.new_page()
    page.set_default_timeout(60_000)
    with process(tmp_path / "first", page_files) as (server, port):
        page.goto(f"http://127.0.0.1:{port}/#token={TOKEN}")
        page.wait_for_selector("#file", state="attached")
        segmented(page, scan)
        painted(page)
        page.wait_for_selector("body[data-kept='1']")
        server.kill()
        server.wait()
        page.click("#segment")
        page.wait_for_selector("#status.error")
        assert "start it again" in page.inner_text("#status")
        masks, _ = corrected(page)  # what was drawn can still be saved

    with process(tmp_path / "second", page_files, port):
        page.reload()
        page.click("#kept button")
        page.wait_for_selector("#results button:text-is('corrected')")
        page.click("#tab-correct")
        page.wait_for_selector("#page-correct #viewer[data-ready]")
        assert np.array_equal(corrected(page)[0]["GM"], masks["GM"])
        page.click("#segment")  # the image itself is still there
        page.wait_for_function("() => !document.querySelector('#segment').disabled")
        assert page.get_attribute("#status", "class") == ""
    window.close()


def test_a_killed_browser_leaves_no_work_in_the_server(
    browser: Browser, studio: Studio, scan: Path
) -> None:
    other = browser.browser_type.launch(executable_path=chromium(), args=["--no-sandbox"])
    page = other.new_page()
    page.goto(studio.address)
    page.wait_for_selector("#file", state="attached")
    page.set_input_files("#file", scan)
    page.wait_for_function("() => !document.querySelector('#cancel').disabled")
    with suppress(PlaywrightError):  # it says nothing any more
        other.new_browser_cdp_session().send("Browser.crash")

    assert studio.ask("GET", "/api/about").status == 200
    state = studio.ask("POST", "/api/jobs", {"phantom": {"slices": 2}}).fields
    assert studio.finished(state["job"])["state"] == "done"


def test_the_tour_the_scanner_and_the_quiz_need_no_image(page: Page, tmp_path: Path) -> None:
    page.click("#tab-learn")
    page.wait_for_selector("#learn[data-ready]")
    assert not page.locator("#slices").is_visible()

    page.click("#tour-next")
    page.fill("#scanner-pixel", "1.5")
    page.locator("#quiz").focus()
    for key in ("Space", "ArrowUp", "Space"):
        page.keyboard.press(key)
    page.click("#quiz-check")

    assert "True area" in page.inner_text("#areas")
    assert "You drew 0.5 mm²" in page.inner_text("#quiz-said")
    screenshot(page, "studio-learn", tmp_path)


def test_drawing_works_by_keyboard_alone(page: Page, scan: Path) -> None:
    segmented(page, scan)
    page.locator("#tab-look").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_selector("#page-correct #viewer[data-ready]")
    page.wait_for_timeout(300)
    page.locator("#target-cord").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("e")
    page.locator("#gl").focus()
    page.keyboard.press("Space")
    places = [page.inner_text("#place")]
    for key in ("ArrowUp", "]", "["):
        page.keyboard.press(key)
        places.append(page.inner_text("#place"))
    page.keyboard.press("Space")
    page.wait_for_function("() => document.querySelector('#changes').textContent.startsWith('2 ')")

    masks, record = corrected(page)

    assert len(set(places)) == 3
    assert places[1] == places[3]  # one slice up, and back
    (change,) = record["Changes"]
    assert change["tool"] == "eraser by keyboard"
    assert int(change["removed"]) == 12  # a square of 3 pixels, and one more row
    assert not (masks["GM"] & ~masks["SC"].astype(bool)).any()


@pytest.mark.parametrize("tab", ["look", "correct", "compare", "rate", "network", "learn"])
def test_everything_has_a_name_and_a_tooltip(page: Page, scan: Path, tab: str) -> None:
    segmented(page, scan)
    page.select_option("#method", "ddc")
    page.click("#segment")
    page.wait_for_selector("#results button:text-is('ddc')")
    page.click(f"#tab-{tab}")
    page.wait_for_timeout(200)
    if tab == "network":
        page.click("#network-start")
        page.wait_for_selector("#network-said:not(:empty)")
    if tab == "rate":
        page.fill("#rater", "Ann")
        page.click("#begin-reading")
        page.wait_for_selector("#rate #viewer[data-ready]")

    assert page.evaluate(NAMELESS) == []
    assert page.evaluate(WITHOUT_TOOLTIP) == []


def test_a_job_is_cancelled(page: Page, scan: Path) -> None:
    page.select_option("#method", "unet")
    page.set_input_files("#file", scan)
    page.click("#cancel")

    page.wait_for_function("() => document.querySelector('#cancel').disabled")
    assert page.inner_text("#status") == "cancelled"
    page.click("#segment")
    page.wait_for_function(DONE)


def test_a_policy_keeps_foreign_scripts_and_addresses_out(browser: Browser, studio: Studio) -> None:
    page = browser.new_page()
    page.goto(studio.address)
    page.wait_for_selector("#file", state="attached")
    attacked = page.evaluate(
        """async () => {
          const script = document.createElement("script");
          script.textContent = "window.attacked = true";
          document.body.append(script);
          const image = document.createElement("img");
          image.src = "http://127.0.0.1:9/x.png";
          document.body.append(image);
          const seen = [];
          document.addEventListener("securitypolicyviolation", (e) =>
            seen.push(e.effectiveDirective));
          await fetch("http://127.0.0.1:9/x").catch(() => null);
          await new Promise((done) => setTimeout(done, 200));
          return [window.attacked === true, seen];
        }"""
    )

    assert attacked[0] is False
    assert "connect-src" in attacked[1]
    page.close()


def test_the_site_says_that_it_takes_no_dicom(
    browser: Browser, page_files: Path, tmp_path: Path
) -> None:
    assert page_files
    export_site(tmp_path / "site")
    (tmp_path / "x.zip").write_bytes(b"PK")
    with site_at(tmp_path / "site") as address:
        page = browser.new_page()
        page.goto(address)
        page.wait_for_selector("#file", state="attached")
        assert "NIfTI" in page.inner_text("#drop")
        page.wait_for_timeout(2000)  # the page loads itself anew once, to get threads
        page.wait_for_selector("#file", state="attached")
        page.set_input_files("#file", tmp_path / "x.zip")
        page.wait_for_selector("#status.error")

        assert "takes NIfTI files" in page.inner_text("#status")
        page.close()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def site_at(folder: Path) -> Iterator[str]:
    handler = functools.partial(_Quiet, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_the_site_gives_what_python_gives_without_a_network(
    browser: Browser, page_files: Path, scan: Path, tmp_path: Path
) -> None:
    """First loaded with the server of the site, then with none at all."""
    assert page_files
    export_site(tmp_path / "site")
    window = browser.new_context(viewport={"width": 1400, "height": 1100})
    page = window.new_page()
    page.set_default_timeout(120_000)
    with site_at(tmp_path / "site") as address:
        page.goto(address)
        page.wait_for_selector("body[data-offline=ready]")
        page.wait_for_function("() => crossOriginIsolated")
    page.goto(address)
    page.wait_for_selector("#file", state="attached")
    segmented(page, scan)
    wanted = segment(scan)
    rows = csv.DictReader(
        io.StringIO(downloaded(page, "#downloads button:text-is('table')").decode())
    )

    assert np.array_equal(
        mask_of(downloaded(page, "#downloads button:text-is('gray matter')")),
        wanted.mask(Label.GM).get_fdata(),
    )
    for row, own in zip(rows, measure(wanted), strict=True):
        assert row["status"] == own.status
        assert float(row["area_mm2"]) == pytest.approx(own.area_mm2, rel=1e-5)
        assert float(row["area_soft_mm2"]) == pytest.approx(own.area_soft_mm2, rel=1e-4)
        assert float(row["confidence"]) == pytest.approx(own.confidence, abs=2e-3)
        assert float(row["center_x"]) == pytest.approx(own.center_x, abs=1e-2)
    screenshot(page, "studio-site", tmp_path)
    window.close()


@pytest.mark.parametrize(("asked", "ran"), [("?runtime=webgpu", "webgpu"), ("", "wasm")])
def test_webgpu_gives_what_python_gives_where_it_is_asked_for(
    browser: Browser, page_files: Path, tmp_path: Path, asked: str, ran: str
) -> None:
    """A processor that plays a graphics card is not used unless the address says so."""
    assert page_files
    export_site(tmp_path / "site")
    phantom = make_phantom(Anatomy(), Acquisition(shape=(1, 96, 96)), seed=1)
    scan = tmp_path / f"{NAME}.nii.gz"
    write_nifti(as_nifti(phantom.volume.voxels, phantom.volume, dtype=np.float32), scan)
    window = browser.new_context()
    page = window.new_page()
    page.set_default_timeout(300_000)
    with site_at(tmp_path / "site") as address:
        page.goto(address)
        page.wait_for_selector("body[data-offline=ready]")
        page.wait_for_function("() => crossOriginIsolated")
        page.goto(f"{address}{asked}")
        page.wait_for_selector("#file", state="attached")
        segmented(page, scan)
        record = json.loads(downloaded(page, "#downloads button:text-is('record')"))

        assert record["model"]["runtime"] == f"onnxruntime-web, {ran}"
        assert np.array_equal(
            mask_of(downloaded(page, "#downloads button:text-is('gray matter')")),
            segment(scan).mask(Label.GM).get_fdata(),
        )
    window.close()
