"""Files of what classical methods learn, and the labeled slices that they learn from."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from scgm.artifacts.atlases import read_atlas, read_atlas_card, write_atlas
from scgm.datasets import read_dataset
from scgm.errors import DataSetError, ModelError, OutputError
from scgm.segmenters.classical.labeled_slices import PIXEL_MM, LabeledSlices, labeled_slices
from tests.helpers.standin import cord_voxels, save_scan

KNOWN = {
    "method": "sct",
    "version": "1",
    "description": "for tests",
    "license": "MIT",
    "created": "2026-11-23",
    "training": {"sites": ["here"]},
}


def written(folder: Path) -> Path:
    path = folder / "mine.npz"
    write_atlas(path, {"values": np.arange(6.0)}, KNOWN)
    return path


def test_an_atlas_comes_back_as_it_was_written(tmp_path: Path) -> None:
    path = written(tmp_path)

    atlas = read_atlas(path, "sct")

    np.testing.assert_array_equal(atlas.arrays["values"], np.arange(6.0))
    assert atlas.card.name == "mine"
    assert read_atlas_card(path) == atlas.card


def test_a_damaged_atlas_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path)
    path.write_bytes(path.read_bytes()[:-1])

    with pytest.raises(ModelError, match="damaged or was exchanged"):
        read_atlas(path, "sct")


def test_an_atlas_of_another_method_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="is for method sct, not for vbem"):
        read_atlas(written(tmp_path), "vbem")


def test_an_atlas_without_card_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path)
    path.with_suffix(".json").unlink()

    with pytest.raises(ModelError, match=r"mine\.json cannot be read"):
        read_atlas(path, "sct")


@pytest.mark.parametrize(
    ("name", "sentence"), [("nonsense", "no atlas 'nonsense'"), ("no.npz", "no such atlas file")]
)
def test_an_atlas_that_is_not_there_is_named(name: str, sentence: str) -> None:
    with pytest.raises(ModelError, match=sentence):
        read_atlas(name, "sct")


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    path = written(tmp_path)
    before = path.read_bytes()

    with pytest.raises(OutputError, match="exists already"):
        write_atlas(path, {"values": np.zeros(3)}, KNOWN)

    assert path.read_bytes() == before


def test_objects_are_never_unpickled(tmp_path: Path) -> None:
    path = tmp_path / "bad.npz"
    write_atlas(path, {"values": np.array([{}], object)}, KNOWN)

    with pytest.raises(ModelError, match="not a file of arrays"):
        read_atlas(path, "sct")


def two_sites(folder: Path) -> Path:
    """Write one scan for each of two sites, labels by two raters on the first, and a table."""
    voxels = cord_voxels(3)
    voxels[..., 0] = 0
    labels = np.where(voxels > 0, 1.0, 0.0), (voxels == 2).astype(float)
    save_scan(folder / "a.nii.gz", 100 * voxels + 50)
    save_scan(folder / "b.nii.gz", 3 * voxels + 1, axes="LPI")
    for name, values in zip(("cord", "gm"), labels, strict=True):
        save_scan(folder / f"a_{name}.nii.gz", values.astype(np.float32))
        save_scan(folder / f"b_{name}.nii.gz", values.astype(np.float32), axes="LPI")
    empty = nib.Nifti1Image(np.zeros((60, 50, 3), np.float32), np.diag([0.5, 0.5, 5, 1]))
    empty.to_filename(folder / "a_nothing.nii.gz")
    table = folder / "data.csv"
    table.write_text(
        "image,gm,cord,rater,site\n"
        "a.nii.gz,a_gm.nii.gz,a_cord.nii.gz,r1,here\n"
        "a.nii.gz,a_nothing.nii.gz,a_cord.nii.gz,r2,here\n"
        "b.nii.gz,b_gm.nii.gz,b_cord.nii.gz,r1,there\n",
        encoding="utf-8",
    )
    return table


@pytest.fixture
def slices(tmp_path: Path) -> LabeledSlices:
    return labeled_slices(read_dataset(two_sites(tmp_path)))


def test_only_labeled_slices_are_read(slices: LabeledSlices) -> None:
    assert slices.volume.tolist() == [0, 0, 1, 1]  # slice 0 of both has no label
    assert slices.sites == ("here", "there")
    np.testing.assert_array_equal(slices.distance_mm, [5, 5])


def test_orientation_does_not_matter(slices: LabeledSlices) -> None:
    """The two scans show the same, one is stored the other way round."""
    np.testing.assert_allclose(slices.cord[2:], slices.cord[:2], atol=1e-5)


def test_the_cord_is_in_the_middle_with_its_area(slices: LabeledSlices) -> None:
    cord = slices.cord[0]
    middle = np.array([63.5, 63.5])

    assert cord.sum() * PIXEL_MM**2 == pytest.approx(80, rel=1e-4)  # 20 x 16 pixels of 0.25 mm2
    np.testing.assert_allclose(np.argwhere(cord > 0.5).mean(axis=0), middle, atol=1e-4)


def test_raters_are_averaged(slices: LabeledSlices) -> None:
    """The first scan has a rater who saw nothing, so gray matter is half there."""
    assert slices.gm[0].sum() * PIXEL_MM**2 == pytest.approx(4, rel=1e-4)
    assert slices.gm[2].sum() * PIXEL_MM**2 == pytest.approx(8, rel=1e-4)


def test_intensities_are_relative_to_the_cord(slices: LabeledSlices) -> None:
    weighted = (slices.image * slices.cord).sum(axis=(1, 2)) / slices.cord.sum(axis=(1, 2))

    np.testing.assert_allclose(weighted, 1, rtol=1e-4)


def test_a_site_that_is_left_out_is_not_read(tmp_path: Path) -> None:
    slices = labeled_slices(read_dataset(two_sites(tmp_path)), ["here"])

    assert slices.sites == ("there",)
    assert len(slices.gm) == 2


def test_an_unknown_site_cannot_be_left_out(tmp_path: Path) -> None:
    with pytest.raises(DataSetError, match=r"no image is of site nowhere.*here, there"):
        labeled_slices(read_dataset(two_sites(tmp_path)), ["nowhere"])


def test_nothing_left_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataSetError, match="no slice is left"):
        labeled_slices(read_dataset(two_sites(tmp_path)), ["here", "there"])
