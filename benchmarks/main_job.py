"""The main job on real images: ``python -m benchmarks.main_job`` writes ``docs/results.md``.

Reads real images from SCGM_DATA (default ../shared/data). Every accuracy comes from a model whose
training left out the image's whole site.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np

import scgm
from benchmarks.cord_finding import Found, find_everywhere
from benchmarks.evidence import (
    DATA,
    EVIDENCE,
    Case,
    fold_for,
    model_without,
    read_case,
    source_of,
    sources,
)
from benchmarks.published import published_dice
from benchmarks.results_page import replace_section
from benchmarks.run_once import cost_of
from scgm.errors import CordNotFoundError
from scgm.metrics import dice
from scgm.phantom import Acquisition, draw_anatomy, make_phantom
from scgm.phantom.levels import SEGMENTS
from scgm.segmentation import NO_CORD
from scgm.volume import Volume

TIMED = DATA / EVIDENCE["sub-9418"]
Row = tuple[str, ...]

# Scans that are scored with the label of another contrast of the same session.
BORROWED = (
    "sct-testing/mt/mt0.nii.gz",
    "sct-testing/mt/t1w.nii.gz",
    "sct-tutorial/sub-05/anat/sub-05_acq-MToff_MTS.nii.gz",
)


def table(header: Row, rows: Iterable[Row]) -> str:
    """Format rows as Markdown."""
    lines = [header, tuple("---" for _ in header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def verdict(passed: bool) -> str:
    """Say whether a bar was met."""
    return "yes" if passed else "**no**"


def gray_matter() -> str:
    """Mean 2D Dice of gray matter, site left out."""
    bars = {"sub-9418": 0.84, "t2s_uncropped": 0.84, "t2s": 0.84, "mt1": 0.70}
    rows = []
    for name, image in EVIDENCE.items():
        case = read_case(source_of(image))
        model = fold_for(case.source.site)
        result = scgm.segment(case.path, model=model, threads=2)
        scores = _slice_dice(result.axial_mask("gm"), case.gm)
        cord = "-"
        if case.cord is not None:
            cord = f"{np.mean(_slice_dice(result.axial_mask('cord'), case.cord)):.3f}"
        mean = float(np.mean(scores))
        rows.append(
            (
                name,
                case.source.site,
                str(len(scores)),
                f"{mean:.3f}",
                f"{np.min(scores):.3f}",
                f">= {bars[name]:.2f}",
                verdict(mean >= bars[name]),
                cord,
                model.stem,
            )
        )
    header = ("image", "site", "slices", "mean", "worst", "bar", "met", "cord", "model")
    return table(header, rows)


def _slice_dice(predicted: np.ndarray, reference: np.ndarray | None) -> list[float]:
    assert reference is not None
    labeled = reference.any(axis=(1, 2))
    return [dice(predicted[z], reference[z]) for z in np.flatnonzero(labeled)]


def cord_finding() -> str:
    """Share of slices whose cord is found within 3 mm, for every image with a cord label."""
    rows = []
    for source in sources():
        named = str(source.image)
        if "run-2" in named or not (source.cord or named == EVIDENCE["t2s_uncropped"]):
            continue
        case = read_case(source)
        truth = case.cord if case.cord is not None else case.gm
        assert truth is not None
        found = find_everywhere(model_without(source.site), case.stack, truth)
        rows += [_finding_row(case, found[:1], "as it is"), _finding_row(case, found[1:], "moved")]
    header = ("image", "view", "slices", "found", "worst mm", "bar", "met", "out of view")
    return table(header, rows)


def _finding_row(case: Case, found: list[Found], view: str) -> Row:
    slices, hits = sum(row.slices for row in found), sum(row.found for row in found)
    isotropic = max(case.stack.spacing_mm) < 1.5 * min(case.stack.spacing_mm)
    bar = 0.90 if isotropic else 1.0
    borrowed = str(case.source.image) in BORROWED
    return (
        "/".join(case.path.parts[-2:]).removesuffix(".nii.gz"),
        view,
        str(slices),
        f"{hits / slices:.1%}",
        f"{max(row.worst_mm for row in found):.1f}",
        "none" if borrowed else f">= {bar:.0%}",
        "-" if borrowed else verdict(hits >= bar * slices),
        str(sum(row.cut_off for row in found)),
    )


def slices_without_cord() -> str:
    """Share of phantom slices of air, muscle and bone only that are left empty and flagged."""
    contrasts = ("t2star", "mt", "psir", "t1", "t2")
    total = empty = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        region = SEGMENTS[int(rng.integers(len(SEGMENTS)))]
        anatomy = replace(draw_anatomy(rng, region), cord=False)
        acquisition = Acquisition(contrast=contrasts[seed % len(contrasts)])
        phantom = make_phantom(anatomy, acquisition, seed=seed)
        total += len(phantom.volume.voxels[0, 0])
        empty += _flagged(phantom.volume)
    rows = [(str(total), f"{empty / total:.1%}", ">= 95%", verdict(empty >= 0.95 * total))]
    return table(("slices", "left empty and flagged", "bar", "met"), rows)


def _flagged(volume: Volume) -> int:
    try:
        return scgm.segment(volume, threads=2).status.count(NO_CORD)
    except CordNotFoundError:  # every slice is empty
        return int(volume.voxels.shape[2])


def costs() -> str:
    """Wall-clock time and peak memory of whole commands."""
    with tempfile.TemporaryDirectory() as folder:
        runs = [
            cost_of(["segment", str(TIMED), "--output", folder, "--overwrite", "--quiet"])
            for _ in range(5)
        ]
    helps = [cost_of(["--help"]) for _ in range(5)]
    seconds = float(np.median([run.seconds for run in runs]))
    memory = max(run.megabytes for run in runs)
    helping = float(np.median([run.seconds for run in helps]))
    imported = imported_by_help()
    rows = [
        (
            "`scgm segment` of sub-9418, 2 threads, s",
            f"{seconds:.2f}",
            "<= 2.5",
            verdict(seconds <= 2.5),
        ),
        ("its peak memory, MB", f"{memory:.0f}", "<= 600", verdict(memory <= 600)),
        ("`scgm --help`, s", f"{helping:.2f}", "<= 0.5", verdict(helping <= 0.5)),
        (
            "heavy packages that it imports",
            ", ".join(imported) or "none",
            "none",
            verdict(not imported),
        ),
    ]
    return table(("what", "measured", "bar", "met"), rows)


def imported_by_help() -> list[str]:
    """Which of the heavy packages ``scgm --help`` imports."""
    code = (
        "import sys\nfrom scgm.cli.main import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "heavy = {'torch', 'scipy', 'nibabel', 'onnxruntime'}\n"
        "print('HEAVY', *sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[-1].split()[1:]


SECTIONS: dict[str, tuple[str, Callable[[], str]]] = {
    "gray-matter": ("Gray matter, mean 2D Dice over the labeled slices", gray_matter),
    "cord": ("Finding the cord within 3 mm", cord_finding),
    "empty": ("Slices without cord", slices_without_cord),
    "cost": ("Time and memory", costs),
    "published": ("The published dilated network, loaded into ours", published_dice),
}


def main() -> None:
    """Measure, and put the tables between their marks in the results page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=f"of {', '.join(SECTIONS)}")
    chosen = parser.parse_args().sections or list(SECTIONS)
    for name in chosen:
        title, measure = SECTIONS[name]
        replace_section(name, measure())
        sys.stdout.write(f"{title}: done\n")


if __name__ == "__main__":
    main()
