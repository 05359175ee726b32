"""What training refuses before it starts, and what it takes from data sets."""

import gzip
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from scgm.datasets import read_dataset
from scgm.errors import ConfigError
from scgm.training.config.settings import TrainConfig
from scgm.training.config.sources import Source, dataset_sources
from scgm.training.data.checks import check_labels, check_splits, subject_of
from scgm.training.data.examples import LabeledStack, read_source
from tests.helpers.standin import cord_voxels, save_scan


def scan(folder: Path, name: str) -> Path:
    voxels = cord_voxels(3)
    voxels[0, 0, 0] = len(name)  # no two have the same content
    path = folder / f"{name}.nii.gz"
    path.parent.mkdir(parents=True, exist_ok=True)
    return save_scan(path, voxels)


def source(folder: Path, name: str, site: str = "a", **values: object) -> Source:
    scan(folder, name)
    return Source.model_validate({"site": site, "image": f"{name}.nii.gz", **values})


@pytest.mark.parametrize(
    ("path", "subject"),
    [
        ("set/sub-01/anat/sub-01_T2starw.nii.gz", "set/sub-01"),
        ("set/derivatives/labels/sub-01/anat/sub-01_gm.nii.gz", "set/sub-01"),
        ("set/sub-9709Ses1/anat/sub-9709Ses1_T2starw.nii.gz", "set/sub-9709"),
        ("set/derivatives/manual/labels/sub-01/anat/sub-01_gm.nii.gz", "set/sub-01"),
        ("set/sub-01/ses-2/anat/one.nii.gz", "set/sub-01"),
        ("set/sub-01_T2starw.nii.gz", "set/sub-01"),
        ("set/sub-a-1/anat/sub-a-1_T2starw.nii.gz", "set/sub-a-1"),
        ("scans/one.nii.gz", "scans/one.nii.gz"),
    ],
)
def test_a_subject_is_read_from_the_path(path: str, subject: str) -> None:
    root = Path("/data")

    assert subject_of(Source(site="a", image=Path(path)), root) == f"/data/{subject}"


def test_a_subject_in_two_splits_is_refused(tmp_path: Path) -> None:
    first = source(tmp_path, "sub-01/anat/sub-01_run-1")
    second = source(tmp_path, "sub-01/anat/sub-01_run-2", site="b")

    with pytest.raises(ConfigError, match=r"run-2.*\(subject sub-01\).*learned from.*left out"):
        check_splits({"learned from": [first], "left out": [second]}, tmp_path)


def test_an_image_under_two_names_in_two_splits_is_refused(tmp_path: Path) -> None:
    first = source(tmp_path, "one")
    (tmp_path / "other.nii.gz").write_bytes((tmp_path / "one.nii.gz").read_bytes())
    second = first.model_copy(update={"image": Path("other.nii.gz")})

    with pytest.raises(ConfigError, match=r"other\.nii\.gz.*image content"):
        check_splits({"learned from": [first], "left out": [second]}, tmp_path)


def test_a_folder_above_the_data_names_no_subject(tmp_path: Path) -> None:
    root = tmp_path / "sub-studies"
    given = source(root, "one", "a"), source(root, "three", "b")

    check_splits({"learned from": [given[0]], "left out": [given[1]]}, root)


def test_an_image_that_is_packed_in_one_split_and_unpacked_in_the_other_is_refused(
    tmp_path: Path,
) -> None:
    first = source(tmp_path, "one")
    (tmp_path / "other.nii").write_bytes(gzip.decompress((tmp_path / "one.nii.gz").read_bytes()))
    second = first.model_copy(update={"image": Path("other.nii")})

    with pytest.raises(ConfigError, match=r"other\.nii: .* one\.nii\.gz .*image content"):
        check_splits({"learned from": [first], "left out": [second]}, tmp_path)


def test_a_packed_image_that_is_cut_off_is_left_to_the_reader(tmp_path: Path) -> None:
    first, second = source(tmp_path, "one"), source(tmp_path, "other", site="b")
    path = tmp_path / "one.nii.gz"
    path.write_bytes(path.read_bytes()[:-20])

    check_splits({"learned from": [first], "left out": [second]}, tmp_path)


def test_a_label_in_two_splits_is_refused(tmp_path: Path) -> None:
    scan(tmp_path, "labels")
    first = source(tmp_path, "one", gm="labels.nii.gz")
    second = source(tmp_path, "other", site="b", cord=["labels.nii.gz"])

    with pytest.raises(ConfigError, match=r"^labels\.nii\.gz: .*\(label content\)"):
        check_splits({"learned from": [first], "left out": [second]}, tmp_path)


def labeled_set(root: Path, subject: str) -> Path:
    """Write a BIDS folder of one scan with its gray matter; no two have the same content."""
    anat = root / subject / "anat"
    drawn = root / "derivatives" / "labels" / subject / "anat"
    for folder, ending in ((anat, "T2starw"), (drawn, "T2starw_gmseg-manual")):
        scan(folder, f"{subject}_run-1_{ending}")
    return root


def test_a_subject_of_a_data_set_is_that_of_a_source_with_a_session_in_its_name(
    tmp_path: Path,
) -> None:
    labeled_set(tmp_path / "set", "sub-01Ses1")
    other = source(tmp_path, "set/sub-01Ses2/anat/sub-01Ses2_run-2_T2starw", site="b")
    kept = dataset_sources(read_dataset(tmp_path / "set"))

    with pytest.raises(ConfigError, match=r"Ses2_run-2.*\(subject sub-01\), but one is learned"):
        check_splits({"learned from": kept, "kept apart": [other]}, tmp_path)


@pytest.mark.parametrize("head", ["image,gm", "image,gm,subject"])
def test_a_subject_of_a_table_is_that_of_the_data_set_that_it_lists(
    tmp_path: Path, head: str
) -> None:
    labeled_set(tmp_path / "set", "sub-01")
    image = scan(tmp_path, "set/sub-01/anat/sub-01_run-22_T2starw")
    gm = scan(tmp_path, "gray")
    path = tmp_path / "list.csv"
    path.write_text(f"{head}\n{image},{gm}{',01' if 'subject' in head else ''}\n", encoding="utf-8")
    kept, other = (dataset_sources(read_dataset(each)) for each in (tmp_path / "set", path))

    with pytest.raises(ConfigError, match=r"run-22.*\(subject sub-01\)"):
        check_splits({"learned from": kept, "kept apart": other}, tmp_path)


def test_data_sets_in_folders_of_one_name_have_people_and_sites_of_their_own(
    tmp_path: Path,
) -> None:
    for hospital, subject in (("one", "sub-01"), ("two", "sub-01")):
        labeled_set(tmp_path / hospital / "bids", subject)
        voxels = cord_voxels(4 if hospital == "one" else 5)
        for path in (tmp_path / hospital).rglob("*.nii.gz"):
            save_scan(path, voxels + len(path.name))
    sets = [{"path": f"{hospital}/bids"} for hospital in ("one", "two")]

    config = TrainConfig.model_validate({"dataset": sets}).expanded(tmp_path)

    first, second = config.source
    assert (first.site, second.site) == ("one-bids", "two-bids")
    check_splits({"learned from": [first], "kept apart": [second]}, tmp_path)


def test_subjects_of_one_name_in_two_data_sets_are_two(tmp_path: Path) -> None:
    first = source(tmp_path, "x/sub-01/anat/sub-01_T2starw")
    second = source(tmp_path, "other/sub-01/anat/sub-01_T2starw", site="b")

    check_splits({"learned from": [first], "left out": [second]}, tmp_path)


def stack(tmp_path: Path, **changes: object) -> LabeledStack:
    values = torch.from_numpy(cord_voxels(2).transpose(2, 1, 0).copy())
    made = LabeledStack(
        source=source(tmp_path, "scan", gm="gm.nii.gz", cord=["cord.nii.gz"]),
        image=values,
        gm=(values == 2).float(),
        cord=(values > 0).float(),
        spacing_mm=(5.0, 0.5, 0.5),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def test_labels_that_make_sense_pass(tmp_path: Path) -> None:
    check_labels(stack(tmp_path))


def test_a_share_of_one_half_is_cord(tmp_path: Path) -> None:
    made = stack(tmp_path)
    assert made.cord is not None

    check_labels(replace(made, cord=made.cord / 2))


def test_an_empty_label_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"gm\.nii\.gz: no voxel of it is gray matter"):
        check_labels(stack(tmp_path, gm=torch.zeros(2, 50, 60)))


def test_a_cord_of_impossible_size_is_refused(tmp_path: Path) -> None:
    """80 mm2 at 0.5 mm are 80 * 16 = 1280 mm2 at 2 mm."""
    with pytest.raises(ConfigError, match="1280 mm2 in the middle"):
        check_labels(stack(tmp_path, spacing_mm=(5.0, 2.0, 2.0)))


def test_gray_matter_outside_of_the_cord_is_refused(tmp_path: Path) -> None:
    made = stack(tmp_path)
    assert made.gm is not None

    with pytest.raises(ConfigError, match="100% of its gray matter lies outside"):
        check_labels(replace(made, gm=made.gm.roll(20, 1)))


@pytest.mark.parametrize("axes", ["LPI", "PIR", "SLA"])
def test_a_label_on_the_same_voxels_in_another_order_of_axes_is_learned_alike(
    tmp_path: Path, axes: str
) -> None:
    voxels = cord_voxels(3)
    save_scan(tmp_path / "scan.nii.gz", voxels)
    for name, order in (("same", "RAS"), ("turned", axes)):
        save_scan(tmp_path / f"gm-{name}.nii.gz", (voxels == 2).astype(np.float32), order)
        save_scan(tmp_path / f"cord-{name}.nii.gz", (voxels > 0).astype(np.float32), order)
    same, turned = (
        read_source(
            Source.model_validate(
                {
                    "site": "a",
                    "image": "scan.nii.gz",
                    "gm": f"gm-{name}.nii.gz",
                    "cord": [f"cord-{name}.nii.gz"],
                }
            ),
            tmp_path,
        )
        for name in ("same", "turned")
    )

    assert same.gm is not None
    assert same.cord is not None
    assert turned.gm is not None
    assert turned.cord is not None
    assert float(same.gm.sum()) == 3 * 32
    assert torch.equal(same.gm, turned.gm)
    assert torch.equal(same.cord, turned.cord)


def test_numbers_that_are_no_shares_are_refused(tmp_path: Path) -> None:
    given = source(tmp_path, "scan", gm="scan.nii.gz", cord=["scan.nii.gz"])

    with pytest.raises(ConfigError, match=r"run from -0.02\d* to 4.*gm_values"):
        read_source(given, tmp_path)


def test_numbers_that_are_named_are_the_tissue(tmp_path: Path) -> None:
    given = source(
        tmp_path, "scan", gm="scan.nii.gz", cord=["scan.nii.gz"], gm_values=[2], cord_values=[1, 2]
    )

    read = read_source(given, tmp_path)

    assert read.gm is not None
    assert read.cord is not None
    assert (int(read.gm.sum()), int(read.cord.sum())) == (3 * 32, 3 * 320)


def test_a_challenge_set_becomes_sources_one_for_each_rater(tmp_path: Path) -> None:
    """In the challenge's masks 1 is gray matter and 2 white matter."""
    voxels = cord_voxels(3)
    save_scan(tmp_path / "site1-sc01-image.nii.gz", voxels)
    mask = voxels.copy()
    mask[voxels == 1], mask[voxels == 2] = 2, 1
    for rater in (1, 2):
        save_scan(tmp_path / f"site1-sc01-mask-r{rater}.nii.gz", mask)

    sources = dataset_sources(read_dataset(tmp_path), weight=3)

    assert [(each.weight, each.rater) for each in sources] == [(1.5, "r1"), (1.5, "r2")]
    read = read_source(sources[0], Path())
    assert read.gm is not None
    assert read.cord is not None
    assert (int(read.gm.sum()), int(read.cord.sum())) == (3 * 32, 3 * 320)
    assert {subject_of(each, Path()) for each in sources} == {f"{tmp_path}/site1-sc01"}


def table(folder: Path, head: str, row: str) -> Path:
    """Write a table of one image, beside a label map with 1 for white and 2 for gray matter."""
    save_scan(folder / "scan.nii.gz", cord_voxels(3))
    save_scan(folder / "labels.nii.gz", np.rint(cord_voxels(3)).clip(0, 2))
    path = folder / "set.csv"
    path.write_text(f"image,gm,{head}\nscan.nii.gz,labels.nii.gz,{row}\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("head", "row"),
    [("gm_value,wm,wm_value", "2,labels.nii.gz,1"), ("gm_value,cord", "2,cord.nii.gz")],
)
def test_labels_that_a_table_names_are_the_tissues(tmp_path: Path, head: str, row: str) -> None:
    save_scan(tmp_path / "cord.nii.gz", (np.rint(cord_voxels(3)) > 0).astype(np.float32))

    (given,) = dataset_sources(read_dataset(table(tmp_path, head, row)))

    read = read_source(given, Path())
    assert read.gm is not None
    assert read.cord is not None
    assert int(read.gm.sum()) == 3 * 32
    assert int(read.cord.sum()) == 3 * 320


def test_a_label_map_in_a_table_is_refused_with_the_columns_that_name_its_labels(
    tmp_path: Path,
) -> None:
    (given,) = dataset_sources(read_dataset(table(tmp_path, "site", "a")))

    with pytest.raises(ConfigError, match=r"labels\.nii\.gz: its values run.* columns gm_value"):
        read_source(given, Path())


def test_gray_and_white_matter_with_labels_in_two_files_need_a_cord(tmp_path: Path) -> None:
    save_scan(tmp_path / "wm.nii.gz", cord_voxels(3))
    path = table(tmp_path, "gm_value,wm", "2,wm.nii.gz")

    with pytest.raises(
        ConfigError, match=r"wm\.nii\.gz: gray matter has the label 2 .*column cord"
    ):
        dataset_sources(read_dataset(path))


def test_a_set_that_nobody_drew_on_is_refused(tmp_path: Path) -> None:
    scan(tmp_path, "sub-01/anat/sub-01_T2starw")

    with pytest.raises(ConfigError, match="no image of it has gray matter or cord"):
        dataset_sources(read_dataset(tmp_path))
