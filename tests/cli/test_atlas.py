"""``scgm atlas build``, and a method that is given what it built."""

from pathlib import Path

import numpy as np
import pytest

from scgm.artifacts.atlases import read_atlas
from scgm.segmenters.classical.building import LEARNING
from scgm.segmenters.registry import METHODS
from tests.helpers.standin import cord_voxels, run_scgm, save_scan, write_model

SITES = ("here", "there")


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Write a scan with its labels for each of two sites, and a table of them."""
    rows = ["image,gm,cord,site"]
    for number, site in enumerate(SITES, 1):
        voxels = cord_voxels(3)
        save_scan(tmp_path / f"{site}.nii.gz", 100 * voxels + 40 * number)
        save_scan(tmp_path / f"{site}_gm.nii.gz", (voxels == 2).astype(np.float32))
        save_scan(tmp_path / f"{site}_cord.nii.gz", (voxels > 0).astype(np.float32))
        rows.append(f"{site}.nii.gz,{site}_gm.nii.gz,{site}_cord.nii.gz,{site}")
    path = tmp_path / "set.csv"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def test_every_method_with_an_atlas_can_be_built() -> None:
    assert set(LEARNING) == {name for name, method in METHODS.items() if method.learned == "atlas"}


@pytest.mark.parametrize("method", LEARNING)
def test_an_atlas_says_what_it_was_made_from(
    capsys: pytest.CaptureFixture[str], table: Path, tmp_path: Path, method: str
) -> None:
    output = tmp_path / "mine.npz"

    ended = run_scgm(
        capsys, "atlas", "build", table, "--method", method, "-o", output, "--leave-out", "here"
    )

    assert ended.status == 0, ended.err
    assert "3 slices of sites there" in ended.out
    card = read_atlas(output, method).card
    assert card.training["sites"] == ["there"]
    assert card.data == (f"{tmp_path.name}/there.nii.gz",)


def test_an_atlas_is_used_with_a_cord_that_another_model_finds(
    capsys: pytest.CaptureFixture[str], table: Path, tmp_path: Path
) -> None:
    """The stand-in finds the cord of this scan, whose gray values say what a pixel is."""
    atlas = tmp_path / "mine.npz"
    run_scgm(capsys, "atlas", "build", table, "--method", "jcscs", "-o", atlas)
    scan = save_scan(tmp_path / "scan.nii.gz", cord_voxels(2))

    ended = run_scgm(
        *(capsys, "segment", scan, "--method", "jcscs", "--model", atlas, "--keep-doubtful"),
        *("--cord-model", write_model(tmp_path), "--output", tmp_path / "out"),
    )

    assert ended.status == 0, ended.err
    record = (tmp_path / "out" / "scan_seg.json").read_text(encoding="utf-8")
    assert '"cord_finder": "standin"' in record


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--method", "gsbme"), "method gsbme has no atlas"),
        (("--method", "jcscs", "--set", "nonsense=1"), "method jcscs has no such setting"),
        (("--method", "jcscs", "--set", "nonsense"), "expected KEY=VALUE"),
        (("--method", "jcscs", "--leave-out", "nowhere"), "no image is of site nowhere"),
    ],
)
def test_what_makes_no_sense_is_refused(
    capsys: pytest.CaptureFixture[str],
    table: Path,
    tmp_path: Path,
    arguments: tuple[str, ...],
    sentence: str,
) -> None:
    output = tmp_path / "mine.npz"

    ended = run_scgm(capsys, "atlas", "build", table, "-o", output, *arguments)

    assert ended.status in (1, 2)
    assert sentence in " ".join(ended.err.split())
    assert not output.exists()
