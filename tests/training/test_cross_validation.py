"""Each site left out once: sites that a start model has seen, hostile names, and the tables."""

import csv
import shutil
from pathlib import Path

import pytest

from scgm.training.config.read import read_config
from scgm.training.cross_validation import _page, _table
from scgm.training.engine.run import train
from scgm.training.export import export
from tests.helpers.standin import run_scgm
from tests.helpers.training_files import silent, write_data

TINY = ["finder.widths=[4,4,4,4,8]", "segmenter.widths=[4,4,8,8]", "phantoms=0"]
TINY += ["segmenter.steps=1", "segmenter.batch=2"]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with two scans; two more have other names and the same content."""
    folder = write_data(tmp_path_factory.mktemp("data"))
    for name, other in (("scan", "mine"), ("other", "yours")):
        shutil.copy(folder / f"{name}.nii.gz", folder / f"{other}.nii.gz")
    return folder


@pytest.fixture(scope="module")
def model(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a model that has seen site "a"."""
    folder = tmp_path_factory.mktemp("model")
    config = read_config(data / "recipe.toml", ("segmenter.steps=1", "phantoms=0"))
    train(config, data, folder / "run", device="cpu", report=silent)
    export(folder / "run", folder / "mine.onnx", description="for tests")
    return folder / "mine.onnx"


def table(data: Path, *sites: str) -> Path:
    path = data / f"{len(list(data.glob('*.csv')))}.csv"
    rows = ["image,gm,cord,site,subject"]
    rows += [
        f"{name}.nii.gz,{labels}gm.nii.gz,{labels}cord.nii.gz,{site},{name}"
        for name, labels, site in zip(("mine", "yours"), ("", "other_"), sites, strict=True)
    ]
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def arguments(model: Path) -> list[str]:
    starts = [f"{part}.start={model}" for part in ("finder", "segmenter")]
    return [part for change in (*TINY, "finder.steps=0", *starts) for part in ("--set", change)]


@pytest.mark.slow
def test_sites_that_the_start_model_has_seen_are_marked_everywhere(
    data: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It has seen site "a", here spelled "A"; "new" is new to it."""
    ended = run_scgm(
        capsys,
        *("crossvalidate", table(data, "A", "new"), "--recipe", "fine-tune"),
        *("--output", tmp_path, *arguments(model)),
    )

    assert ended.status == 0, ended.err
    assert "warning: site A: the model that every training starts from" in ended.err
    assert "site new" not in ended.err
    with (tmp_path / "cross_validation.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["site"], row["seen_by_start"]) for row in rows] == [("A", "yes"), ("new", "no")]
    for text in (ended.out, (tmp_path / "cross_validation.md").read_text(encoding="utf-8")):
        assert "seen by the start model" in text
        assert "| new to the start model | mean over 1 images |" in text
        assert "all, too good: some were seen" in text
    assert "{'" not in ended.out
    assert "2 trainings, each without one site: A, new" in ended.out


def test_without_a_start_model_nothing_is_marked() -> None:
    row = {"site": "a", "image": "x/i.nii.gz", "slices": 3, "gm_dice": 0.8}
    page = _page([row, {**row, "site": "b", "gm_dice": 0.6}])

    assert "seen" not in page
    assert "| all | mean over 2 sites |  | 0.700 (0.141) |" in page


def test_where_no_site_is_new_the_page_says_that_the_scores_tell_nothing_of_new_sites() -> None:
    row = {"site": "a", "image": "i", "slices": 3, "gm_dice": 0.8, "seen_by_start": True}
    page = _page([row, {**row, "seen_by_start": None}])

    assert "| new to" not in page
    assert "| unknown |" in page
    assert "No site is new to the start model" in page


def test_an_image_of_two_raters_counts_once_with_their_mean() -> None:
    """The images have 0.8 and 0.6 on the mean of their raters, the sites the same."""
    row = {"site": "a", "image": "i", "slices": 9, "gm_slices": 2, "seen_by_start": False}
    rows = [{**row, "rater": rater, "gm_dice": dice} for rater, dice in (("r1", 0.7), ("r2", 0.9))]
    rows.append({**row, "site": "b", "rater": "r1", "gm_dice": 0.6})
    page = _page(rows)

    assert "| a | i | 2 | 0.900 | - | r2 |" in page
    assert "| all | mean over 2 images |  | 0.700 (0.141) |" in page
    assert "| all | mean over 2 sites |  | 0.700 (0.141) |" in page


def test_the_table_tells_raters_apart_and_counts_the_slices_that_were_scored() -> None:
    row = {"site": "a", "image": "i", "rater": "r1", "slices": 9, "gm_slices": 2, "gm_dice": 0.5}
    (found,) = csv.DictReader(_table([row]).splitlines())

    assert (found["rater"], found["slices"], found["cord_slices"]) == ("r1", "2", "9")


def test_names_out_of_a_file_are_no_formulas_and_no_cells() -> None:
    row = {"site": "=a()", "image": "a|b\nc.nii.gz", "slices": 3, "gm_dice": 0.8}

    assert _table([row]).splitlines()[1].startswith("'=a(),")
    assert len(_page([row]).splitlines()[2].replace("\\|", "").split("|")) == 7


@pytest.mark.parametrize("site", ["../../../../escaped", "a/b", "x" * 300])
def test_the_name_of_a_site_leads_to_no_other_folder(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], site: str
) -> None:
    output = tmp_path / "1" / "2" / "3" / "out"
    ended = run_scgm(capsys, "crossvalidate", table(data, site, "new"), "--output", output)

    assert ended.status == 2
    assert "cannot be a file name" in ended.err
    assert list(tmp_path.rglob("*")) == []


def test_two_spellings_of_a_site_are_one(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ended = run_scgm(capsys, "crossvalidate", table(data, "CEITEC", "ceitec"), "-o", tmp_path)

    assert ended.status == 1
    assert "at least two sites; found: CEITEC" in ended.err


def test_a_site_may_not_stop_the_training_that_it_is_scored_with(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changes = (*TINY, "finder.steps=1", "segmenter.patience=2", "segmenter.validate_every=100")
    given = [part for change in changes for part in ("--set", change)]
    ended = run_scgm(capsys, "crossvalidate", table(data, "a", "b"), "-o", tmp_path / "out", *given)

    assert ended.status == 1
    assert "segmenter.patience = 2: the site left out would decide" in ended.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("command", ["train", "crossvalidate"])
def test_what_is_odd_about_a_data_set_is_a_warning(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    """The sites "CEITEC" and "ceitec" are one, so there is nothing to compare, or to learn from."""
    path = table(data, "CEITEC", "ceitec")
    leave_out = ("--set", "leave_out=['ceitec']") if command == "train" else ()
    ended = run_scgm(capsys, command, path, "-o", tmp_path / "out", *leave_out)

    assert ended.status == 1
    assert f"warning: {data}: the sites 'CEITEC' and 'ceitec' are taken as one" in ended.err


def test_without_images_it_says_what_to_give(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SCGM_DATA", raising=False)
    for command in ("train", "crossvalidate"):
        ended = run_scgm(capsys, command, "--output", tmp_path / "run")

        assert ended.status == 1
        assert "say with --data in which folder they are, or name a DATASET" in ended.err
        assert not (tmp_path / "run").exists()
