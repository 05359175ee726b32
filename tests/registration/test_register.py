"""Cords laid on each other, where the right answer is known on paper."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from scgm.errors import GeometryError, ImageReadError, UsageError
from scgm.image.volume import Geometry
from scgm.measurement.levels import LevelKind
from scgm.measurement.masks import structures_from_masks
from scgm.registration.field import Field
from scgm.registration.register import RegisterOptions, SegmentedCord, register
from tests.helpers.bent_cords import COARSE, FINE, bend, bent_cord, inside, places
from tests.helpers.drawn_shapes import CORD, GRAY, Grid


def displacement_at(field: Field, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the displacement of a field at points (N, 3) of the world."""
    inverse = np.linalg.inv(field.box_geometry.affine)
    index = (points @ inverse[:3, :3].T + inverse[:3, 3]).T
    parts = [
        map_coordinates(field.displacement[..., c], index, order=1, mode="nearest")
        for c in range(3)
    ]
    return np.stack(parts, axis=-1)


def translation(first: int) -> NDArray[np.float64]:
    """Return the matrix from voxels of a grid that begins at voxel *first* of the first axis."""
    matrix = np.eye(4)
    matrix[0, 3] = first
    return matrix


@pytest.mark.parametrize("bent_mm", [0.5, 1.0])
@pytest.mark.parametrize("grid", [FINE, COARSE], ids=["fine", "coarse"])
def test_a_known_deformation_is_recovered_both_ways(grid: Grid, bent_mm: float) -> None:
    done = register(bent_cord(grid, bent_mm), bent_cord(FINE))
    x, y = places(grid)
    right, front = bend(x, y, bent_mm)
    cord = inside([CORD], x + right, y + front)[done.to_native.box]
    found = done.to_native.displacement[cord]
    wanted = np.stack([right, front], axis=-1)[done.to_native.box][cord]
    there = done.to_native.places()[cord]
    returned = there + displacement_at(done.to_template, there)
    here = there - found

    assert np.linalg.norm(found[:, :2] - wanted, axis=1).mean() < 0.2
    assert np.linalg.norm((returned - there)[:, :2] + wanted, axis=1).mean() < 0.2
    # There and back: in the slice to a hundredth, along the cord where both have a slice.
    assert np.linalg.norm((returned - here)[:, :2], axis=1).max() < 0.02
    assert done.scores["SC"][0] > 0.98
    assert done.scores["SC"][1] < 0.1


def test_without_the_deformation_the_same_cords_do_not_fit() -> None:
    """So the test above can fail."""
    x, y = places(FINE)
    right, front = bend(x, y, 1.0)
    cord = inside([CORD], x + right, y + front)

    assert np.hypot(right - right[cord].mean(), front - front[cord].mean())[cord].mean() > 0.4


def test_the_same_cord_stays_where_it_is() -> None:
    done = register(bent_cord(FINE), bent_cord(FINE))
    known = done.to_template.known[done.to_template.box]

    assert np.abs(done.to_template.displacement[known]).max() < 1e-3
    assert done.scores == {"GM": (1.0, 0.0), "SC": (1.0, 0.0)}


def test_rotation_shift_and_size_are_found() -> None:
    """A cord that is turned by 15 degrees: a point of it goes where the rotation takes it."""
    turned = replace(FINE, turn_deg=15.0)
    gm_and_cord = bent_cord(FINE).structures
    native = SegmentedCord(
        structures_from_masks(
            "turned", turned.volume(turned.mask(GRAY)), turned.volume(turned.mask([CORD]))
        )
    )
    done = register(native, SegmentedCord(gm_and_cord))
    angle = np.radians(15)
    moved = np.array([[3 * np.cos(angle), 3 * np.sin(angle), 1.0]])  # 3 mm to the cord's right
    back = moved + displacement_at(done.to_native, moved)

    assert np.linalg.norm(back[0, :2] - (3, 0)) < 0.15


def test_levels_say_where_slices_belong() -> None:
    """Slices 0 to 3 show C4 C4 C3 C3; C3 begins at 7.5 slices of 2 mm in the template."""
    template = bent_cord(
        Grid((112, 92, 12), (0.25, 0.25, 2.0)), levels=["C5"] * 3 + ["C4"] * 5 + ["C3"] * 4
    )
    done = register(bent_cord(COARSE, levels=["C4", "C4", "C3", "C3"]), template)

    assert done.along.how == "levels"
    # 1.5 slices lies on 7.5; a millimeter is a millimeter: 3 mm are 1.5 slices of the template.
    assert done.along.to_template(np.array([0.5, 1.5, 2.5])).tolist() == [6.0, 7.5, 9.0]
    assert np.flatnonzero(done.to_template.known.any(axis=(0, 1))).tolist() == list(range(5, 11))


def test_between_two_borders_a_level_is_stretched() -> None:
    native = bent_cord(Grid((60, 50, 4), (0.5, 0.5, 3.0)), levels=["C5", "C4", "C4", "C3"])
    template = bent_cord(
        Grid((112, 92, 8), (0.25, 0.25, 2.0)), levels=["C5"] * 2 + ["C4"] * 4 + ["C3"] * 2
    )

    along = register(native, template).along

    assert along.to_template(np.array([0.5, 1.5, 2.5])).tolist() == [1.5, 3.5, 5.5]
    assert along.to_native(np.array([1.5, 3.5, 5.5])).tolist() == [0.5, 1.5, 2.5]


def test_one_slice_and_its_level_are_enough() -> None:
    template = bent_cord(FINE, levels=["C4"] * 3 + ["C3"] * 3)
    done = register(bent_cord(COARSE), template, RegisterOptions(level_at=(1, "C3")))

    assert done.along.to_template(np.array([1.0, 2.0])).tolist() == [4.0, 5.5]
    assert any("approximate" in line for line in done.warnings)


def test_levels_and_the_level_of_one_slice_exclude_each_other() -> None:
    levels = ["C4"] * 3 + ["C3"] * 3
    options = RegisterOptions(level_at=(1, "C3"))

    with pytest.raises(UsageError, match="the level of one slice exclude each other; give one"):
        register(bent_cord(FINE, levels=levels), bent_cord(FINE, levels=levels), options)


def test_without_levels_ends_meet_ends_with_a_warning() -> None:
    done = register(bent_cord(COARSE, name="scan"), bent_cord(FINE, name="folder"))

    assert done.along.to_template(np.array([-0.5, 1.5, 3.5])).tolist() == [-0.5, 2.5, 5.5]
    assert any("no levels are known" in line for line in done.warnings)


def test_maps_and_labels_travel() -> None:
    """A map that is the place itself arrives as the place it came from."""
    done = register(bent_cord(COARSE, 0.5), bent_cord(FINE))
    x, _ = places(COARSE)
    brought = done.to_template.bring(x, COARSE.volume(x).geometry)
    sides = done.to_template.bring(np.where(x > 0, 2, 1), COARSE.volume(x).geometry, labels=True)
    box = done.to_template.box
    known = done.to_template.known[box]

    assert brought[box][known] == pytest.approx(done.to_template.places()[known][:, 0], abs=1e-3)
    assert set(np.unique(sides[box][known])) == {1, 2}
    assert np.isnan(brought[~done.to_template.known]).all()
    assert (sides[~done.to_template.known] == 0).all()


def test_places_without_a_value_do_not_blend_into_their_neighbors() -> None:
    """A map of 40 with gaps is 40 everywhere or nothing, and 0 is a value."""
    done = register(bent_cord(COARSE, 0.5), bent_cord(FINE))
    x, y = places(COARSE)
    there = np.hypot(x, y) < 3
    there[:, :, 3] = False
    brought = done.to_template.bring(np.where(there, 40, np.nan), COARSE.volume(x).geometry)
    share = done.to_template.bring(there, COARSE.volume(x).geometry)
    zeros = done.to_template.bring(np.where(there, 0, 40), COARSE.volume(x).geometry)

    assert brought[~np.isnan(brought)] == pytest.approx(40, abs=1e-4)
    assert np.array_equal(~np.isnan(brought), np.nan_to_num(share) >= 0.499)
    assert 5 < zeros[~np.isnan(brought)].std() < 20


def test_a_place_beyond_the_image_has_no_value() -> None:
    """The image ends within the box of the field, on the left of the cord."""
    done = register(bent_cord(FINE), bent_cord(FINE))
    box = done.to_template.box
    grid = FINE.volume(places(FINE)[0]).geometry
    first = box[0].start + 6
    cut = Geometry(
        (grid.shape[0] - first, *grid.shape[1:]),
        grid.affine @ translation(first),
    )
    brought = done.to_template.bring(np.full(cut.shape, 7.0), cut)

    assert np.isnan(brought[:first]).all()
    assert (brought[first : box[0].stop, box[1], box[2]] == 7).all()


@pytest.mark.parametrize("label", ["GM", "SC"])
def test_a_template_without_a_structure_is_refused(label: str) -> None:
    whole = bent_cord(FINE, name="folder")
    masks = {key: mask for key, mask in whole.structures.masks.items() if key != label}
    empty = {**whole.structures.masks, label: np.zeros_like(whole.structures.masks[label])}

    with pytest.raises(ImageReadError, match=r"^folder: it has no (gray matter|cord); regis"):
        register(bent_cord(COARSE), SegmentedCord(replace(whole.structures, masks=masks)))
    with pytest.raises(ImageReadError, match=r"^folder: its (gray matter|cord) is empty; regis"):
        register(bent_cord(COARSE), SegmentedCord(replace(whole.structures, masks=empty)))


def test_levels_without_a_common_one_are_refused() -> None:
    with pytest.raises(GeometryError, match="it shows T1, and folder shows C3 to C4; no level is"):
        register(
            bent_cord(COARSE, levels=["T1"] * 4),
            bent_cord(FINE, name="folder", levels=["C4"] * 3 + ["C3"] * 3),
        )


def test_levels_that_the_template_lacks_are_refused() -> None:
    with pytest.raises(UsageError, match=r"^folder: it has no vertebral levels, and those of scan"):
        register(bent_cord(COARSE, name="scan", levels=["C4"] * 4), bent_cord(FINE, name="folder"))


def test_different_kinds_of_level_are_refused() -> None:
    template = bent_cord(FINE, levels=["C4"] * 3 + ["C3"] * 3)
    assert template.levels is not None
    spinal = replace(template, levels=replace(template.levels, kind=LevelKind.SPINAL))

    with pytest.raises(UsageError, match="its levels are vertebral, those of cord spinal"):
        register(bent_cord(COARSE, levels=["C4"] * 4), spinal)


def test_a_thin_slice_between_two_of_the_template_is_refused() -> None:
    """C4 has its middle between two slices of 5 mm, so a slice of 2 mm there reaches neither."""
    thin = bent_cord(Grid((60, 50, 1), (0.5, 0.5, 2.0)), name="scan")
    thick = bent_cord(Grid((60, 50, 4), (0.5, 0.5, 5.0)), name="folder", levels=["C4"] * 4)
    here = RegisterOptions(level_at=(0, "C4"))

    with pytest.raises(GeometryError, match=r"^scan: no slice of folder has its middle within"):
        register(thin, thick, here)


def test_a_thin_slice_within_one_of_the_template_is_laid_there() -> None:
    thin = bent_cord(Grid((60, 50, 1), (0.5, 0.5, 2.0)))
    thick = bent_cord(Grid((60, 50, 3), (0.5, 0.5, 5.0)), levels=["C4"] * 3)
    done = register(thin, thick, RegisterOptions(level_at=(0, "C4")))

    assert np.flatnonzero(done.to_template.known.any(axis=(0, 1))).tolist() == [1]


def test_slices_beyond_the_template_are_named() -> None:
    template = bent_cord(FINE, levels=["C4"] * 3 + ["C3"] * 3)
    native = bent_cord(Grid((60, 50, 12), (0.5, 0.5, 3.0)), levels=["C4"] * 6 + ["C3"] * 6)

    assert any(
        "8 of 12 slices are not laid" in line for line in register(native, template).warnings
    )
