"""What a benchmark plans to run, and under which keys."""

import math
from dataclasses import replace
from pathlib import Path

import pytest

from scgm.benchmark.plan import BenchmarkOptions, read_methods
from scgm.datasets import DataCase, Reference
from scgm.errors import UsageError
from tests.helpers.benchmark_plans import case, plan
from tests.helpers.standin import cord_voxels, save_scan, write_model


def test_a_model_of_ones_own_is_named_by_its_file() -> None:
    (method,) = read_methods(["default=folder/mine.onnx"])

    assert (method.label, method.name, method.model) == (
        "default=mine",
        "default",
        "folder/mine.onnx",
    )


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ([], "name the methods"),
        (["nonsense"], "no method 'nonsense'"),
        (["default", "default"], "ask for each once"),
    ],
)
def test_methods_that_make_no_sense_are_refused(asked: list[str], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        read_methods(asked)


def test_another_drawing_of_the_cord_is_another_run(tmp_path: Path) -> None:
    labeled, cord = case(tmp_path), save_scan(tmp_path / "cord.nii.gz", cord_voxels())
    drawn = replace(labeled, references={"r1": Reference(gm=labeled.image, cord=cord)})
    options = BenchmarkOptions(cord="given")
    asked = [f"default={write_model(tmp_path)}"]
    (before,) = plan([drawn], asked, options)
    save_scan(cord, 2 * cord_voxels())
    (after,) = plan([drawn], asked, options)

    assert before.key != after.key


@pytest.mark.parametrize("seconds", [math.inf, math.nan, 0.0, -1.0])
def test_a_timeout_is_a_number_of_seconds(seconds: float) -> None:
    with pytest.raises(UsageError, match="number of seconds above 0"):
        BenchmarkOptions(timeout_s=seconds)


def test_the_same_run_has_the_same_key_under_any_name(tmp_path: Path) -> None:
    graph = write_model(tmp_path)
    folder = tmp_path / "copy"
    folder.mkdir()
    copy = folder / "other.nii.gz"
    copy.write_bytes(case(tmp_path).image.read_bytes())

    (one,) = plan([case(tmp_path)], [f"default={graph}"])
    (other,) = plan(
        [case(folder, "other")], [f"default={graph}"], BenchmarkOptions(timeout_s=5, published=True)
    )

    assert one.key == other.key


def test_whatever_changes_a_result_changes_the_key(tmp_path: Path) -> None:
    graph = write_model(tmp_path)
    (before,) = plan([case(tmp_path)], [f"default={graph}"])
    (threads,) = plan([case(tmp_path)], [f"default={graph}"], BenchmarkOptions(threads=2))
    (shipped,) = plan([case(tmp_path)], ["default"])
    other = write_model(tmp_path, name="other", threshold=0.9)
    (threshold,) = plan([case(tmp_path)], [f"default={other}"])
    write_model(tmp_path, name="other", threshold=0.9, confidence={"intercept": 1.0})
    (confidence,) = plan([case(tmp_path)], [f"default={other}"])
    save_scan(tmp_path / "scan.nii.gz", cord_voxels(6))
    (image,) = plan([case(tmp_path)], [f"default={graph}"])

    assert len({job.key for job in (before, threads, shipped, threshold, confidence, image)}) == 6


def test_images_that_nobody_drew_on_are_not_run(tmp_path: Path) -> None:
    labeled = case(tmp_path)
    bare = DataCase("bare", labeled.image, None, "subject", {})

    jobs = plan([bare, labeled], [f"default={write_model(tmp_path)}"])

    assert [job.case.name for job in jobs] == ["scan"]


def test_options_for_a_method_that_is_not_asked_for_are_refused(tmp_path: Path) -> None:
    weights = BenchmarkOptions(weights=tmp_path / "w.hdf5")
    models = BenchmarkOptions(models=tmp_path)

    with pytest.raises(UsageError, match="--weights is for"):
        plan([case(tmp_path)], ["default"], weights)
    with pytest.raises(UsageError, match="--models has no effect"):
        plan([case(tmp_path)], ["default=mine.onnx"], models)
