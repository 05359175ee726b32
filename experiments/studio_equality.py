"""Does the studio in the browser alone give what Python gives? On every image of a folder.

``python -m experiments.studio_equality --data FOLDER [--only TEXT] [--write]``

The page is exported as a site, served on this machine, and driven in chromium: each image is
chosen, segmented by the shipped model, and masks and table are downloaded. They are compared with
those of `scgm.segment`. Images that both refuse count as equal; what only one of them takes does
not.
"""

from __future__ import annotations

import argparse
import csv
import functools
import http.server
import io
import math
import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from playwright.sync_api import ConsoleMessage, Page, sync_playwright

from experiments.results_page import replace_section
from scgm.errors import ScgmError
from scgm.segmentation.measurements import measure, status_word
from scgm.segmentation.pipeline import open_segmenter, segment
from scgm.segmentation.result import Label
from scgm.segmentation.segmentation import Segmentation
from scgm.studio.site import export_site
from tests.helpers.browser import chromium

LEAST_DICE = 0.999
MOST_AREA_DIFFERENCE = 0.005
TIMEOUT_MS = 300_000
LABELS = ("label", "seg", "mask", "warp", "template", "levels", "disc", "PAM50", "AMU")


@dataclass(frozen=True)
class Row:
    """How one image came out."""

    image: str
    dice: float = math.nan
    cord_dice: float = math.nan
    area_difference: float = math.nan
    slice_difference: float = math.nan
    voxels: int = 0
    from_threshold: float = 0.0
    same_status: str = ""
    note: str = ""

    @property
    def equal(self) -> bool:
        """Whether both give the same."""
        if math.isnan(self.dice):
            return self.note.startswith("both refuse")
        return (
            min(self.dice, self.cord_dice) >= LEAST_DICE
            and self.area_difference <= MOST_AREA_DIFFERENCE
        )

    def cells(self) -> list[str]:
        """Return the row of a table."""
        numbers = [f"{self.dice:.5f}", f"{self.cord_dice:.5f}", f"{self.area_difference:.3%}"]
        numbers += [f"{self.slice_difference:.2%}", str(self.voxels)]
        numbers.append(f"{self.from_threshold:.1e}" if self.voxels else "")
        shown = [""] * len(numbers) if math.isnan(self.dice) else numbers
        verdict = "yes" if self.equal else "**no**"
        return [self.image, *shown, self.same_status, verdict, self.note]


def _tell(message: ConsoleMessage) -> None:
    sys.stderr.write(f"{message.text[:300]}\n")


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder on this machine; give its address."""
    handler = functools.partial(_Quiet, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def images(folder: Path, only: str) -> list[Path]:
    """Return the images of a folder: no labels and no templates."""
    found = sorted(folder.rglob("*.nii.gz"))
    return [
        path
        for path in found
        if only in str(path)
        and "templates" not in path.parts
        and "derivatives" not in path.parts
        and not any(word in path.name for word in LABELS)
    ]


def compared(page: Page, path: Path, name: str, segmenter: Any) -> Row:
    """Segment an image both ways."""
    try:
        wanted = segment(path, segmenter=segmenter)
        refused = ""
    except ScgmError as error:
        wanted, refused = None, str(error)
    page.set_input_files("#file", path)
    page.wait_for_function(DONE, timeout=TIMEOUT_MS)
    said = page.inner_text("#status")
    failed = page.get_attribute("#status", "class") == "error"
    if wanted is None and failed:
        return Row(name, note=f"both refuse: {_end(refused)}")
    if wanted is None or failed:
        return Row(name, note=f"Python: {_end(refused) or 'takes it'}; browser: {said}")
    return _difference(page, wanted, name)


DONE = """() => document.querySelector("#cancel").disabled
  && document.querySelector("#status").textContent !== "starting"
  && document.querySelector("#status").textContent !== "ready" """


def _end(sentence: str) -> str:
    return sentence.split(": ", 1)[-1][:120]


def _difference(page: Page, wanted: Segmentation, name: str) -> Row:
    found = {label: _mask(_downloaded(page, label)) for label in ("gray matter", "cord")}
    table = list(csv.DictReader(io.StringIO(_downloaded(page, "table").decode())))
    pairs = [
        (row.area_mm2, float(other["area_mm2"] or "nan"))
        for row, other in zip(measure(wanted), table, strict=True)
    ]
    # Judged by all slices together: a single voxel is more than 1 % of a small slice.
    totals = [np.nansum([pair[i] or math.nan for pair in pairs]) for i in (0, 1)]
    unmeasured = sum((a is None) != math.isnan(b) for a, b in pairs)
    words = [status_word(wanted, z) for z in range(len(wanted.status))]
    worst = max((abs(b - a) / a for a, b in pairs if a and not math.isnan(b)), default=0.0)
    same = sum(a == row["status"] for a, row in zip(words, table[::3], strict=True))
    masks = {"gray matter": Label.GM, "cord": Label.CORD}
    differs = {name: _different(found[name], wanted.mask(label)) for name, label in masks.items()}
    away = [
        np.abs(np.asarray(wanted.probability(label).dataobj)[differs[name]] - wanted.threshold)
        for name, label in masks.items()
    ]
    return Row(
        name,
        _dice(found["gray matter"], wanted.mask(Label.GM)),
        _dice(found["cord"], wanted.mask(Label.CORD)),
        math.inf if unmeasured else abs(totals[1] - totals[0]) / totals[0],
        worst,
        sum(int(each.sum()) for each in differs.values()),
        max((float(each.max()) for each in away if each.size), default=0.0),
        f"{same} of {len(words)}",
    )


def _downloaded(page: Page, button: str) -> bytes:
    with page.expect_download() as download:
        page.click(f"#downloads button:text-is('{button}')")
    return Path(download.value.path()).read_bytes()


def _mask(content: bytes) -> Any:
    with tempfile.NamedTemporaryFile(suffix=".nii.gz") as file:
        file.write(content)
        file.flush()
        image = nib.load(file.name)
        return nib.Nifti1Image(np.asarray(image.dataobj), image.affine)


def _dice(found: Any, wanted: Any) -> float:
    """Return the Dice coefficient; NaN where the grids differ."""
    if found.shape != wanted.shape or not np.allclose(found.affine, wanted.affine, atol=1e-4):
        return math.nan
    a, b = np.asarray(found.dataobj) > 0, np.asarray(wanted.dataobj) > 0
    total = int(a.sum()) + int(b.sum())
    return 2 * int((a & b).sum()) / total if total else 1.0


def _different(found: Any, wanted: Any) -> Any:
    """Return where two masks differ."""
    return (np.asarray(found.dataobj) > 0) != (np.asarray(wanted.dataobj) > 0)


def main() -> int:
    """Compare all images and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=os.environ.get("SCGM_DATA"))
    parser.add_argument("--only", default="", help="part of a path")
    parser.add_argument("--write", action="store_true", help="put the table on the results page")
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as work, sync_playwright() as playwright:
        export_site(Path(work, "site"))
        with served(Path(work, "site")) as address:
            browser = playwright.chromium.launch(
                executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"]
            )
            page = browser.new_page()
            page.on("console", _tell)
            page.goto(address)
            page.wait_for_selector("body[data-offline]")
            page.reload()
            page.wait_for_selector("#file", state="attached")
            segmenter = open_segmenter()
            for path in images(options.data, options.only):
                name = str(path.relative_to(options.data))
                rows.append(compared(page, path, name, segmenter))
                print("\t".join(rows[-1].cells()), flush=True)
            browser.close()
    if options.write:
        replace_section("studio-equality", _table(rows).strip())
    return 0 if all(row.equal for row in rows) else 1


def _table(rows: list[Row]) -> str:
    head = ["image", "Dice, gray matter", "Dice, cord", "difference of areas"]
    head += ["of a slice, at most", "voxels that differ", "from the threshold, at most"]
    head += ["same status", "equal", "note"]
    lines = [head, ["---"] * len(head), *(row.cells() for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    sys.exit(main())
