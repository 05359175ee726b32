"""Segment every public image that can be, and make a report of them; the others with their reason.

Usage: ``python -m experiments.every_image FOLDER [--again]``

Every NIfTI file of the data is given to the shipped model, masks and maps, too: those are refused,
as they must be. Of images with a time axis the mean over time is taken. ``FOLDER/report.html``
shows all results and lists what was refused; ``FOLDER/refused.tsv`` holds the same list, and
``docs/results/measurements.md`` how many there are of each kind.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import nibabel as nib

from experiments.evidence import DATA
from experiments.markdown import table
from experiments.results_page import replace_section
from scgm.errors import CordNotFoundError, ScgmError
from scgm.io.tables import table_text
from scgm.report.page import LeftOut
from scgm.report.write import Beside, write_report
from scgm.segmentation.options import SegmentOptions
from scgm.segmentation.outputs import OutputOptions, result_name
from scgm.segmentation.pipeline import open_segmenter, segment
from scgm.segmenters.base import Segmenter

# Words of a reason, and what kind of reason that is.
KINDS = {
    "a mask or": "refused: a mask or a map of labels",
    "it is a map": "refused: another map",
    "vectors": "refused: vectors",
    "no slice is ok": "refused: no slice is ok",
    "no slice shows a spinal cord": "refused: no cord is found",
}
OTHER = "refused: another reason"
MANY = ("refused: a mask or a map of labels",)


def name_of(image: Path) -> str:
    """Return the place of an image in the data as one word, since many files bear one name."""
    folder = image.parent.relative_to(DATA)
    return "-".join((*folder.parts, result_name(image.name)))


def options_for(image: Path) -> SegmentOptions:
    """Return the defaults; of a series, the mean over time."""
    shape = nib.load(image).shape
    options = SegmentOptions(name=name_of(image))
    return replace(options, volume="mean") if len(shape) == 4 and shape[3] > 1 else options


def segmented(image: Path, folder: Path, segmenter: Segmenter) -> LeftOut | None:
    """Segment one image; return why it is refused, if it is."""
    try:
        result = segment(image, options_for(image), segmenter=segmenter)
        if len(result.flagged) == len(result.status):
            words = ", ".join(f"{n} {word}" for word, n in Counter(result.status).items())
            msg = f"{image.name}: no slice is ok ({words})"
            raise CordNotFoundError(msg)
        result.save(folder / name_of(image), OutputOptions(soft=True))
    except ScgmError as error:
        return LeftOut(image, placed(str(error), image))
    return None


def placed(reason: str, image: Path) -> str:
    """Return a reason that names the place of an image in the data, not its name alone."""
    place = str(image.relative_to(DATA))
    for name in (str(image), image.name):
        if name in reason:
            return reason.replace(name, place, 1)
    return f"{place}: {reason}"


def counted(shown: int, refused: Sequence[LeftOut]) -> str:
    """Return how many files were shown and refused, and which scans were refused."""
    kinds: dict[str, list[str]] = {kind: [] for kind in (*KINDS.values(), OTHER)}
    for each in refused:
        kind = next((kind for words, kind in KINDS.items() if words in each.why), OTHER)
        kinds[kind].append(f"`{each.path.relative_to(DATA)}`")
    rows = [("shown", f"{shown}", "")]
    for kind, names in kinds.items():
        rows.append((kind, f"{len(names)}", "" if kind in MANY else ", ".join(names)))
    return table(("what became of it", "files", "which"), rows)


def main() -> None:
    """Segment all, and write the report and the list of those that were refused."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--again", action="store_true", help="only the report, of earlier results")
    given = parser.parse_args()
    results = given.folder / "results"
    images = sorted(DATA.rglob("*.nii.gz"))
    started = time.perf_counter()
    refused: list[LeftOut] = []
    if not given.again:
        segmenter = open_segmenter(SegmentOptions())
        for image in images:
            if left := segmented(image, results, segmenter):
                refused.append(left)
                print(f"refused: {left.why}", flush=True)
        rows = [(str(each.path.relative_to(DATA)), each.why) for each in refused]
        text = table_text(("image", "reason"), rows, separator="\t")
        (given.folder / "refused.tsv").write_text(text, encoding="utf-8")
    else:
        lines = (given.folder / "refused.tsv").read_text(encoding="utf-8").splitlines()[1:]
        refused = [LeftOut(DATA / path, why) for path, why in (line.split("\t") for line in lines)]
    report = given.folder / "report.html"
    made = write_report([results], report, images=[DATA], beside=Beside(refused), overwrite=True)
    size = report.stat().st_size / 1e6
    replace_section("every-image", counted(made.shown, refused))
    print(
        f"{len(images)} files: {made.shown} shown, {len(refused)} refused, {size:.1f} MB, "
        f"{time.perf_counter() - started:.0f} s"
    )


if __name__ == "__main__":
    main()
