"""Which model is selected for an image: one that never saw its site."""

from pathlib import Path

import pytest

from scgm.artifacts.models import ModelCard, read_card
from scgm.benchmark.model_selection import read_offers, training_remark, unseen
from scgm.benchmark.plan import BenchmarkOptions
from scgm.errors import ModelError
from tests.helpers.benchmark_plans import case, model, plan
from tests.helpers.standin import write_model


def card(folder: Path, name: str, *sites: str) -> ModelCard:
    return read_card(model(folder, name, *sites))


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


CHOSEN = {"kept": "best", "validated_on": ["u-c-l"]}


@pytest.mark.parametrize(
    ("choice", "chose"),
    [
        (CHOSEN, True),
        ({**CHOSEN, "kept": "last", "stopped_early": True}, True),
        ({**CHOSEN, "kept": "last", "stopped_early": False}, False),
        ({**CHOSEN, "validated_on": ["rome"]}, False),
        ({**CHOSEN, "validated_on": None}, False),
        ("best", False),
    ],
)
def test_a_model_whose_weights_a_site_has_chosen_is_not_called_new_to_it(
    tmp_path: Path, choice: object, chose: bool
) -> None:
    graph = write_model(tmp_path, name="chosen", training={"sites": ["milan"], "choice": choice})
    offers, one = read_offers(tmp_path), case(tmp_path, site="UCL")

    expected = "its weights were chosen by this site, UCL" if chose else "trained without site UCL"
    assert training_remark([read_card(graph)], one) == expected
    if chose:
        with pytest.raises(ModelError, match="had its weights chosen by it"):
            unseen("default", one, offers)
    else:
        assert unseen("default", one, offers) == graph


def test_a_site_whose_scores_are_marked_as_deciding_has_chosen_the_weights(tmp_path: Path) -> None:
    scores = ({"site": "ucl", "gm_dice": 0.9, "decided": True},)
    graph = write_model(tmp_path, training={"sites": ["milan"]}, scores=scores)

    remark = training_remark([read_card(graph)], case(tmp_path, site="UCL"))

    assert remark == "its weights were chosen by this site, UCL"


def test_published_weights_must_be_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="--weights"):
        plan([case(tmp_path)], ["ddc-published"])


@pytest.mark.parametrize(
    ("asked", "weights"),
    [
        ("default=~nosuch-user/x.onnx", None),
        ("vbem=~nosuch-user/x.npz", None),
        ("ddc-published", Path("~nosuch-user/w.hdf5")),
    ],
)
def test_a_home_that_nobody_has_is_one_sentence(
    tmp_path: Path, asked: str, weights: Path | None
) -> None:
    with pytest.raises(ModelError, match=r"~nosuch-user/.*: there is no such home folder"):
        plan([case(tmp_path)], [asked], BenchmarkOptions(weights=weights))


def test_published_weights_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such file"):
        plan([case(tmp_path)], ["ddc-published"], BenchmarkOptions(weights=tmp_path / "w.hdf5"))
