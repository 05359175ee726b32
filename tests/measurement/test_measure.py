"""Phantoms whose numbers are known on paper: oblique, rotated, asymmetric, in any orientation."""

from itertools import permutations, product

import nibabel as nib
import numpy as np
import pytest

from scgm.image.volume import Geometry, Volume
from scgm.measurement.masks import structures_from_masks
from scgm.measurement.measure import measure
from scgm.measurement.options import MeasureOptions
from scgm.measurement.rows import Cell
from scgm.phantom import Acquisition, make_phantom
from tests.helpers.drawn_shapes import BAR, CORD, GRAY, HORNS, Ellipse, Grid, shrunk
from tests.helpers.standin import turned

PARTS = ("left", "right", "anterior", "posterior", *HORNS)
ORIENTATIONS = sorted(
    "".join(axes) for ends in product("RL", "AP", "SI") for axes in permutations(ends)
)


def rows_of(
    grid: Grid, gray: tuple[Ellipse, ...] = GRAY, **choices: object
) -> dict[str, list[dict[str, Cell]]]:
    """Measure a cord on a grid; return the rows by label."""
    gm, cord = grid.volume(grid.mask(gray)), grid.volume(grid.mask([CORD]))
    table = measure(
        structures_from_masks("phantom", gm, cord),
        None,
        MeasureOptions(**choices),  # type: ignore[arg-type]
    )
    return {label: [row for row in table if row["label"] == label] for label in ("GM", "WM", "SC")}


def number(row: dict[str, Cell], name: str) -> float:
    value = row[name]
    assert isinstance(value, float)
    return value


def test_a_straight_cord_has_the_areas_it_was_drawn_with() -> None:
    rows = rows_of(Grid(size=(0.1, 0.1, 5.0), shape=(160, 110, 2)))
    gray = sum(each.area for each in GRAY)
    gm, wm, cord = (rows[label][0] for label in ("GM", "WM", "SC"))

    assert number(cord, "area_mm2") == pytest.approx(CORD.area, rel=0.005)
    assert number(gm, "area_mm2") == pytest.approx(gray, rel=0.02)
    assert number(wm, "area_mm2") == pytest.approx(CORD.area - gray, rel=0.01)
    assert number(gm, "gm_cord_ratio") == pytest.approx(gray / CORD.area, rel=0.02)
    assert number(cord, "diameter_rl_mm") == pytest.approx(13, rel=0.01)
    assert number(cord, "diameter_ap_mm") == pytest.approx(8, rel=0.01)
    assert number(cord, "angle_deg") == pytest.approx(0, abs=0.1)
    assert number(cord, "volume_mm3") == pytest.approx(5 * number(cord, "area_mm2"))


@pytest.mark.parametrize("turn_deg", [0, 20, -27.5])
def test_the_parts_are_those_of_the_cords_own_frame(turn_deg: float) -> None:
    """The same cord, rotated in the slice, has the same parts."""
    gm = rows_of(Grid(size=(0.1, 0.1, 5.0), shape=(160, 160, 1), turn_deg=turn_deg))["GM"][0]

    assert number(gm, "axis_deg") == pytest.approx(turn_deg, abs=0.7)
    for name, horn in HORNS.items():
        expected = horn.area + BAR.area / 4
        assert number(gm, f"{name}_mm2") == pytest.approx(expected, rel=0.03), name
    assert number(gm, "asymmetry_percent") == pytest.approx(0, abs=1.5)
    assert number(gm, "commissure_mm") == pytest.approx(0.8, abs=0.1)


@pytest.mark.parametrize("turn_deg", [0, 20])
@pytest.mark.parametrize("side", ["left", "right"])
def test_a_horn_that_is_shrunk_by_a_fifth_is_seen(side: str, turn_deg: float) -> None:
    """0.8 of one horn and 1 of the other; each side has a quarter of the bar between them, too."""
    horns = [
        shrunk(horn, 0.2) if name == f"anterior_{side}" else horn for name, horn in HORNS.items()
    ]
    gray = (*horns, BAR)
    grid = Grid(size=(0.1, 0.1, 5.0), shape=(160, 160, 1), turn_deg=turn_deg)
    gm = rows_of(grid, gray)["GM"][0]
    sign = -1 if side == "left" else 1
    horn = HORNS["anterior_left"].area
    anterior = 200 * 0.2 * horn / (1.8 * horn + BAR.area / 2)
    whole = 200 * 0.2 * horn / (3.8 * horn + BAR.area)

    assert number(gm, "asymmetry_anterior_percent") == pytest.approx(sign * anterior, abs=3)
    assert number(gm, "asymmetry_posterior_percent") == pytest.approx(0, abs=2)
    assert number(gm, "asymmetry_percent") == pytest.approx(sign * whole, abs=1.5)


def test_the_quarters_of_a_rectangle_are_exact() -> None:
    """A cord of 20 x 12 pixels of 0.25 mm2; gray matter fills 3 x 2 pixels of one quarter."""
    cord, gm = (np.zeros((30, 30, 1), np.uint8) for _ in range(2))
    cord[5:25, 9:21] = 1
    gm[16:19, 12:14] = 1
    grid = Grid(shape=(30, 30, 1), size=(0.5, 0.5, 4.0))
    table = measure(structures_from_masks("box", grid.volume(gm), grid.volume(cord)))
    rows = {row["label"]: row for row in table}

    assert [rows["SC"][f"{part}_mm2"] for part in HORNS] == [15, 15, 15, 15]
    assert [rows["GM"][f"{part}_mm2"] for part in PARTS] == [0, 1.5, 0, 1.5, 0, 0, 0, 1.5]
    assert [rows["WM"][f"{part}_mm2"] for part in HORNS] == [15, 15, 15, 13.5]
    assert rows["GM"]["asymmetry_percent"] == -200
    assert rows["GM"]["asymmetry_anterior_percent"] is None
    assert rows["GM"]["commissure_mm"] is None


@pytest.mark.parametrize(
    ("lean", "ap", "rl"),
    [((0.5, 0.0), 26.57, 0.0), ((0.0, -0.6), 0.0, -30.96), ((0.3, 0.4), 16.7, 21.8)],
)
def test_an_oblique_cut_is_corrected_by_the_cosine_of_the_angle(
    lean: tuple[float, float], ap: float, rl: float
) -> None:
    grid = Grid(shape=(180, 140, 8), size=(0.2, 0.2, 3.0), lean=lean)
    angle = np.degrees(np.arctan(np.hypot(*lean)))
    across, as_cut = rows_of(grid)["SC"], rows_of(grid, angle_correction=False)["SC"]

    for row, plain in zip(across, as_cut, strict=True):
        assert number(row, "angle_deg") == pytest.approx(angle, abs=0.5)
        assert number(row, "angle_ap_deg") == pytest.approx(ap, abs=0.5)
        assert number(row, "angle_rl_deg") == pytest.approx(rl, abs=0.5)
        assert number(row, "area_mm2") == pytest.approx(CORD.area, rel=0.01)
        assert number(row, "diameter_rl_mm") == pytest.approx(13, rel=0.015)
        assert number(row, "diameter_ap_mm") == pytest.approx(8, rel=0.015)
        cut = CORD.area / np.cos(np.radians(angle))
        assert number(plain, "area_mm2") == pytest.approx(cut, rel=0.01)
        assert row["area_uncorrected_mm2"] == plain["area_mm2"]
        assert row["volume_mm3"] == plain["volume_mm3"]
        assert plain["angle_deg"] == row["angle_deg"]


def test_an_oblique_cut_on_pixels_that_are_no_squares_is_corrected() -> None:
    grid = Grid(shape=(180, 70, 6), size=(0.2, 0.4, 3.0), lean=(0.5, 0.6))

    for row in rows_of(grid)["SC"]:
        assert number(row, "area_mm2") == pytest.approx(CORD.area, rel=0.01)
        assert number(row, "orientation_deg") == pytest.approx(0, abs=0.5)
        assert number(row, "diameter_rl_mm") == pytest.approx(13, rel=0.015)
        assert number(row, "diameter_ap_mm") == pytest.approx(8, rel=0.015)


def test_the_area_by_probability_of_an_oblique_cut_is_corrected_by_the_same_angle() -> None:
    grid = Grid(shape=(180, 140, 8), size=(0.2, 0.2, 3.0), lean=(0.3, 0.4))
    cord = grid.volume(0.75 * grid.mask([CORD]))

    for row in measure(structures_from_masks("oblique", None, cord)):
        assert number(row, "area_soft_mm2") == pytest.approx(0.75 * CORD.area, rel=0.01)


def test_the_center_line_is_smoothed_over_the_next_slices_where_these_are_thick() -> None:
    """Of slices 20 mm apart, the neighbors weigh exp(-1/2), those beyond them exp(-2)."""
    mask = np.zeros((80, 40, 5))
    mask[20:40, 10:26] = 1
    mask[:, :, 3] = np.roll(mask[:, :, 3], 10, axis=0)  # 5 mm to the right
    grid = Grid(shape=mask.shape, size=(0.5, 0.5, 20.0))
    row = measure(structures_from_masks("thick", None, grid.volume(mask))).rows[2]

    near, far = np.exp(-0.5), np.exp(-2)
    slope = near * 20 * 5 / (2 * near * 20**2 + 2 * far * 40**2)
    assert number(row, "angle_deg") == pytest.approx(np.degrees(np.arctan(slope)))


@pytest.mark.parametrize("mm", [25, 100, 300])
def test_a_straight_cord_has_no_angle_however_far_apart_its_slices_are(mm: int) -> None:
    """Two slices are drawn, off the middle of the image, as where labels are on some alone."""
    mask = np.zeros((80, 40, mm // 5 + 1))
    mask[40:60, 10:26, [0, -1]] = 1
    grid = Grid(shape=mask.shape, size=(0.5, 0.5, 5.0))
    rows = measure(structures_from_masks("two", None, grid.volume(mask))).rows

    for row in (rows[0], rows[-1]):
        assert number(row, "angle_deg") == pytest.approx(0, abs=1e-6)
        assert number(row, "area_mm2") == pytest.approx(80)


def test_a_slice_that_is_too_far_from_all_others_has_no_angle() -> None:
    mask = np.zeros((80, 40, 101))
    mask[40:60, 10:26, [0, -1]] = 1
    grid = Grid(shape=mask.shape, size=(0.5, 0.5, 5.0))
    rows = measure(structures_from_masks("two", None, grid.volume(mask))).rows

    assert rows[0]["angle_deg"] is None
    assert number(rows[0], "area_mm2") == pytest.approx(80)


def test_the_center_line_is_smoothed() -> None:
    """A jump of one pixel between slices of 2 mm is no angle of 14 degrees."""
    grid = Grid(shape=(80, 60, 12), size=(0.5, 0.5, 2.0))
    mask = grid.mask([CORD])
    mask[:, :, 6] = np.roll(mask[:, :, 6], 1, axis=0)
    table = measure(structures_from_masks("jump", None, grid.volume(mask)))

    assert max(number(row, "angle_deg") for row in table) < 2.5


def test_a_single_slice_has_no_angle_and_that_is_said() -> None:
    grid = Grid(shape=(80, 60, 1))
    table = measure(structures_from_masks("one", None, grid.volume(grid.mask([CORD]))))
    (row,) = table.rows

    assert row["angle_deg"] is None
    assert row["area_mm2"] == row["area_uncorrected_mm2"]
    assert "not known from a single slice" in " ".join(table.warnings)


@pytest.mark.parametrize("axes", ORIENTATIONS)
def test_left_and_right_are_the_patients_in_every_orientation(axes: str) -> None:
    """Gray matter that is large left in front, small right behind, in slices of different size."""
    gray = (HORNS["anterior_left"], shrunk(HORNS["posterior_right"], 0.5), BAR)
    grid = Grid(shape=(34, 26, 3), size=(0.5, 0.5, 5.0), lean=(0.2, 0.1))
    images = []
    for ellipses in (gray, (CORD,)):
        mask = grid.mask(ellipses)
        mask[:, :13, 2] = 0 if len(ellipses) == 3 else mask[:, :13, 2]  # the top is another one
        images.append(turned(nib.Nifti1Image(mask, grid.affine), axes))
    gm, cord = (
        Volume(np.asarray(one.dataobj, np.float32), Geometry(one.shape, one.affine))
        for one in images
    )
    table = measure(structures_from_masks("turned", gm, cord))
    straight = measure(
        structures_from_masks(
            "straight",
            grid.volume(np.asarray(turned(images[0], "RAS").dataobj)),
            grid.volume(np.asarray(turned(images[1], "RAS").dataobj)),
        )
    )

    assert len(ORIENTATIONS) == 48
    for row, expected in zip(table, straight, strict=True):
        for name in (
            "area_mm2",
            "angle_ap_deg",
            "angle_rl_deg",
            "axis_deg",
            *map("{}_mm2".format, PARTS),
        ):
            assert row[name] == pytest.approx(expected[name], abs=1e-4), name
        last = 2
        assert row["slice_is"] == expected["slice_is"]
        assert row["slice"] == (last - number_of(row) if "I" in axes else number_of(row))
    low = straight.rows[0]
    assert number(low, "left_mm2") > 1.3 * number(low, "right_mm2")
    assert number(low, "anterior_mm2") > 1.3 * number(low, "posterior_mm2")


def number_of(row: dict[str, Cell]) -> int:
    value = row["slice_is"]
    assert isinstance(value, int)
    return value


@pytest.mark.parametrize(("mm", "tolerance"), [(0.25, 0.01), (0.6, 0.03)])
def test_the_volume_is_that_of_the_shapes(mm: float, tolerance: float) -> None:
    """Over 12 slices, in which the cord lies differently on the pixels."""
    side = int(20 / mm)
    grid = Grid(shape=(side, side, 12), size=(mm, mm, 5.0), lean=(0.037, 0.023))
    rows = rows_of(grid, by="whole")
    truth = {"GM": sum(each.area for each in GRAY), "SC": CORD.area}

    for label, area in truth.items():
        expected = area * 12 * 5 / np.cos(np.arctan(np.hypot(0.037, 0.023)))
        assert number(rows[label][0], "volume_mm3") == pytest.approx(expected, rel=tolerance)
        assert number(rows[label][0], "area_mm2") == pytest.approx(area, rel=tolerance)


@pytest.mark.parametrize("mm", [0.25, 0.6])
def test_by_probability_the_area_is_that_of_the_anatomy(mm: float) -> None:
    """The phantom knows which share of each voxel is gray matter: the sum is the truth."""
    side = int(24 / mm)
    phantom = make_phantom(acquisition=Acquisition(shape=(2, side, side), spacing_mm=(5, mm, mm)))
    gm, cord = (
        Volume(fraction, phantom.volume.geometry)
        for fraction in (phantom.gm_fraction, phantom.cord_fraction)
    )
    table = measure(structures_from_masks("phantom", gm, cord))

    for row in table.rows[::3]:
        z = number_of(row)
        truth = float(phantom.gm_fraction[..., z].sum(dtype=np.float64)) * mm * mm
        cosine = np.cos(np.radians(number(row, "angle_deg")))
        assert number(row, "area_soft_mm2") == pytest.approx(truth * cosine, rel=1e-4)


def test_gray_values_are_those_of_the_tissues() -> None:
    """Gray matter 120 and 80, in equal shares, in white matter of 50: 100 +- 20 against 50."""
    grid = Grid(shape=(80, 60, 2))
    gm, cord = grid.mask(GRAY), grid.mask([CORD])
    image = np.where(cord, 50.0, 7.0)
    checkered = np.indices(gm.shape)[:2].sum(axis=0) % 2
    image = np.where(gm, np.where(checkered, 120.0, 80.0), image)
    volume = grid.volume(image)
    table = measure(
        structures_from_masks("values", grid.volume(gm), grid.volume(cord), volume),
        None,
        MeasureOptions(by="whole"),
    )
    rows = {row["label"]: row for row in table}

    assert rows["WM"]["mean"] == 50
    assert rows["WM"]["sd"] == 0
    assert number(rows["GM"], "mean") == pytest.approx(100, abs=1)
    assert number(rows["GM"], "sd") == pytest.approx(20, abs=0.3)
    assert number(rows["GM"], "contrast_percent") == pytest.approx(100, abs=2)
    assert number(rows["GM"], "cnr") == pytest.approx(50 / (20 / np.sqrt(2)), abs=0.1)


def test_without_a_cord_there_are_no_parts_but_areas() -> None:
    grid = Grid()
    table = measure(structures_from_masks("gm", grid.volume(grid.mask(GRAY)), None))

    assert {row["label"] for row in table} == {"GM"}
    assert number(table.rows[0], "area_mm2") > 0
    assert table.rows[0]["left_mm2"] is None
    assert table.rows[0]["gm_cord_ratio"] is None


def test_a_cord_in_several_pieces_is_named_by_its_slice() -> None:
    grid = Grid(shape=(80, 60, 3))
    mask = grid.mask([CORD])
    mask[3:5, 3:5, 1] = 1
    table = measure(structures_from_masks("pieces", None, grid.volume(mask)))

    assert [line for line in table.warnings if "several pieces in slices 1:" in line]


def test_gray_matter_on_one_side_does_not_turn_the_axis_to_itself() -> None:
    """A round cord tells nothing of its rotation; half of a butterfly must not, either."""
    grid = Grid(shape=(80, 80, 1))
    gray = (HORNS["anterior_left"], HORNS["posterior_left"])
    gm, cord = grid.volume(grid.mask(gray)), grid.volume(grid.mask([Ellipse(0, 0, 5, 5)]))
    row = measure(structures_from_masks("half", gm, cord)).rows[0]

    assert abs(number(row, "axis_deg")) < 5
    assert number(row, "asymmetry_percent") == pytest.approx(200, abs=1)


def test_a_pixel_that_an_axis_crosses_is_shared_out() -> None:
    """A cord of 21 x 13 pixels of 1 mm2: each quarter has a quarter."""
    cord = np.zeros((30, 30, 1), np.uint8)
    cord[5:26, 9:22] = 1
    grid = Grid(shape=(30, 30, 1), size=(1, 1, 4.0))
    (row,) = measure(structures_from_masks("box", None, grid.volume(cord)))

    assert [row[f"{part}_mm2"] for part in HORNS] == pytest.approx([21 * 13 / 4] * 4)


def test_a_round_cord_is_not_rotated() -> None:
    """Wherever it lies on the pixels, whose edges alone could turn it by 20 degrees."""
    grid = Grid(shape=(41, 41, 1), size=(0.5, 0.5, 5))
    for x, y in np.random.default_rng(0).uniform(-0.25, 0.25, (10, 2)):
        cord = grid.volume(grid.mask([Ellipse(x, y, 4.5, 4.5)]))
        (row,) = measure(structures_from_masks("round", None, cord))

        assert abs(number(row, "axis_deg")) < 6


def test_the_volume_on_a_sheared_grid_is_that_of_its_voxels() -> None:
    """Each slice lies 1 mm further to the right; a voxel still has 0.25 x 0.25 x 5 mm3."""
    grid = Grid()
    mask = grid.mask([CORD])
    affine = grid.affine
    affine[0, 2] = 1.0
    sheared = Volume(mask.astype(np.float32), Geometry(mask.shape, affine))
    (row,) = measure(structures_from_masks("x", None, sheared), None, MeasureOptions(by="whole"))

    assert number(row, "volume_mm3") == pytest.approx(int(mask.sum()) * 0.25 * 0.25 * 5)
    assert number(row, "angle_deg") == pytest.approx(np.degrees(np.arctan(1 / 5)), abs=0.1)
    assert number(row, "slice_mm") == pytest.approx(5)


def test_axes_near_90_degrees_do_not_cancel_each_other() -> None:
    """An upright gray matter that leans to the left and to the right is upright on the mean."""
    leaning = [Grid(shape=(80, 80, 1), turn_deg=turn) for turn in (-3, 3)]
    upright = Ellipse(0, 0, 1.0, 3.0)
    gm = np.concatenate([grid.mask([upright]) for grid in leaning], axis=2)
    cord = np.concatenate([grid.mask([CORD]) for grid in leaning], axis=2)
    whole = Grid(shape=(80, 80, 2))
    structures = structures_from_masks("x", whole.volume(gm), whole.volume(cord))
    slices = [row for row in measure(structures) if row["label"] == "GM"]
    mean = next(iter(measure(structures, None, MeasureOptions(by="whole"))))

    assert [number(row, "orientation_deg") for row in slices] == pytest.approx([87, -87], abs=1)
    assert abs(number(mean, "orientation_deg")) == pytest.approx(90, abs=1)
