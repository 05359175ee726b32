"""Real images, where SCGM_DATA names their folder: accuracy, with each image's site left out."""

import os
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch

from experiments.evidence import EVIDENCE, fold_for, read_case, source_of
from experiments.published import EXPECTED, TOLERANCE
from scgm.evaluation.metrics import dice
from scgm.networks.keras_weights import load_published_weights
from scgm.networks.published import published_mask
from scgm.segmentation.pipeline import segment
from tests.helpers.dicom_files import enhanced, save, slab_of, slices

DATA = Path(os.environ.get("SCGM_DATA", "../shared/data"))

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not DATA.is_dir(), reason=f"no real images at {DATA}; set SCGM_DATA"),
]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "least"),
    [("sub-9418", 0.84), ("t2s_uncropped", 0.84), ("t2s", 0.84), ("mt1", 0.70)],
)
def test_gray_matter_of_a_site_never_seen_is_found(name: str, least: float) -> None:
    case = read_case(source_of(EVIDENCE[name]))
    assert case.gm is not None
    found = segment(case.path, model=fold_for(case.source.site)).axial_mask("gm")
    labeled = np.flatnonzero(case.gm.any(axis=(1, 2)))
    scores = [dice(found[z], case.gm[z]) for z in labeled]

    assert np.mean(scores) >= least


@pytest.mark.slow
@pytest.mark.parametrize(("name", "expected"), list(EXPECTED.items()))
def test_the_published_weights_give_their_known_dice(name: str, expected: float) -> None:
    torch.set_num_threads(2)
    case = read_case(source_of(EVIDENCE[name]))
    assert case.gm is not None
    network = load_published_weights(DATA / "published-ddc" / "challenge_model.hdf5")
    mask = published_mask(network, case.stack.slices, case.stack.spacing_mm)
    labeled = np.flatnonzero(case.gm.any(axis=(1, 2)))
    mean = np.mean([dice(mask[z], case.gm[z]) for z in labeled])

    assert mean == pytest.approx(expected, abs=TOLERANCE)


def test_orientation_does_not_matter(tmp_path: Path) -> None:
    """The same scan with its axes permuted and flipped has its mask in the same place."""
    source = DATA / EVIDENCE["t2s"]
    image = nib.load(source)
    turned = image.as_reoriented(np.array([[2, -1], [0, 1], [1, -1]]))
    first = segment(image).gm
    second = nib.as_closest_canonical(segment(turned).gm)
    first = nib.as_closest_canonical(first)

    assert np.array_equal(np.asarray(first.dataobj), np.asarray(second.dataobj))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["sub-9418", "t2s", "mt1"])
def test_the_same_scan_as_dicom_has_the_same_masks(tmp_path: Path, name: str) -> None:
    slab, slope, image = slab_of(nib.load(DATA / EVIDENCE[name]))
    plain = save(tmp_path / "plain", slices(slab, RescaleSlope=slope, RescaleIntercept=0))
    whole = save(tmp_path / "whole", [enhanced(slab, slopes=(slope,))])

    expected = segment(image)

    for folder in (plain, whole):
        found = segment(folder)
        for label in ("gm", "wm", "cord"):
            one, other = (nib.as_closest_canonical(each.mask(label)) for each in (found, expected))
            np.testing.assert_array_equal(np.asarray(one.dataobj), np.asarray(other.dataobj))
            np.testing.assert_allclose(one.affine, other.affine, atol=1e-4)
