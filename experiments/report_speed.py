"""Size, building time and speed of a report of many images, told by the browser itself.

Usage: ``python -m experiments.report_speed [--images 200] [--slices 20]``; needs Debian's chromium.

A few phantoms are segmented. The others are copies of them with other noise, other checksums and
the same masks, so that no two pictures are alike. What is measured: the time of ``scgm report``;
the size of the file; from the browser's performance entries the time until the page is ready and
until its load event ends; frames and long tasks while the list is scrolled, and while one image
after the other is chosen.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from playwright.sync_api import Page, sync_playwright

from scgm.io.hashing import sha256_of_file

SEEDS = 4
SCGM = [sys.executable, "-m", "scgm"]

# Long tasks are those of more than 50 ms, in which the page cannot answer.
WATCH = """
window.tasks = [];
new PerformanceObserver((list) => window.tasks.push(...list.getEntries().map((e) => e.duration)))
  .observe({ type: "longtask", buffered: true });
"""
LOADED = """() => {
  const page = performance.getEntriesByType("navigation")[0];
  const drawn = performance.getEntriesByName("first-contentful-paint")[0];
  return { ready_ms: performance.getEntriesByName("ready")[0].startTime,
           load_ms: page.loadEventEnd, first_paint_ms: drawn ? drawn.startTime : null,
           heap_mb: performance.memory.usedJSHeapSize / 1e6 };
}"""
SCROLL = """async () => {
  const box = document.querySelector("#overview .scroll"), frames = [];
  window.tasks.length = 0;
  let last = performance.now();
  while (box.scrollTop + box.clientHeight < box.scrollHeight - 1) {
    box.scrollTop += 40;
    const now = await new Promise(requestAnimationFrame);
    frames.push(now - last);
    last = now;
  }
  await new Promise((done) => setTimeout(done, 300));
  frames.sort((a, b) => a - b);
  return { frames: frames.length, median_ms: frames[Math.floor(frames.length / 2)],
           p99_ms: frames[Math.floor(frames.length * 0.99)], longest_ms: frames.at(-1),
           long_tasks: window.tasks.length, longest_task_ms: Math.max(0, ...window.tasks) };
}"""
LOOK_THROUGH = """async () => {
  const times = [];
  window.tasks.length = 0;
  for (let i = 0; i < 30; i++) {
    const start = performance.now();
    document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "j", bubbles: true }));
    while (!document.querySelector("#detail[data-drawn]")) await new Promise(requestAnimationFrame);
    times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  return { median_ms: times[15], longest_ms: times.at(-1), long_tasks: window.tasks.length };
}"""


def main() -> None:
    """Make the results, build the report, open it, and print what was measured as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--slices", type=int, default=20)
    parser.add_argument("--keep", type=Path, help="folder for the report")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_results(folder, given.images, given.slices)
        report = folder / "report.html"
        started, used = time.perf_counter(), _processor_s()
        subprocess.run([*SCGM, "report", folder, "-o", report, "--quiet"], check=True)
        built = {
            "built_s": round(time.perf_counter() - started, 1),
            "built_processor_s": round(_processor_s() - used, 1),
            "size_mb": round(report.stat().st_size / 1e6, 1),
        }
        print(
            json.dumps({"images": given.images, "slices": given.slices, **built, **browse(report)})
        )
        if given.keep:
            shutil.copy(report, given.keep)


def _processor_s() -> float:
    """Return the processor time of all processes that this one has started and that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def make_results(folder: Path, images: int, slices: int) -> None:
    """Segment a few phantoms of 320 x 320 pixels, and copy their results with other noise."""
    firsts = []
    for seed in range(SEEDS):
        scan = folder / f"seed-{seed}"
        command = ["phantom", "-o", scan, "--seed", seed, "--slices", slices, "--size", 320, "-q"]
        subprocess.run([*SCGM, *map(str, command)], check=True)
        (image,) = (path for path in scan.glob("*.nii.gz") if "label" not in path.name)
        made = folder / f"made-{seed}"
        command = ["segment", image, "-o", made, "--soft", "--keep-doubtful", "-q"]
        subprocess.run([*SCGM, *map(str, command)], check=True)
        firsts.append((image, made))
    for number in range(images):
        copy_result(*firsts[number % SEEDS], folder / "set", number)
    for image, made in firsts:
        shutil.rmtree(image.parent)
        shutil.rmtree(made)


def copy_result(image: Path, made: Path, folder: Path, number: int) -> None:
    """Copy an image with other noise, and its result as that of the copy."""
    folder.mkdir(exist_ok=True)
    old, new = image.name.removesuffix(".nii.gz"), f"sub-{number:03d}_T2starw"
    rng = np.random.default_rng(number)
    scan: Any = nib.load(image)
    voxels = np.asarray(scan.dataobj, np.float32)
    noisy = voxels + rng.normal(0, 0.02 * voxels.max(), voxels.shape).astype(np.float32)
    target = folder / f"{new}.nii.gz"
    stored = nib.Nifti1Image(np.clip(noisy, 0, 32000).astype(np.int16), scan.affine)
    stored.to_filename(target)
    for path in made.iterdir():
        if path.suffix != ".json":
            shutil.copy(path, folder / path.name.replace(old, new))
    record = json.loads(next(made.glob("*_seg.json")).read_text())
    record["input"] |= {"file": target.name, "sha256": sha256_of_file(target)}
    record["files"] = {name.replace(old, new): sha for name, sha in record["files"].items()}
    (folder / f"{new}_seg.json").write_text(json.dumps(record))


def browse(report: Path) -> dict[str, Any]:
    """Open the report in a browser, scroll its list, and look through its images."""
    with sync_playwright() as started:
        browser = started.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        page.add_init_script(WATCH)
        page.goto(report.as_uri())
        page.wait_for_selector("#detail[data-drawn]")
        found = {"opened": page.evaluate(LOADED), **_used(page)}
        browser.close()
    return found


def _used(page: Page) -> dict[str, Any]:
    return {"scrolled": page.evaluate(SCROLL), "looked_through": page.evaluate(LOOK_THROUGH)}


if __name__ == "__main__":
    main()
