"""The commands that measure on real images: their rules, on numbers made here."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from experiments import painted, side_by_side
from experiments.accuracy import _mean_rows
from experiments.angle_correction import errors
from experiments.atlases import _name_sources
from experiments.calibration import Pixels, draw, fit_on_people, fit_on_phantoms, in_band, joined
from experiments.data_folder import lay_out
from experiments.evidence import EVIDENCE, three_means
from experiments.expectations import Image, Scores, mean_rows
from experiments.false_slices import drawn_in
from experiments.hard_cases import _left_empty
from experiments.side_by_side import against_published, costs_table, subject_of, write_table
from scgm.datasets.download import public_sets
from scgm.errors import ScgmWarning
from scgm.image.confidence import COEFFICIENTS
from scgm.image.volume import Geometry, Volume
from scgm.phantom.tissues import Tissue, signals
from scgm.segmentation.pipeline import segment
from scgm.segmenters.registry import load_model
from scgm.training.config.read import DEFAULT_RECIPE, read_config
from scgm.training.config.sources import Source
from tests.helpers.standin import cord_voxels, uneven, write_model


@pytest.mark.parametrize(
    ("image", "subject"),
    [
        ("gm-challenge/sub-9418/anat/sub-9418_run-1_T2starw.nii.gz", "sub-9418"),
        ("gm-challenge/sub-9709Ses1/anat/sub-9709Ses1_run-1_T2starw.nii.gz", "sub-9709"),
        ("gm-challenge/sub-9611Ses1-3/anat/x.nii.gz", "sub-9611"),
        ("sct-testing/t2s/t2s.nii.gz", "sct-testing-t2s"),
        ("sct-testing/t2s/t2s_uncropped.nii.gz", "sct-testing-t2s"),
        ("sct-testing/mt/mt1.nii.gz", "sct-testing-mt"),
    ],
)
def test_the_subject_is_whom_an_image_shows(image: str, subject: str) -> None:
    assert subject_of(Path(image)) == subject


def test_fetched_data_sets_are_laid_out_as_the_experiments_read_them(tmp_path: Path) -> None:
    fetched, folder = tmp_path / "fetched", tmp_path / "data"
    for dataset in public_sets():
        for file in dataset.files:
            path = fetched / dataset.name / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()

    assert lay_out(fetched, folder) > 100

    read = {path for source in read_config(DEFAULT_RECIPE).source for path in source.files}
    read |= {Path("published-ddc/challenge_model.hdf5"), Path("scad/pilot8/spgr20.nii.gz")}
    assert [path for path in sorted(read) if not (folder / path).is_file()] == []
    assert lay_out(fetched, folder) == 0


def test_the_four_images_of_the_evidence_show_three_subjects(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(side_by_side, "DATA", tmp_path)
    chosen = [
        Source(site="here", image=Path(image), gm=Path("gm.nii.gz")) for image in EVIDENCE.values()
    ]

    write_table(tmp_path / "table.csv", chosen)

    with (tmp_path / "table.csv").open(encoding="utf-8", newline="") as file:
        assert len({row["subject"] for row in csv.DictReader(file)}) == 3


def test_costs_stand_side_by_side_for_one_thread_and_two() -> None:
    rows = {
        1: [{"method": "a", "seconds": "2", "seconds_with_start": "3", "peak_mib": "100.4"}],
        2: [{"method": "a", "seconds": "1.5", "seconds_with_start": "", "peak_mib": "120"}],
    }

    head, _, row = costs_table(rows).splitlines()

    assert head.startswith("| method | s, 1 thread | s, 2 threads | s with start, 1 thread |")
    assert row == "| a | 2.00 | 1.50 | 3.00 | - | 100 | 120 |"


def test_methods_are_compared_with_the_published_weights_whichever_is_named_first() -> None:
    def pair(first: str, second: str, mean: str, mode: str = "2d") -> dict[str, str]:
        names = {"mode": mode, "score": "dice", "first": first, "second": second}
        return {**names, "mean": mean, "site_mean": "0.5"}

    found = against_published(
        [
            pair("a", "ddc-published", "0.1"),
            pair("a", "ddc-published", "0.9", mode="3d"),
            pair("ddc-published", "b", "0.2"),
            pair("a", "b", "0.3"),
        ]
    )

    assert found.splitlines()[2:] == [
        "| a | +0.100 | +0.500 | - | - |",
        "| ddc-published | - | - | - | - |",
        "| b | -0.200 | -0.500 | - | - |",
    ]


def test_means_over_subjects_and_sites_count_each_once() -> None:
    """Images 1, 1, 0.4, 0; subjects (1 + 1) / 2, 0.4 and 0; sites (1 + 0.4) / 2 and 0."""
    subjects = {"a": ("x", "s"), "b": ("x", "s"), "c": ("x", "t"), "d": ("y", "u")}

    means = {"a": 1.0, "b": 1.0, "c": 0.4, "d": 0.0}
    images, against, people, sites = _mean_rows(means, [0.5, 0.5, 0.5, 0.7], subjects)

    assert (images[3], people[3], sites[3]) == ("0.600", "0.467", "0.350")
    assert images[8:10] == (">= 0.870", "**no**")
    assert against[8:10] == ("> 0.550, published", "yes")
    assert (people[0], sites[0]) == ("mean over 3 subjects", "mean over 2 sites")
    assert len({len(row) for row in (images, against, people, sites)}) == 1


def test_three_means_count_each_image_subject_and_site_once() -> None:
    people = [("x", "s"), ("x", "s"), ("x", "t"), ("y", "u")]

    means = three_means([1.0, 1.0, 0.4, 0.0], people)

    assert [(each.over, each.count) for each in means] == [
        ("images", 4),
        ("subjects", 3),
        ("sites", 2),
    ]
    assert [each.value for each in means] == pytest.approx([0.6, 1.4 / 3, 0.35])


def test_each_method_has_its_own_means() -> None:
    def image(site: str, ours: float, published: float, found: float, large: float) -> Image:
        first, second = (Scores(each, 0.1, 5.0, 6.0) for each in (ours, published))
        return Image("mt1", site, site, 5, 0, first, second, found, large)

    rows = mean_rows([image("a", 0.8, 0.6, 0.4, 0.2), image("b", 0.6, 0.4, 0.2, 0.0)])

    assert [row[0] for row in rows] == [
        "**mean of 2 images**",
        "**mean of 2 subjects**",
        "**mean of 2 sites**",
    ]
    assert rows[0][4:] == ("0.700", "", "", "0.500", "", "0.300", "0.100")
    assert {len(row) for row in rows} == {len(image("a", 1, 1, 1, 1).row)}


def pixels(probability: float, share: float, count: int = 20) -> Pixels:
    """Make pixels of one probability, or its complement, of which a share is as it says."""
    right = round(share * count)
    true = np.array([1] * right + [0] * (count - right), float)
    found = np.full(2 * count, probability)
    found[count:] = 1 - probability
    return Pixels(found, np.concatenate([true, 1 - true]), (found > 0.5).astype(float))


SURE, CAUTIOUS = pixels(0.95, 0.7), pixels(0.6, 0.9)


def test_a_correction_is_kept_where_it_helps_on_all_data_kept_apart() -> None:
    """All are as sure in the same way: what is fitted on some helps on the others."""
    assert fit_on_people([SURE, SURE, SURE], SURE).kept
    assert fit_on_phantoms(SURE, SURE, [SURE]).kept


def test_a_correction_that_hurts_on_any_selection_data_is_not_kept() -> None:
    assert not fit_on_people([SURE, SURE, SURE], CAUTIOUS).kept
    assert not fit_on_phantoms(SURE, SURE, [CAUTIOUS]).kept
    assert not fit_on_phantoms(SURE, CAUTIOUS, [SURE]).kept


def test_each_person_is_judged_by_a_fit_on_the_others() -> None:
    """Fitted on one, a correction makes the other kind worse, and the other way round."""
    fit = fit_on_people([SURE, CAUTIOUS], SURE)

    (name, before, after), _ = fit.judged
    assert name == "people left out"
    assert after > before


def test_only_the_band_is_measured_and_the_mask_goes_with_it() -> None:
    true = np.zeros((1, 9, 9), bool)
    true[0, 2:7, 2:7] = True

    found = in_band((true * 0.5).astype(np.float32), true, true)

    # All 25 are unsure, and 4 x 5 touch from outside.
    assert (found.found.size, found.true.sum()) == (45, 25)
    assert found.mask is not None
    assert found.mask.sum() == 25
    assert joined([found, found]).true.size == 90


def test_the_diagrams_are_drawn(tmp_path: Path) -> None:
    draw({"one": SURE, "two": CAUTIOUS}, tmp_path / "images" / "reliability.png")

    assert (tmp_path / "images" / "reliability.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(("to_deg", "along"), [(90.0, 2), (0.0, 3)])
def test_a_cord_that_leans_looks_larger_by_the_cosine(to_deg: float, along: int) -> None:
    """By 1 / cos 40 degrees: areas, and the diameter along the lean (2 or 3 in the list)."""
    plain, corrected = (errors(40, to_deg, corrected=one) for one in (False, True))
    larger = 100 * (1 / np.cos(np.radians(40)) - 1)

    assert [plain[0], plain[1], plain[along]] == pytest.approx([larger] * 3, abs=0.5)
    assert corrected == pytest.approx([0] * 4, abs=0.5)


def test_painted_tissues_have_the_signals_of_a_phantom(monkeypatch: pytest.MonkeyPatch) -> None:
    """Middles of wide bands: gray and white matter, fluid within 2.5 mm, and what lies beyond."""
    monkeypatch.setattr(painted, "NOISE", 0.0)
    gm, cord = np.zeros((2, 80, 9, 1), np.float32)
    cord[20:60], gm[35:45] = 1, 1

    image = painted.paint(gm, cord, (0.5, 0.5), seed=0)[:, 4, 0]

    table = signals("t2star")
    expected = [Tissue.DISC, Tissue.CSF, Tissue.WHITE_MATTER, Tissue.GRAY_MATTER]
    np.testing.assert_allclose(image[[5, 17, 27, 40]], table[expected], rtol=1e-3)


def test_the_card_of_an_atlas_names_the_sources_of_its_sites(tmp_path: Path) -> None:
    card = tmp_path / "sct.json"
    card.write_text(json.dumps({"training": {"sites": ["amu", "montreal", "oxford"]}}))

    _name_sources(card, "sct")

    sources = json.loads(card.read_text())["sources"]
    assert [each["name"] for each in sources] == [
        "gm-challenge-data",
        "sct_testing_data",
        "template_AMU7T",
    ]
    assert {each["use"] for each in sources} == {"pixels of its images and labels are in this file"}


def gray_matter_in_three_of_five_slices() -> Volume:
    """Make a scan for the stand-in: no cord in the first slice, no gray matter in the last."""
    voxels = cord_voxels(5)
    voxels[..., 0] = 0
    voxels[..., 4] = np.minimum(voxels[..., 4], 1)
    return Volume(uneven(voxels), Geometry(voxels.shape, np.diag([0.5, 0.5, 5, 1.0])))


def test_a_slice_is_left_empty_where_no_cord_is_found(tmp_path: Path) -> None:
    result = segment(gray_matter_in_three_of_five_slices(), model=write_model(tmp_path))

    assert _left_empty(result).tolist() == [True, False, False, False, False]


def test_drawn_gray_matter_is_counted_apart_where_nothing_warns_of_it(tmp_path: Path) -> None:
    sure = {**dict.fromkeys(COEFFICIENTS, 0.0), "intercept": 50.0}
    model = write_model(tmp_path, confidence=sure)
    volume = gray_matter_in_three_of_five_slices()

    with pytest.warns(ScgmWarning, match="no cord|no gray matter"):
        drawn = drawn_in(load_model(model), volume)

    assert drawn.tolist() == [0, 2, 2, 2, 0]
