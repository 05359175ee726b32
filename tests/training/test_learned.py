"""What each network has learned from: scans and shapes, and what it started from."""

from scgm.training.config.settings import TrainConfig
from scgm.training.engine.learned import as_record, learned_by
from scgm.training.engine.start import StartModel

SHAPE = {"site": "shapes", "gm": "s_gm.nii", "cord": ["s_cord.nii"]}
SCAN = {"site": "a", "image": "a.nii", "gm": "a_gm.nii"}
WHERE = {"site": "b", "image": "b.nii", "cord": ["b_cord.nii"], "teaches": "finder"}


def config(**changes: object) -> TrainConfig:
    """Return a configuration with a shape, a scan, and a scan for the cord finder alone."""
    return TrainConfig.model_validate({"source": [SHAPE, SCAN, WHERE], **changes})


def start(*sites: str) -> StartModel:
    """Return a model that has learned from some sites."""
    return StartModel("m", {}, sites, tuple(f"{site}.old" for site in sites), 0.25)


def test_the_finder_learns_from_scans_and_the_other_network_from_what_teaches_it() -> None:
    learned = learned_by(config(), {})

    assert learned["finder"].sites == ("a", "b")
    assert learned["finder"].data == ("a.nii", "b.nii")
    assert learned["segmenter"].sites == ("a", "shapes")
    assert learned["segmenter"].data == ("a.nii", "s_gm.nii")


def test_a_network_that_is_not_trained_has_what_it_started_from() -> None:
    given = config(segmenter={"start": "m", "steps": 0}, leave_out=["a"])
    learned = learned_by(given, {"segmenter": start("templates")})

    assert learned["segmenter"].sites == ("templates",)
    assert learned["finder"].sites == ("b",)
    assert as_record(learned)["sites"] == ["b", "templates"]


def test_a_network_that_goes_on_has_seen_both() -> None:
    given = config(finder={"start": "m"})
    learned = learned_by(given, {"finder": start("old")}, frozenset({"phantom"}))

    assert learned["finder"].sites == ("a", "b", "old", "phantom")
    assert learned["finder"].data == ("a.nii", "b.nii", "old.old")
    assert learned["segmenter"].sites == ("a", "phantom", "shapes")
