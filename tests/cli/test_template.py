"""``scgm template`` from the command line."""

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from scgm.errors import ImageReadError
from scgm.registration.files import read_saved
from tests.helpers.bent_cords import COARSE, FINE, bent_cord
from tests.helpers.drawn_shapes import Grid
from tests.helpers.standin import Ended, run_scgm, save_scan, turned, write_model

SMALL = Grid((56, 46, 4), (0.5, 0.5, 3.0))


def save(path: Path, grid: Grid, values: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> Path:
    path.parent.mkdir(exist_ok=True)
    nib.Nifti1Image(values.astype(np.float32), grid.affine).to_filename(path)
    return path


def save_cord(folder: Path, name: str, grid: Grid, bent_mm: float = 0) -> None:
    cord = bent_cord(grid, bent_mm)
    save(folder / f"{name}_gm.nii.gz", grid, cord.native("GM"))
    save(folder / f"{name}_cord.nii.gz", grid, cord.native("SC"))


def values(path: Path) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.asarray(nib.load(path).dataobj, np.float32)


def given_values(path: Path) -> set[float]:
    """Return the different values of a map."""
    found = values(path)
    return set(found[~np.isnan(found)].tolist())


def flat(number: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Return a map of one value."""
    return np.full(SMALL.shape, float(number))


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Write a template and a cord to a folder."""
    save_cord(tmp_path / "straight", "straight", SMALL)
    save_cord(tmp_path, "one", SMALL)
    return tmp_path


def warp(
    capsys: pytest.CaptureFixture[str], files: Path, out: str, *more: object, name: str = "one"
) -> Ended:
    masks = ("--gm", files / f"{name}_gm.nii.gz", "--cord", files / f"{name}_cord.nii.gz")
    space = () if "--template" in more else ("--template", files / "straight")
    return run_scgm(capsys, "template", "warp", *masks, *space, "-o", files / out, *more)


def test_a_cord_is_laid_on_a_template(capsys: pytest.CaptureFixture[str], files: Path) -> None:
    number = save(files / "number.nii.gz", SMALL, flat(7))
    ended = warp(capsys, files, "out", "--map", number)
    record = json.loads((files / "out" / "one_gm_template.json").read_text(encoding="utf-8"))

    assert ended.status == 0
    assert "Dice" in ended.out
    assert "no levels are known" in ended.err
    assert sorted(path.name for path in (files / "out").iterdir() if path.name[0] != ".") == [
        "one_gm_cord_in-template.nii.gz",
        "one_gm_gm_in-template.nii.gz",
        "one_gm_number_in-template.nii.gz",
        "one_gm_template.json",
        "one_gm_to-image.nii.gz",
        "one_gm_to-template.nii.gz",
    ]
    assert record["scores"]["gm"]["dice"] == 1
    assert given_values(files / "out" / "one_gm_number_in-template.nii.gz") == {7}
    assert record["in_template"]["gm"] == "one_gm_gm_in-template.nii.gz"


def test_the_template_and_its_labels_come_back(
    capsys: pytest.CaptureFixture[str], files: Path
) -> None:
    sides = np.where(np.indices(SMALL.shape)[0] < SMALL.shape[0] // 2, 1, 2)
    labels = save(files / "sides.nii.gz", SMALL, sides)
    ended = warp(capsys, files, "out", "--back", "--labels", labels)
    again = run_scgm(
        capsys,
        *("template", "apply", files / "out" / "one_gm_template.json", "--labels", labels),
        *("--back", "-o", files / "later"),
    )
    there = values(files / "out" / "one_gm_sides_in-image.nii.gz")
    later = values(files / "later" / "one_gm_sides_in-image.nii.gz")
    gm = values(files / "out" / "one_gm_template-gm_in-image.nii.gz")

    assert (ended.status, again.status) == (0, 0)
    assert np.array_equal(there[there > 0], sides[there > 0])
    assert np.array_equal(there, later)
    assert np.array_equal(gm > 0.5, bent_cord(SMALL).native("GM") > 0.5)


def test_the_group_map_of_identical_masks_is_the_mask(
    capsys: pytest.CaptureFixture[str], files: Path
) -> None:
    for name in ("two", "three"):
        save_cord(files, name, SMALL)
    for name in ("one", "two", "three"):
        assert warp(capsys, files, "out", name=name).status == 0
    ended = run_scgm(capsys, "template", "group", files / "out", "-o", files / "maps")

    assert ended.status == 0
    assert values(files / "maps" / "group_gm_mean.nii.gz") == pytest.approx(
        bent_cord(SMALL).native("GM"), abs=1e-3
    )
    assert (values(files / "maps" / "group_gm_count.nii.gz") == 3).all()


@pytest.mark.slow
def test_a_t_map_is_that_on_paper(capsys: pytest.CaptureFixture[str], files: Path) -> None:
    """Groups 1, 3 and 6, 10: means 2 and 8, variances 2 and 8: t is -6 / sqrt(1 + 4)."""
    groups = {"a": {"one": 1.0, "two": 3.0}, "b": {"three": 6.0, "four": 10.0}}
    for folder, members in groups.items():
        for name, number in members.items():
            save_cord(files, name, SMALL)
            given = save(files / name / "number.nii.gz", SMALL, flat(number))
            assert warp(capsys, files, folder, "--map", given, name=name).status == 0
    ended = run_scgm(
        capsys,
        *("template", "group", files / "a", "--against", files / "b", "--map", "number"),
        *("-o", files / "maps"),
    )
    t, freedom, mean = (
        values(files / "maps" / f"group_number_{what}.nii.gz") for what in ("t", "t_df", "mean")
    )
    cord = bent_cord(SMALL).native("SC") > 0.5

    assert ended.status == 0
    assert t[cord] == pytest.approx(-6 / np.sqrt(5), abs=1e-3)
    assert freedom[cord] == pytest.approx(25 / 17, abs=1e-3)  # (1 + 4)^2 / (1 + 16)
    assert mean[cord] == pytest.approx(2, abs=1e-3)
    assert np.isnan(t[~cord]).all()


def test_another_time_point_serves_as_template(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    model = write_model(tmp_path)
    for name in ("first", "second"):
        scan = save_scan(tmp_path / f"{name}.nii.gz")
        assert (
            run_scgm(capsys, "segment", scan, "--model", model, "-o", tmp_path / name).status == 0
        )
    first, second = (tmp_path / name / f"{name}_seg.json" for name in ("first", "second"))
    ended = run_scgm(
        capsys, "template", "warp", second, "--template", first, "-o", tmp_path / "out"
    )
    brought = values(tmp_path / "out" / "second_gm_in-template.nii.gz") > 0.5

    assert ended.status == 0
    assert brought.any()
    assert np.array_equal(brought, values(tmp_path / "first" / "first_label-GM_seg.nii.gz") > 0.5)


def test_a_mask_alone_is_no_template(capsys: pytest.CaptureFixture[str], files: Path) -> None:
    ended = warp(capsys, files, "out", "--template", files / "one_gm.nii.gz")

    assert (ended.status, ended.out) == (1, "")
    assert "belongs to no result of scgm" in ended.err


def test_itk_reads_the_saved_field(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Other programs of its convention bring the mask to the same place."""
    itk = pytest.importorskip("SimpleITK")
    save_cord(tmp_path / "straight", "straight", SMALL)
    save_cord(tmp_path, "one", SMALL, 0.8)
    assert warp(capsys, tmp_path, "out").status == 0
    ours = tmp_path / "out" / "one_gm_cord_in-template.nii.gz"
    saved = itk.ReadImage(str(tmp_path / "out" / "one_gm_to-template.nii.gz"))
    field = itk.DisplacementFieldTransform(itk.Cast(saved, itk.sitkVectorFloat64))
    image = itk.ReadImage(str(tmp_path / "one_cord.nii.gz"))
    moved = itk.Resample(image, itk.ReadImage(str(ours)), field, itk.sitkLinear, 0.0)
    theirs = itk.GetArrayFromImage(moved).T
    same = np.abs(theirs - values(ours)) < 0.01

    # The end slices are left out: rounding puts some of their places just outside of the image.
    assert same[:, :, 1:-1].mean() > 0.999
    assert (theirs > 0.5).sum() > 0.9 * 0.5 * (values(ours) > 0.5).sum()


@pytest.mark.slow
@pytest.mark.parametrize("axes", ["LPI", "SRA", "PIR"])
def test_the_order_of_the_axes_in_files_does_not_matter(
    capsys: pytest.CaptureFixture[str], files: Path, axes: str
) -> None:
    """Images and templates that are stored in another order lie at the same place."""
    save_cord(files, "bent", SMALL, 0.8)
    assert warp(capsys, files, "plain", name="bent").status == 0
    for what in ("bent_gm", "bent_cord", "straight/straight_gm", "straight/straight_cord"):
        path = files / f"{what}.nii.gz"
        image = turned(nib.load(path), axes)
        nib.Nifti1Image(np.array(image.dataobj), image.affine).to_filename(path)
    assert warp(capsys, files, "turned", "--back", name="bent").status == 0
    brought, other = (
        turned(nib.load(files / out / "bent_gm_gm_in-template.nii.gz"), "RAS").get_fdata()
        for out in ("plain", "turned")
    )
    back = nib.load(files / "turned" / "bent_gm_template-gm_in-image.nii.gz").get_fdata()
    drawn = nib.load(files / "bent_gm.nii.gz").get_fdata()

    assert other == pytest.approx(brought, abs=0.02)
    assert 2 * (back * drawn > 0.5).sum() > 0.75 * ((back > 0.5).sum() + drawn.sum())


@pytest.mark.slow
def test_nobody_differs_so_there_is_no_t(capsys: pytest.CaptureFixture[str], files: Path) -> None:
    for folder in ("a", "b"):
        for name in ("two", "three"):
            save_cord(files, name, SMALL)
            assert warp(capsys, files, folder, name=name).status == 0
    both = ("template", "group", files / "a", "--against", files / "b", "-o", files / "maps")

    assert run_scgm(capsys, *both).status == 0
    assert np.isnan(values(files / "maps" / "group_gm_t.nii.gz")).all()


def test_two_templates_make_no_group(capsys: pytest.CaptureFixture[str], files: Path) -> None:
    save_cord(files / "other", "other", COARSE)
    one = warp(capsys, files, "a")
    two = warp(capsys, files, "b", "--template", files / "other")
    ended = run_scgm(capsys, "template", "group", files / "a", files / "b", "-o", files / "maps")
    against = run_scgm(
        capsys,
        *("template", "group", files / "a", "--against", files / "b", "-o", files / "maps"),
    )

    assert (one.status, two.status, ended.status, against.status) == (0, 0, 1, 1)
    assert "it lies on another template than" in ended.err
    assert "it lies on another template than" in against.err
    assert not (files / "maps" / "group_gm_mean.nii.gz").exists()


def test_two_templates_of_one_grid_make_no_group(
    capsys: pytest.CaptureFixture[str], files: Path
) -> None:
    """The same template from another folder is the same one."""
    save_cord(files / "bent", "bent", SMALL, 0.8)
    save_cord(files / "copy", "copy", SMALL)
    assert warp(capsys, files, "a").status == 0
    assert warp(capsys, files, "b", "--template", files / "bent").status == 0
    assert warp(capsys, files, "c", "--template", files / "copy").status == 0
    group = ("template", "group", files / "a")
    other = run_scgm(capsys, *group, files / "b", "-o", files / "maps")
    same = run_scgm(capsys, *group, files / "c", "-o", files / "maps")

    assert (other.status, same.status) == (1, 0)
    assert "b/one_gm: it lies on another template than" in other.err


def test_a_record_that_does_not_tell_the_template_makes_no_group(
    capsys: pytest.CaptureFixture[str], files: Path
) -> None:
    assert warp(capsys, files, "out").status == 0
    record = files / "out" / "one_gm_template.json"
    content = json.loads(record.read_text(encoding="utf-8"))
    del content["template_sha256"]
    record.write_text(json.dumps(content), encoding="utf-8")
    ended = run_scgm(capsys, "template", "group", record, "-o", files / "maps")

    assert ended.status == 1
    assert "its record does not tell which template it lies on; run 'scgm temp" in ended.err


def test_nothing_is_overwritten(capsys: pytest.CaptureFixture[str], files: Path) -> None:
    assert warp(capsys, files, "out").status == 0
    before = (files / "out" / "one_gm_template.json").read_bytes()
    again = warp(capsys, files, "out")
    replaced = warp(capsys, files, "out", "--overwrite")

    assert again.status == 1
    assert "it exists already" in again.err
    assert replaced.status == 0
    assert (files / "out" / "one_gm_template.json").read_bytes() == before


def test_what_cannot_be_a_template_is_refused(
    capsys: pytest.CaptureFixture[str], files: Path
) -> None:
    (files / "nothing").mkdir()
    (files / "straight" / "straight_cord.nii.gz").unlink()
    missing = warp(capsys, files, "out", "--template", files / "nowhere")
    empty = warp(capsys, files, "out", "--template", files / "nothing")
    no_cord = warp(capsys, files, "out")

    assert [each.status for each in (missing, empty, no_cord)] == [1, 1, 1]
    assert "there is no such folder, and no downloaded template" in missing.err
    assert "this template has no gray matter; put NAME_gm.nii.gz there" in empty.err
    assert "this template has no cord; put NAME_cord.nii.gz or NAME_sc.nii.gz" in no_cord.err
    assert not (files / "out").exists()


def test_files_on_another_grid_are_refused(capsys: pytest.CaptureFixture[str], files: Path) -> None:
    other = save(files / "other.nii.gz", COARSE, np.indices(COARSE.shape)[0])
    fine = save(files / "straight" / "straight_cord.nii.gz", FINE, bent_cord(FINE).native("SC"))
    of_template = warp(capsys, files, "out")
    save(fine, SMALL, bent_cord(SMALL).native("SC"))
    of_map = warp(capsys, files, "out", "--map", other)

    assert (of_template.status, of_map.status) == (1, 1)
    assert "its grid has the shape" in of_template.err
    assert "other.nii.gz: its grid has the shape (60, 50, 4)" in of_map.err
    assert not (files / "out").exists()


def test_labels_must_be_whole_numbers(capsys: pytest.CaptureFixture[str], files: Path) -> None:
    half = save(files / "half.nii.gz", SMALL, np.full(SMALL.shape, 0.5))
    ended = warp(capsys, files, "out", "--labels", half)

    assert ended.status == 1
    assert "its values are no whole numbers, so no labels; use --map" in ended.err


def test_a_map_with_gaps_is_brought_with_a_warning(
    capsys: pytest.CaptureFixture[str], files: Path
) -> None:
    """Ratios are infinite where their divisor is 0, as around the body."""
    ratio = flat(7)
    ratio[1:4] = np.inf
    given = save(files / "ratio.nii.gz", SMALL, ratio)
    ended = warp(capsys, files, "out", "--map", given)

    assert ended.status == 0
    assert "ratio.nii.gz: " in ended.err
    assert given_values(files / "out" / "one_gm_ratio_in-template.nii.gz") == {7}


def test_a_map_without_a_lesion_is_brought(capsys: pytest.CaptureFixture[str], files: Path) -> None:
    given = save(files / "lesions.nii.gz", SMALL, flat(0))
    ended = warp(capsys, files, "out", "--map", given)

    assert ended.status == 0
    assert given_values(files / "out" / "one_gm_lesions_in-template.nii.gz") == {0}


def test_a_group_counts_only_people_with_a_value(
    capsys: pytest.CaptureFixture[str], files: Path
) -> None:
    """40 within the cords, nothing around them, and nothing in slice 1 of one of two people."""
    save_cord(files, "two", SMALL)
    cord = bent_cord(SMALL).native("SC") > 0.5
    for name in ("one", "two"):
        given = np.where(cord, 40, np.nan)
        if name == "two":
            given[:, :, 1] = np.nan
        path = save(files / name / "mtr.nii.gz", SMALL, given)
        assert warp(capsys, files, "out", "--map", path, name=name).status == 0
    ended = run_scgm(
        capsys, "template", "group", files / "out", "--map", "mtr", "-o", files / "maps"
    )
    mean, count = (
        values(files / "maps" / f"group_mtr_{what}.nii.gz") for what in ("mean", "count")
    )
    people = np.broadcast_to((2, 1, 2, 2), SMALL.shape)

    assert ended.status == 0
    assert mean[cord] == pytest.approx(40, abs=1e-4)
    assert np.array_equal(count, np.where(cord, people, 0))
    assert np.isnan(mean[~cord]).all()
    assert np.isnan(values(files / "out" / "two_gm_mtr_in-template.nii.gz")[:, :, 1]).all()


def test_a_map_comes_back_with_its_gaps(capsys: pytest.CaptureFixture[str], files: Path) -> None:
    cord = bent_cord(SMALL).native("SC") > 0.5
    given = save(files / "atlas.nii.gz", SMALL, np.where(cord, 40, np.nan))
    ended = warp(capsys, files, "out", "--back", "--map", given)
    back = values(files / "out" / "one_gm_atlas_in-image.nii.gz")

    assert ended.status == 0
    assert back[cord] == pytest.approx(40, abs=1e-4)
    assert np.isnan(back[~cord]).all()


def test_gaps_of_a_map_in_another_order_of_axes_stay_at_their_place(
    capsys: pytest.CaptureFixture[str], files: Path
) -> None:
    cord = bent_cord(SMALL).native("SC") > 0.5
    given = save(files / "mtr.nii.gz", SMALL, np.where(cord, 40, np.nan))
    image = turned(nib.load(given), "PIR")
    nib.Nifti1Image(np.array(image.dataobj), image.affine).to_filename(given)
    ended = warp(capsys, files, "out", "--map", given)
    brought = values(files / "out" / "one_gm_mtr_in-template.nii.gz")

    assert ended.status == 0
    assert np.array_equal(~np.isnan(brought), cord)


def test_gray_matter_that_was_not_drawn_does_not_count(
    capsys: pytest.CaptureFixture[str], files: Path
) -> None:
    """Of two people, one has no gray matter in slice 2, but a cord."""
    save_cord(files, "two", SMALL)
    drawn = bent_cord(SMALL).native("GM")
    less = drawn.copy()
    less[:, :, 2] = 0
    save(files / "two_gm.nii.gz", SMALL, less)
    for name in ("one", "two"):
        assert warp(capsys, files, "out", name=name).status == 0
    for what in ("gm", "cord"):
        ended = run_scgm(
            capsys, "template", "group", files / "out", "--map", what, "-o", files / "maps"
        )
        assert ended.status == 0
    of_gm, of_cord = (
        values(files / "maps" / f"group_{what}_count.nii.gz") for what in ("gm", "cord")
    )
    record = json.loads((files / "out" / "two_gm_template.json").read_text(encoding="utf-8"))

    assert values(files / "maps" / "group_gm_mean.nii.gz") == pytest.approx(drawn, abs=1e-3)
    assert np.array_equal(of_gm, np.broadcast_to((2, 2, 1, 2), SMALL.shape))
    assert (of_cord == 2).all()
    assert record["scores"]["gm"]["dice"] == 1


@pytest.mark.parametrize("name", ["gm", "cord", "GM", "template-gm", "template-cord"])
def test_a_map_never_takes_the_place_of_gray_matter_or_cord(
    capsys: pytest.CaptureFixture[str], files: Path, name: str
) -> None:
    given = save(files / "maps" / f"{name}.nii.gz", SMALL, flat(7))
    ended = warp(capsys, files, "out", "--map", given, "--back")

    assert ended.status == 2
    assert f"{name}.nii.gz: gm, cord, template-gm, template-cord are names of files" in ended.err
    assert not (files / "out").exists()


def test_gray_matter_is_not_replaced_later(capsys: pytest.CaptureFixture[str], files: Path) -> None:
    assert warp(capsys, files, "out").status == 0
    before = (files / "out" / "one_gm_gm_in-template.nii.gz").read_bytes()
    given = save(files / "maps" / "gm.nii.gz", SMALL, flat(7))
    record = files / "out" / "one_gm_template.json"
    ended = run_scgm(
        capsys,
        *("template", "apply", record, "--map", given, "-o", files / "out", "--overwrite"),
    )

    assert ended.status == 2
    assert (files / "out" / "one_gm_gm_in-template.nii.gz").read_bytes() == before


def test_a_group_finds_maps_that_were_brought_later(
    capsys: pytest.CaptureFixture[str], files: Path
) -> None:
    assert warp(capsys, files, "out").status == 0
    given = save(files / "number.nii.gz", SMALL, flat(7))
    record = files / "out" / "one_gm_template.json"
    later = ("template", "apply", record, "--map", given, "-o", files / "out")
    group = ("template", "group", files / "out", "--map", "number", "-o", files / "maps")
    too_early = run_scgm(capsys, *group)
    ended, again, replaced = (
        run_scgm(capsys, *later, *more) for more in ((), (), ("--overwrite",))
    )
    of_group = run_scgm(capsys, *group)
    anew = warp(capsys, files, "out", "--overwrite")
    without_it = run_scgm(capsys, *group, "--overwrite")

    assert "it has no map 'number'; known: cord, gm; bring it along with" in too_early.err
    assert [ended.status, again.status, replaced.status, of_group.status] == [0, 1, 0, 0]
    assert "it exists already" in again.err
    assert given_values(files / "maps" / "group_number_mean.nii.gz") == {7}
    # A new registration does not know what was brought along the old one.
    assert (anew.status, without_it.status) == (0, 1)


def test_maps_that_were_brought_later_are_replaced_with_the_registration(
    capsys: pytest.CaptureFixture[str], files: Path
) -> None:
    assert warp(capsys, files, "out").status == 0
    given = save(files / "number.nii.gz", SMALL, flat(7))
    record = files / "out" / "one_gm_template.json"
    for back in ((), ("--back",)):
        later = ("template", "apply", record, "--map", given, "-o", files / "out", *back)
        assert run_scgm(capsys, *later).status == 0
    listed = json.loads(record.read_text(encoding="utf-8"))["in_template"]
    save(given, SMALL, flat(8))

    assert listed["number"] == "one_gm_number_in-template.nii.gz"
    assert warp(capsys, files, "out", "--map", given, "--overwrite").status == 0
    assert given_values(files / "out" / "one_gm_number_in-template.nii.gz") == {8}


def test_what_is_odd_about_a_map_is_told_later_too(
    capsys: pytest.CaptureFixture[str], files: Path
) -> None:
    ratio = flat(7)
    ratio[1:4] = np.inf
    given = save(files / "ratio.nii.gz", SMALL, ratio)
    assert warp(capsys, files, "out").status == 0
    record = files / "out" / "one_gm_template.json"
    before = record.read_bytes()
    ended = run_scgm(capsys, "template", "apply", record, "--map", given, "-o", files / "more")

    assert ended.status == 0
    assert "ratio.nii.gz: 552 voxels are NaN or infinite, taken as outside" in ended.err
    assert record.read_bytes() == before


def test_a_map_that_lies_a_little_beside_the_image_is_taken_with_a_warning(
    capsys: pytest.CaptureFixture[str], files: Path
) -> None:
    moved = SMALL.affine.copy()
    moved[0, 3] += 0.1  # a fifth of a voxel
    given = files / "number.nii.gz"
    nib.Nifti1Image(flat(7).astype(np.float32), moved).to_filename(given)
    at_once = warp(capsys, files, "out", "--map", given)
    record = files / "out" / "one_gm_template.json"
    later = run_scgm(capsys, "template", "apply", record, "--map", given, "-o", files / "more")

    for ended in (at_once, later):
        assert ended.status == 0
        assert "number.nii.gz: its voxels lie up to 0.1 mm from those of the image" in ended.err


def test_groups_that_cannot_be_are_refused(capsys: pytest.CaptureFixture[str], files: Path) -> None:
    assert warp(capsys, files, "out").status == 0
    record = files / "out" / "one_gm_template.json"
    out = ("-o", files / "maps")
    twice = run_scgm(capsys, "template", "group", record, record, *out)
    in_both = run_scgm(capsys, "template", "group", record, "--against", record, *out)
    unknown = run_scgm(capsys, "template", "group", record, "--map", "mtr", *out)
    nothing = run_scgm(capsys, "template", "group", files / "straight", *out)

    assert (twice.status, unknown.status, nothing.status) == (2, 1, 1)
    assert "a result is named twice" in twice.err
    assert "a result is named twice" in in_both.err
    assert not (files / "maps").exists()
    assert "it has no map 'mtr'; known: cord, gm" in unknown.err
    assert "it holds no result of scgm template warp" in nothing.err


@pytest.mark.parametrize("content", ["", "{}", '{"kind": "scgm template"}', "[1]"])
def test_a_damaged_record_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "one_template.json"
    path.write_text(content, encoding="utf-8")

    with pytest.raises(ImageReadError, match="this is no record of scgm template warp"):
        read_saved(path)


@pytest.mark.parametrize("maps", [None, 3, ["gm"]])
def test_a_record_whose_list_of_maps_is_damaged_is_refused(
    capsys: pytest.CaptureFixture[str], files: Path, maps: object
) -> None:
    warp(capsys, files, "out")
    path = files / "out" / "one_gm_template.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(record | {"in_template": maps}), encoding="utf-8")

    with pytest.raises(ImageReadError, match="this is no record of scgm template warp"):
        read_saved(path)
