"""How fast is the studio, told by the browser? Writes the table of ``docs/results/studio.md``.

``python -m experiments.studio_speed [--image FILE] [--runs 3] [--pictures FOLDER]``; needs Debian's
chromium. Without ``--image``, `sub-9418` of the folder in SCGM_DATA.

From the choice of the file to labels on the panels, as the page itself counts it: with the server,
and in the browser alone after its first load. First paint: from the browser's own entries, from a
server on this machine. A stroke: a brush is drawn over a phantom of 512x512 pixels; of each
movement, the time from the event to the second frame after it, in which it is on the screen. Sizes
are those of the built files, packed with gzip.
"""

from __future__ import annotations

import argparse
import gzip
import io
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from experiments.markdown import table, verdict
from experiments.results_page import replace_section
from experiments.studio_equality import served
from scgm.io.nifti.write import as_nifti, write_nifti
from scgm.phantom import Acquisition, Anatomy, make_phantom
from scgm.segmentation.pipeline import open_segmenter, segment
from scgm.studio.page import page_folder
from scgm.studio.site import export_site
from tests.helpers.browser import chromium
from tests.helpers.studio import serving

SUB_9418 = "gm-challenge/sub-9418/anat/sub-9418_run-1_T2starw.nii.gz"
# No graphics card: WebGL is computed by the processor.
ARGUMENTS = [
    *("--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"),
    "--ignore-gpu-blocklist",
]
# Not ours: the viewer with its packers, and the runtime of the models.
FOREIGN = ("viewer", "zstd", "blosc", "lz4", "onnx", "ort", "chunk")
TIMEOUT_MS = 120_000
KEPT_WIDTH = 1050
PAINT = """() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime"""
WATCH = """() => {
  window.strokes = [];
  document.querySelector("#gl").addEventListener("mousemove", (event) => {
    if (event.buttons !== 1) return;
    requestAnimationFrame(() => requestAnimationFrame(() =>
      window.strokes.push(performance.now() - event.timeStamp)));
  });
}"""


def main() -> None:
    """Measure all and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--image", type=Path, default=None)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--pictures", type=Path, help="only screenshots of a phantom, to a folder")
    options = parser.parse_args()
    image = options.image or Path(os.environ["SCGM_DATA"], SUB_9418)
    with tempfile.TemporaryDirectory() as work, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        if options.pictures:
            pictures(browser, Path(work), options.pictures)
            return
        rows = list(measured(browser, image, options.runs, Path(work)))
    load = os.getloadavg()[1]
    rows.append(("load of the machine (2 processors), mean of 5 minutes", f"{load:.1f}", "", ""))
    content = table(("what", "measured", "limit", "met"), rows)
    print(content)
    replace_section("studio-speed", content)


def measured(
    browser: Browser, image: Path, runs: int, work: Path
) -> Iterator[tuple[str, str, str, str]]:
    """Give the rows of the table."""
    with server(work / "server") as address:
        paints, times = [], []
        for _ in range(runs):
            with window(browser, address) as page:
                paints.append(page.evaluate(PAINT) / 1000)
                times.append(overlay(page, image))
        yield row("first paint, s", paints, 1)
        yield row(f"drop to overlay of {image.name} with the server, s", times, 3)
        moves, ends = stroke(browser, address, large(work))
    export_site(work / "site")
    with served(work / "site") as address:
        times = []
        for _ in range(runs):
            with window(browser, address) as page:
                page.wait_for_function("() => crossOriginIsolated")
                page.wait_for_selector("body[data-offline=ready]")
                page.wait_for_timeout(3000)  # the model is started before a user has found a file
                times.append(overlay(page, image))
        yield row(f"drop to overlay of {image.name} in the browser alone, s", times, 5)
    yield row(f"for comparison: `scgm.segment` of {image.name}, in Python, s", python(image, runs))
    yield row("a movement of the brush, 512x512, ms", moves, 50, digits=0)
    yield row("the end of a stroke, 512x512, ms", ends, 50, digits=0)
    size = own_size() / 1000
    yield "own JavaScript, packed, kB", f"{size:.0f}", "<= 150", verdict(size <= 150)


def python(image: Path, runs: int) -> list[float]:
    """Return the seconds of the same work without any page, with a model that is started."""
    segmenter = open_segmenter()
    times = []
    for _ in range(runs):
        started = time.perf_counter()
        segment(image, segmenter=segmenter)
        times.append(time.perf_counter() - started)
    return times


def row(
    what: str, values: list[float], most: float | None = None, digits: int = 2
) -> tuple[str, str, str, str]:
    """Give the median and the range of values, against a limit for the median."""
    middle = statistics.median(values)
    shown = f"{middle:.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"
    if most is None:
        return what, shown, "", ""
    return what, shown, f"<= {most:g}", verdict(middle <= most)


@contextmanager
def server(folder: Path) -> Iterator[str]:
    """Run the server of the studio with the built page."""
    folder.mkdir()
    with serving(folder, page=page_folder()) as running:
        yield running.address


@contextmanager
def window(browser: Browser, address: str) -> Iterator[Page]:
    """Open the page in a window that has nothing stored."""
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    page = context.new_page()
    page.set_default_timeout(TIMEOUT_MS)
    page.goto(address)
    page.wait_for_function("() => document.querySelector('#status').textContent === 'ready'")
    page.wait_for_timeout(1000)
    yield page
    context.close()


def overlay(page: Page, image: Path) -> float:
    """Choose an image; return the seconds until its labels are drawn."""
    page.set_input_files("#file", image)
    page.wait_for_selector("body[data-seconds]")
    page.wait_for_selector("#look #viewer[data-ready]")
    return float(page.get_attribute("body", "data-seconds") or "nan")


def large(work: Path) -> Path:
    """Write a phantom of 512x512 pixels."""
    acquisition = Acquisition(shape=(3, 512, 512), spacing_mm=(5.0, 0.16, 0.16))
    phantom = make_phantom(Anatomy(), acquisition, seed=1)
    path = work / "phantom.nii.gz"
    write_nifti(as_nifti(phantom.volume.voxels, phantom.volume, dtype=np.float32), path)
    return path


def stroke(browser: Browser, address: str, image: Path) -> tuple[list[float], list[float]]:
    """Draw with the brush; return the ms of each movement, and of the end of each stroke."""
    ends = []
    with window(browser, address) as page:
        overlay(page, image)
        page.click("#tab-correct")
        page.wait_for_selector("#page-correct #viewer[data-ready]")
        page.wait_for_timeout(2000)
        page.click("#tool-brush")
        page.evaluate(WATCH)
        box = page.locator("#gl").bounding_box()
        assert box is not None
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        for number in range(5):
            page.mouse.move(x - 40, y + 4 * number)
            page.mouse.down()
            for step in range(16):
                page.mouse.move(x - 40 + 5 * step, y + 4 * number)
                page.wait_for_timeout(40)
            page.mouse.up()
            page.wait_for_timeout(500)
            ends.append(float(page.get_attribute("body", "data-stroke") or "nan"))
        return page.evaluate("() => window.strokes"), ends


def own_size() -> int:
    """Return the bytes of the page's own JavaScript, packed."""
    files = sorted((page_folder() / "assets").glob("*.js"))
    return sum(
        len(gzip.compress(file.read_bytes(), 9))
        for file in files
        if not file.name.startswith(FOREIGN)
    )


def pictures(browser: Browser, work: Path, folder: Path) -> None:
    """Keep pictures of the views, of a phantom."""
    phantom = make_phantom(Anatomy(), Acquisition(shape=(6, 160, 160)), seed=1)
    path = work / "sub-01_T2starw.nii.gz"
    write_nifti(as_nifti(phantom.volume.voxels, phantom.volume, dtype=np.float32), path)
    with server(work / "pictures") as address, window(browser, address) as page:
        overlay(page, path)
        for tab in ("look", "correct", "network", "learn"):
            page.click(f"#tab-{tab}")
            page.wait_for_timeout(1500)
            if tab == "learn":
                page.wait_for_selector("#learn canvas", timeout=TIMEOUT_MS)
                page.wait_for_timeout(2000)
            if tab == "network":
                page.click("#network-start")
                page.wait_for_selector("#network-said:not(:empty)")
                page.click("#network button:text-is('dilation 6')")
                page.wait_for_timeout(300)
            seen = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
            seen.thumbnail((KEPT_WIDTH, KEPT_WIDTH))
            seen.save(folder / f"studio_{tab}.webp", quality=80)


if __name__ == "__main__":
    main()
