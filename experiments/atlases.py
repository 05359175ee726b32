"""The atlases of the classical methods: ``python -m experiments.atlases [METHOD ...]``.

Builds with ``scgm atlas build`` the shipped ones, and for measuring one for each fold that left
sites out, of labels that were drawn by hand. ``python -m experiments.atlases --compare`` builds
every kind of atlas into ``runs/atlases``, for ``experiments.selection``; nothing is shipped then.
``--contents`` writes the table of what each atlas was made of, as its card says.
"""

import csv
import json
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from experiments.evidence import DATA, EVIDENCE, FOLDS, LEFT_OUT, SHIPPED, sources
from experiments.markdown import Row, table
from experiments.painted import painted_images
from experiments.results_page import replace_section
from experiments.side_by_side import subject_of
from experiments.sources import sources_of
from scgm.artifacts.atlases import read_atlas_card
from scgm.segmenters.classical.building import LEARNING

RUNS = Path("runs/atlases")
T2S_LEVELS = "sct-testing/t2s/MNI-Poly-AMU_level_crop.nii.gz"

# What an atlas is made of: scans whose gray matter was drawn by hand; these, and shapes alone that
# were drawn by hand or are a template's, as painted images; all labeled scans, those whose labels
# are a published network's output among them.
HAND, SHAPES, ALL = "hand", "hand-and-shapes", "all"
KINDS = (HAND, SHAPES, ALL)
# What is shipped: the better of the first two on the selection set (docs/results/selection.md).
CHOSEN: Mapping[str, str] = {"jcscs": SHAPES, "mgac": HAND, "sct": SHAPES, "vbem": HAND}

ABOUT = {
    HAND: "Axial scans of healthy necks, gray matter drawn by hand",
    SHAPES: "Axial scans and shapes of healthy necks drawn by hand, and the template AMU7T",
    ALL: "Axial scans of healthy necks, labeled by raters and by a program",
}
USE = {
    **dict.fromkeys(("jcscs", "sct"), "pixels of its images and labels are in this file"),
    **dict.fromkeys(("mgac", "vbem"), "mean maps of its labels are in this file"),
}


@dataclass(frozen=True)
class AtlasImage:
    """A row of the table that an atlas is built of."""

    image: Path
    gm: Path
    cord: Path
    site: str
    subject: str
    levels: Path | None = None


def images_of(kind: str) -> list[AtlasImage]:
    """Return the images of a kind of atlas."""
    images = []
    for source in sources():
        by_hand = str(source.image) in EVIDENCE.values()
        if source.image is None or source.gm is None or not source.cord:
            continue
        if by_hand or kind == ALL:
            levels = DATA / T2S_LEVELS if source.image.name == "t2s.nii.gz" else None
            image, gm, cord = (DATA / path for path in (source.image, source.gm, source.cord[0]))
            subject = subject_of(source.image)
            images.append(AtlasImage(image, gm, cord, source.site, subject, levels))
    if kind == SHAPES:
        images += [AtlasImage(**vars(each)) for each in painted_images(RUNS / "painted")]
    return images


def write_table(path: Path, images: Iterable[AtlasImage]) -> None:
    """Write images as a table that ``scgm atlas build`` reads."""
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("image", "gm", "cord", "site", "subject", "levels"))
        for each in images:
            files = (each.image, each.gm, each.cord)
            levels = each.levels.resolve() if each.levels else ""
            rows.writerow((*(file.resolve() for file in files), each.site, each.subject, levels))


def build(kind: str, method: str, output: Path, leave_out: tuple[str, ...]) -> None:
    """Build one atlas, as a user does, and name its sources in its card."""
    RUNS.mkdir(parents=True, exist_ok=True)
    output.parent.mkdir(parents=True, exist_ok=True)
    listed = RUNS / f"{kind}.csv"
    images = images_of(kind)
    write_table(listed, images)
    left = [site for site in leave_out if any(each.site == site for each in images)]
    without = f"; made without {' and '.join(leave_out)}, for measuring alone" if leave_out else ""
    program = str(Path(sys.executable).with_name("scgm"))
    arguments = ["--method", method, "--output", str(output), "--overwrite", "--quiet"]
    arguments += ["--description", f"{ABOUT[kind]}{without}", "--license", "MIT"]
    arguments += [word for site in left for word in ("--leave-out", site)]
    subprocess.run([program, "atlas", "build", str(listed), *arguments], check=True)
    _name_sources(output.with_suffix(".json"), method)


def _name_sources(card: Path, method: str) -> None:
    """Add to a card where its data come from, as told by its sites."""
    known = json.loads(card.read_text(encoding="utf-8"))
    sites = set(known["training"]["sites"])
    of_site = {"montreal": "sct_testing_data", "amu": "template_AMU7T"}
    names = {of_site.get(site, "gm-challenge-data") for site in sites}
    known["sources"] = sources_of(names, USE[method])
    card.write_text(json.dumps(known, indent=2) + "\n", encoding="utf-8")


def fold_name(method: str, leave_out: tuple[str, ...]) -> str:
    """Return the name of the file of an atlas for measuring."""
    return f"{method}-without-{'-'.join(leave_out)}.npz"


def compare(methods: Iterable[str]) -> None:
    """Build every kind of atlas, and every fold of it, where nothing is shipped from."""
    for method in methods:
        for kind in KINDS:
            build(kind, method, RUNS / kind / f"{method}.npz", ())
            for sites in LEFT_OUT:
                build(kind, method, RUNS / kind / fold_name(method, sites), sites)


def contents() -> str:
    """Return the table of how many scans, painted shapes and slices each atlas was made of."""
    rows: list[Row] = []
    for method in LEARNING:
        paths = [SHIPPED / f"{method}.npz", *(FOLDS / fold_name(method, out) for out in LEFT_OUT)]
        for path, left_out in zip(paths, ((), *LEFT_OUT), strict=True):
            card = read_atlas_card(path)
            painted = sum(image.startswith("painted/") for image in card.data)
            numbers = (len(card.data) - painted, painted, card.training["slices"])
            rows.append((method, ", ".join(left_out) or "none", *map(str, numbers)))
    return table(("method", "sites left out", "scans", "painted shapes", "slices"), rows)


def main(arguments: list[str]) -> None:
    """Build all that is shipped and measured, or those of some methods."""
    if "--contents" in arguments:
        replace_section("atlas-contents", contents())
        return
    methods = [word for word in arguments if word != "--compare"] or LEARNING
    if "--compare" in arguments:
        compare(methods)
        return
    for method in methods:
        kind = CHOSEN[method]
        build(kind, method, SHIPPED / f"{method}.npz", ())
        for sites in LEFT_OUT:
            build(kind, method, FOLDS / fold_name(method, sites), sites)


if __name__ == "__main__":
    main(sys.argv[1:])
