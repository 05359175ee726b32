"""Scores of what methods found."""

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
    mask_only_methods,
)
from scgm.datasets import DataCase, Reference
from scgm.image.orientation import to_axial
from scgm.image.volume import Geometry, Volume
from tests.helpers.benchmark_results import result
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
