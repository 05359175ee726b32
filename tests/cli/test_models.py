"""``scgm models``."""

import json
from pathlib import Path
from typing import Any

import pytest

from scgm.artifacts import models, store
from scgm.cli.commands.models import in_short
from scgm.errors import ModelError
from tests.helpers.standin import run_scgm, write_model


def test_a_card_is_shown_as_json(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    ended = run_scgm(capsys, "models", write_model(tmp_path))

    assert ended.status == 0
    assert json.loads(ended.out)["name"] == "standin"


def test_a_damaged_model_is_not_shown(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = write_model(tmp_path)
    path.write_bytes(b"")

    ended = run_scgm(capsys, "models", path)

    assert ended.status == 1
    assert "damaged or was exchanged" in ended.err


def test_the_list_has_a_line_for_each_model(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_model(
        tmp_path, data=("nothing at all",), scores=({"image": "phantom", "gm_dice": 0.5},)
    )
    monkeypatch.setattr(store, "SHIPPED", tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    ended = run_scgm(capsys, "models")

    assert ended.status == 0
    for text in ("standin", "1 volume ", "Dice 0.50 to 0.50 on 1 image"):
        assert text in ended.out
    assert models.read_card(path).sha256[:12] in ended.out


def test_a_narrow_terminal_cuts_off_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")

    assert "…" not in run_scgm(capsys, "models").out


def test_an_atlas_is_listed_and_shown(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")

    listed, shown = run_scgm(capsys, "models"), run_scgm(capsys, "models", "vbem")

    card = json.loads(shown.out)
    assert card["method"] == "vbem"
    assert card["sha256"][:12] in listed.out


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folder of the user's own models."""
    monkeypatch.setenv("SCGM_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    folder = tmp_path / "models"
    folder.mkdir()
    return folder


def test_a_model_of_the_user_has_a_name(capsys: pytest.CaptureFixture[str], own: Path) -> None:
    for path in write_model(own).parent.glob("*"):
        path.rename(own / f"mine{path.suffix}")

    assert models.model_names()[-1] == "mine"
    assert models.read_model("mine").path == own / "mine.onnx"
    assert "│ mine" in run_scgm(capsys, "models").out


def test_a_damaged_model_does_not_hide_the_others(
    capsys: pytest.CaptureFixture[str], own: Path
) -> None:
    write_model(own).write_bytes(b"")

    ended = run_scgm(capsys, "models")

    assert ended.status == 0
    assert "damaged" in ended.out
    assert "│ default" in ended.out


def test_a_model_of_the_user_does_not_take_the_name_of_another() -> None:
    with pytest.raises(
        ModelError, match="default is the name of a model or atlas that the package carries"
    ):
        models.own_model("default")


def test_scores_tell_evidence_from_the_labels_of_a_program() -> None:
    scores: list[dict[str, Any]] = [
        {"gm_dice": 0.75, "labels": "rater"},
        {"gm_dice": 0.89, "labels": "rater"},
        {"gm_dice": 0.91, "labels": "program"},
        {"gm_dice": 0.5},
        {"cord_dice": 0.99, "labels": "rater"},
        {"gm_dice": "high"},
    ]

    assert in_short(scores) == (
        "Dice 0.75 to 0.89 on 2 images drawn or corrected by raters; "
        "Dice 0.50 to 0.50 on 1 image with labels of unknown origin; "
        "Dice 0.91 to 0.91 on 1 image labeled by a program (no evidence)"
    )
    assert in_short([]) == "not measured"


def test_an_image_of_several_raters_counts_once() -> None:
    drawn = {"image": "a.nii.gz", "site": "Ucl", "labels": "rater"}
    scores: list[dict[str, Any]] = [
        {**drawn, "rater": "1", "gm_dice": 0.8},
        {**drawn, "rater": "2", "gm_dice": 0.9, "site": "ucl"},
        {**drawn, "gm_dice": 0.5, "site": "other"},
        {**drawn, "gm_dice": 0.7, "image": "b.nii.gz", "decided": True},
        {**drawn, "gm_dice": 0.8, "image": "b.nii.gz", "decided": True},
    ]

    assert in_short(scores) == (
        "Dice 0.50 to 0.85 on 2 images drawn or corrected by raters; "
        "1 without evidence (seen before, unknown, or chose the weights)"
    )


@pytest.mark.parametrize(
    "mark", [{"seen_by_start": True}, {"seen_by_start": None}, {"decided": True}]
)
def test_scores_of_what_was_seen_or_chose_the_weights_are_no_evidence(mark: dict[str, Any]) -> None:
    told = "1 without evidence (seen before, unknown, or chose the weights)"
    new = {"gm_dice": 0.6, "seen_by_start": False, "decided": False}

    assert in_short([{"gm_dice": 0.9, **mark}]) == f"not measured; {told}"
    assert in_short([{"gm_dice": 0.9, **mark}, new]) == (
        f"Dice 0.60 to 0.60 on 1 image with labels of unknown origin; {told}"
    )


@pytest.mark.parametrize("name", ["default", "ddc", "unet", "deepseg"])
def test_a_shipped_card_says_whom_each_score_compares_with(name: str) -> None:
    """Three of the seven labels are the output of another program (docs/results.md)."""
    scores = [score for score in models.read_card(name).scores if "gm_dice" in score]

    assert sorted(score["labels"] for score in scores) == ["program"] * 3 + ["rater"] * 4
    assert "any contrast" not in models.read_card(name).description
