"""The report in the README: ``python -m experiments.report_picture`` makes and photographs it.

Eight phantoms are segmented by the shipped model, one of them with much noise. The first of the
list is judged "fail", the second "pass". Needs Debian's chromium.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

SCGM = [sys.executable, "-m", "scgm"]
TARGET = Path("docs/images/report.png")
SEEDS = range(8)
NOISY = 3
SIZE = {"width": 1560, "height": 1050}
KEPT_WIDTH = 1100


def make_report(folder: Path) -> Path:
    """Make phantoms, segment them, and make a report of all."""
    scans = []
    for seed in SEEDS:
        place = folder / f"{seed}"
        more = ["--snr", "3.5"] if seed == NOISY else []
        made = ["phantom", "-o", place, "--seed", seed, "--slices", 12, "-q", *more]
        subprocess.run([*SCGM, *map(str, made)], check=True)
        (image,) = (path for path in place.glob("*.nii.gz") if "label" not in path.name)
        scans.append(image.rename(folder / f"sub-{seed + 1:02}_T2starw.nii.gz"))
    report = folder / "report.html"
    made = ["segment", *scans, "-o", folder / "results", "--soft", "--keep-doubtful", "-q"]
    subprocess.run([*SCGM, *map(str, made), "--report", str(report)], check=True)
    return report


def photograph(report: Path, target: Path) -> None:
    """Open a report in a browser, and keep what is seen."""
    with sync_playwright() as started:
        browser = started.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport=SIZE)  # type: ignore[arg-type]
        page.goto(report.as_uri())
        page.wait_for_selector("#detail[data-drawn]")
        for key in "fjpk":
            page.keyboard.press(key)
        page.wait_for_selector("#detail[data-drawn]")
        seen = Image.open(io.BytesIO(page.screenshot()))
        browser.close()
    small = seen.resize((KEPT_WIDTH, round(seen.height * KEPT_WIDTH / seen.width)))
    small.convert("RGB").save(target, optimize=True)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        photograph(make_report(Path(name)), TARGET)
