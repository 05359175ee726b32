"""Images that something is wrong with, in small: what is right in them stays right."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from numpy.typing import NDArray

from scgm.errors import ScgmError
from scgm.phantom import Acquisition, make_phantom
from scgm.segmentation.options import SegmentOptions
from scgm.segmentation.pipeline import segment
from scgm.segmentation.result import Result
from scgm.segmentation.segmentation import Segmentation
from tests.helpers.standin import cord_voxels, scan, write_model


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def phantom() -> Any:
    volume = make_phantom(acquisition=Acquisition(shape=(3, 96, 96))).volume
    return nib.Nifti1Image(volume.voxels, volume.geometry.affine)


def mask(result: Result) -> NDArray[np.bool_]:
    values: NDArray[np.bool_] = np.asarray(result.gm.dataobj) == 1
    return values


def noise(*shape: int) -> Any:
    values = np.random.default_rng(0).normal(100, 20, shape).astype(np.float32)
    return nib.Nifti1Image(values, np.diag([0.5, 0.5, 5, 1]))


@pytest.mark.parametrize(
    "shape", [(1, 40, 3), (40, 1, 3), (3, 3, 3), (2, 2, 1), (1, 1, 1), (40, 40, 1)]
)
def test_the_smallest_images_and_noise_end_in_a_sentence(shape: tuple[int, int, int]) -> None:
    with pytest.raises(ScgmError) as refused:
        segment(noise(*shape), threads=1)

    assert str(refused.value).isprintable()


def zeros(values: NDArray[np.float32]) -> None:
    values[:] = 0


def not_a_number(values: NDArray[np.float32]) -> None:
    values[:] = np.nan


@pytest.mark.parametrize("spoil", [zeros, not_a_number])
def test_a_bad_slice_leaves_the_others_as_they_are(
    model: Path, spoil: Callable[[NDArray[np.float32]], None]
) -> None:
    good = scan(cord_voxels())
    voxels = np.array(good.dataobj)
    spoil(voxels[..., 2])
    options = SegmentOptions(model=model)

    whole = segment(good, options)
    spoiled = segment(nib.Nifti1Image(voxels, good.affine), options)

    others = [0, 1, 3, 4]
    assert np.array_equal(mask(spoiled)[..., others], mask(whole)[..., others])
    assert [spoiled.status[z] for z in others] == [whole.status[z] for z in others]
    assert not mask(spoiled)[..., 2].any()
    assert spoiled.flagged == (2,)


def test_one_voxel_far_beyond_all_others_changes_no_mask(phantom: Any) -> None:
    voxels = np.array(phantom.dataobj)
    voxels[3, 5, 2] = 1e30

    whole = segment(phantom, threads=1)
    spoiled = segment(nib.Nifti1Image(voxels, phantom.affine), threads=1)

    assert mask(whole).any()
    assert np.array_equal(mask(spoiled), mask(whole))
    assert any("far beyond all others" in line for line in spoiled.provenance.warnings)


def test_slices_that_are_not_axial_are_refused_with_advice(phantom: Any) -> None:
    """3 mm from left to right, 0.5 mm along the body: as sagittal scans are."""
    voxels = np.asarray(phantom.dataobj)
    thick = voxels.reshape(16, 6, *voxels.shape[1:]).mean(axis=1).astype(np.float32)
    affine = phantom.affine @ np.diag([6, 1, 0.1, 1])

    with pytest.raises(ScgmError, match="give a scan with axial slices"):
        segment(nib.Nifti1Image(thick, affine), threads=1)


def test_threads_and_repetition_change_no_bit(phantom: Any) -> None:
    results: list[Segmentation] = [segment(phantom, threads=n) for n in (1, 1, 2)]

    first, *others = (np.asarray(result.probability("gm").dataobj) for result in results)
    assert all(np.array_equal(mask(result), mask(results[0])) for result in results)
    assert np.array_equal(first, others[0])
    assert np.allclose(first, others[1], rtol=0, atol=1e-5)
