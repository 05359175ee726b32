"""What a benchmark plans to run: models by site, and keys."""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from scgm.artifacts.models import ModelCard, read_card
from scgm.benchmark.model_selection import read_offers, training_remark, unseen
from scgm.benchmark.plan import BenchmarkOptions, PlannedRun, make_plan, read_methods
from scgm.datasets import DataCase, DataSet, Reference
from scgm.errors import ModelError, UsageError
from tests.helpers.standin import cord_voxels, save_scan, write_model


def case(folder: Path, name: str = "scan", site: str | None = "UCL") -> DataCase:
    image = folder / f"{name}.nii.gz"
    if not image.exists():
        save_scan(image)
    return DataCase(name, image, site, "subject", {"r1": Reference(gm=image)})


def plan(
    cases: Sequence[DataCase], asked: Sequence[str], options: BenchmarkOptions | None = None
) -> tuple[PlannedRun, ...]:
    dataset = DataSet("data", "table", cases[0].image.parent, tuple(cases))
    return make_plan(dataset, read_methods(asked), options or BenchmarkOptions())


def model(folder: Path, name: str, *sites: str) -> Path:
    return write_model(folder, name=name, training={"sites": list(sites)})


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


def test_the_model_is_the_one_that_never_saw_the_site(tmp_path: Path) -> None:
    model(tmp_path, "a", "ucl", "milan")
    without = model(tmp_path, "b", "milan")

    assert unseen("default", case(tmp_path, site="UCL"), read_offers(tmp_path)) == without


def test_each_image_has_its_own_model(tmp_path: Path) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    without_milan, without_ucl = model(folder, "a", "ucl"), model(folder, "b", "milan")
    cases = [case(tmp_path, "one", "Milan"), case(tmp_path, "two", "UCL")]

    jobs = plan(cases, ["default"], BenchmarkOptions(models=folder))

    assert [job.model for job in jobs] == [str(without_milan), str(without_ucl)]
    assert [job.remark for job in jobs] == [
        "trained without site Milan",
        "trained without site UCL",
    ]


def test_a_site_that_all_models_have_seen_is_refused(tmp_path: Path) -> None:
    model(tmp_path, "a", "ucl")

    with pytest.raises(ModelError, match=r"everything for method default .* its site 'UCL'"):
        unseen("default", case(tmp_path, site="UCL"), read_offers(tmp_path))


def test_a_model_that_saw_the_site_under_another_spelling_has_seen_it(tmp_path: Path) -> None:
    model(tmp_path, "a", "mount-sinai")

    with pytest.raises(ModelError, match="has seen its site 'Mount Sinai'"):
        unseen("default", case(tmp_path, site="Mount Sinai"), read_offers(tmp_path))


def test_an_image_without_site_is_refused(tmp_path: Path) -> None:
    model(tmp_path, "a", "ucl")

    with pytest.raises(ModelError, match="does not say its site"):
        unseen("default", case(tmp_path, site=None), read_offers(tmp_path))


def test_a_model_that_does_not_say_what_it_saw_is_refused(tmp_path: Path) -> None:
    write_model(tmp_path)

    with pytest.raises(ModelError, match="does not say which sites"):
        read_offers(tmp_path)


def test_a_folder_without_models_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no \.onnx and no \.npz file"):
        read_offers(tmp_path)


def test_a_model_that_lists_the_image_is_named_as_one_that_saw_it(tmp_path: Path) -> None:
    graph = write_model(tmp_path, data=("somewhere/scan.nii.gz",))

    (job,) = plan([case(tmp_path)], [f"default={graph}"])

    assert job.remark == "its card lists an image of this name as seen in training"


def test_a_model_that_lists_the_site_is_named_as_one_that_saw_it(tmp_path: Path) -> None:
    graph = model(tmp_path, "mine", "ucl")

    (job,) = plan([case(tmp_path)], [f"default={graph}"])

    assert job.remark == "its card lists site UCL as seen in training"


def test_a_model_that_lists_neither_is_not_called_honest(tmp_path: Path) -> None:
    (job,) = plan([case(tmp_path)], [f"default={write_model(tmp_path)}"])

    assert job.remark == "its training may have seen this image"


def card(folder: Path, name: str, *sites: str) -> ModelCard:
    return read_card(model(folder, name, *sites))


@pytest.mark.parametrize(
    ("sites", "expected"),
    [
        ((("ucl",), ("milan",)), "its card lists site UCL as seen in training"),
        ((("ucl",), ()), "its card lists site UCL as seen in training"),
        ((("milan",), ()), "its training may have seen this image"),
        ((("milan",), ("rome",)), "trained without site UCL"),
        ((), ""),
    ],
)
def test_of_several_models_one_that_saw_the_site_is_enough(
    tmp_path: Path, sites: tuple[tuple[str, ...], ...], expected: str
) -> None:
    cards = [card(tmp_path, f"m{number}", *names) for number, names in enumerate(sites)]

    assert training_remark(cards, case(tmp_path, site="UCL")) == expected


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
    save_scan(tmp_path / "scan.nii.gz", cord_voxels(6))
    (image,) = plan([case(tmp_path)], [f"default={graph}"])

    assert len({job.key for job in (before, threads, shipped, threshold, image)}) == 5


def test_images_that_nobody_drew_on_are_not_run(tmp_path: Path) -> None:
    labeled = case(tmp_path)
    bare = DataCase("bare", labeled.image, None, "subject", {})

    jobs = plan([bare, labeled], [f"default={write_model(tmp_path)}"])

    assert [job.case.name for job in jobs] == ["scan"]


def test_published_weights_must_be_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="--weights"):
        plan([case(tmp_path)], ["ddc-published"])


def test_published_weights_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such file"):
        plan([case(tmp_path)], ["ddc-published"], BenchmarkOptions(weights=tmp_path / "w.hdf5"))


def test_options_for_a_method_that_is_not_asked_for_are_refused(tmp_path: Path) -> None:
    weights = BenchmarkOptions(weights=tmp_path / "w.hdf5")
    models = BenchmarkOptions(models=tmp_path)

    with pytest.raises(UsageError, match="--weights is for"):
        plan([case(tmp_path)], ["default"], weights)
    with pytest.raises(UsageError, match="--models has no effect"):
        plan([case(tmp_path)], ["default=mine.onnx"], models)
