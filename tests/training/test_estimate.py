"""The time of a training is said before it starts, and measuring it changes nothing."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from scgm.training.engine import progress
from scgm.training.engine.estimate import Planned, estimated_seconds
from scgm.training.engine.loop import fit
from scgm.training.engine.state import Place, State
from tests.helpers.training_files import session_in, tiny_network, tiny_task


def test_the_estimate_is_the_time_of_a_step_times_the_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a clock that advances by a second at each look, a step takes one."""
    seconds = iter(range(1000))
    monkeypatch.setattr("time.perf_counter", lambda: float(next(seconds)))
    plan = [Planned(tiny_network, tiny_task(steps)) for steps in (100, 30)]

    assert estimated_seconds(plan, session_in(tmp_path)) == 130


def test_of_a_training_that_is_continued_the_steps_that_are_left_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = iter(range(1000))
    monkeypatch.setattr("time.perf_counter", lambda: float(next(seconds)))
    first, second, third = (replace(tiny_task(100), name=name) for name in "abc")
    plan = [Planned(tiny_network, task) for task in (first, second, third)]
    session = session_in(tmp_path)
    earlier = State(session.config, "cpu", 1, Place("b", step=40), {})

    assert estimated_seconds(plan, replace(session, earlier=earlier)) == 160


def test_a_few_steps_need_no_estimate(tmp_path: Path) -> None:
    assert estimated_seconds([Planned(tiny_network, tiny_task(20))], session_in(tmp_path)) is None


def test_measuring_changes_no_random_number(tmp_path: Path) -> None:
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    estimated_seconds([Planned(tiny_network, tiny_task(100))], session_in(tmp_path))

    assert torch.equal(torch.rand(3), expected)


def test_slow_steps_are_reported_before_the_first_fifty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[str] = []
    monkeypatch.setattr(progress, "SILENT_S", 0.0)
    fit(tiny_network(), tiny_task(3), session_in(tmp_path, report=lines.append))

    assert [line.split()[1] for line in lines] == ["1/3", "2/3", "3/3", "3/3"]
    assert all("images/s" in line and "left" in line for line in lines)
