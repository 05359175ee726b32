"""``scgm models``."""

import json
from pathlib import Path

import pytest
from standin import run_scgm, write_model

from scgm import models


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
    monkeypatch.setattr(models, "_SHIPPED", tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    ended = run_scgm(capsys, "models")

    assert ended.status == 0
    for text in ("standin 1", "1 volumes", "Dice 0.50 to 0.50 on 1 images"):
        assert text in ended.out
    assert models.read_card(path).graph_sha256[:12] in ended.out
