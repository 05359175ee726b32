"""Scores of what methods found."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from scgm.benchmark.plan import PlannedRun
from scgm.benchmark.runner import Outcome, Runner
from scgm.benchmark.scores import (
    CaseData,
    Found,
    RunResult,
    _compare,
    band_reliability,
    by_subject,
    mask_only_methods,
)
from scgm.datasets import DataCase, Reference
from scgm.image.orientation import to_axial
from scgm.image.volume import Geometry, Volume
from tests.helpers.benchmark_results import comparison, result
from tests.helpers.standin import save_scan


def test_a_method_is_mask_only_if_it_never_gave_a_probability() -> None:
    results = [
        result("hard", mask_only=True),
        result("soft", mask_only=True),
        result("soft", "other", mask_only=False),
        result("failed", reason="no cord"),
    ]

    assert mask_only_methods(results) == {"hard"}


def test_calibration_is_looked_at_in_one_region_with_and_without_a_drawn_cord() -> None:
    """One pixel of 2 mm is drawn, with p = 0.5: the region is it and the 8 around."""
    geometry = Geometry((9, 9, 1), np.diag([2.0, 2.0, 5.0, 1.0]))
    stack = to_axial(Volume(np.zeros((9, 9, 1), np.float32), geometry))
    gm = np.zeros((1, 9, 9), bool)
    gm[0, 4, 4] = True
    cord = np.ones_like(gm)
    data = CaseData(stack, {"r1": (gm, cord), "r2": (gm, None)})
    found = Found(gm, (gm * 0.5).astype(np.float32), None)

    scores = [
        each.scores.values["brier"]
        for rater in data.references
        for each in _compare(result("a"), data, rater, found)
    ]

    assert scores == pytest.approx([0.25 / 9] * 4)


def test_a_failure_is_a_miss_where_nothing_was_drawn_too() -> None:
    """A field of view of 9 x 9 pixels of 2 mm; in space one slice of 5 mm more."""
    geometry = Geometry((9, 9, 1), np.diag([2.0, 2.0, 5.0, 1.0]))
    stack = to_axial(Volume(np.zeros((9, 9, 1), np.float32), geometry))
    nothing = np.zeros((1, 9, 9), bool)
    data = CaseData(stack, {"r1": (nothing, None)})
    found = Found(nothing, nothing.astype(np.float32), np.zeros(1, bool))

    failed = [each.scores for each in _compare(result("a", reason="killed"), data, "r1", found)]
    empty = _compare(result("a"), data, "r1", found)[0].scores

    for scores, farthest in zip(failed, (18 * 2**0.5, (2 * 18**2 + 5**2) ** 0.5), strict=True):
        for name in ("dice", "dice_3d", "sensitivity", "surface_dice", "soft_dice"):
            assert scores.values[name] == 0
        assert scores.values["hausdorff95_mm"] == pytest.approx(farthest)
        assert scores.values["area_error_mm2"] == 0
        assert (scores.n_false, scores.n_outside) == (0, 1)
    assert empty.values["dice"] == 1


def test_what_is_undefined_enters_no_mean() -> None:
    images = [comparison(result("a", name)) for name in ("first", "second")]
    images += [comparison(result("a", "third", subject="other"))]
    scored = [
        replace(each, scores=replace(each.scores, values={"assd_mm": distance}))
        for each, distance in zip(images, (math.nan, 0.5, math.nan), strict=True)
    ]

    assert by_subject(scored, "2d", "assd_mm") == pytest.approx(
        {"subject": 0.5, "other": math.nan}, nan_ok=True
    )


def test_reliability_is_that_of_all_images_in_the_band_around_outlines(tmp_path: Path) -> None:
    """The reference has 8 x 4 pixels: 20 touch its outline from inside, 24 from outside."""
    image, gm = save_scan(tmp_path / "scan.nii.gz"), np.zeros((60, 50, 5), np.float32)
    gm[34:42, 14:18, 2] = 1
    save_scan(tmp_path / "gm.nii.gz", gm)
    case = DataCase("scan", image, None, "subject", {"r1": Reference(gm=tmp_path / "gm.nii.gz")})
    job = PlannedRun(
        label="a", method="default", model=None, case=case, threads=1, remark="", key="k"
    )
    mask = gm.T > 0
    np.savez(tmp_path / "k.npz", mask=mask, soft=np.where(mask, 0.97, 0.01).astype(np.float32))
    done = RunResult(job, Outcome(key="k"))
    lost = RunResult(replace(job, label="lost"), Outcome(key="k", reason="no cord"))

    found = band_reliability([done, lost], Runner(tmp_path, 1))

    assert list(found) == ["a"]
    assert found["a"].count[[0, -1]].tolist() == [24, 20]
    assert found["a"].observed[[0, -1]].tolist() == [0, 1]
    np.testing.assert_allclose(found["a"].predicted[[0, -1]], [0.01, 0.97], rtol=1e-5)
