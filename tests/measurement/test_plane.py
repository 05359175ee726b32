"""Right, front and up, whatever way a grid is stored or sheared."""

import numpy as np
import pytest

from scgm.image.orientation import to_axial
from scgm.image.volume import Geometry, Volume
from scgm.measurement.plane import plane_of


def test_an_oblique_plane_has_its_own_front_but_the_patients_right() -> None:
    """Slices turned by 30 degrees about the right-left axis."""
    turn = np.eye(4)
    c, s = np.cos(np.radians(30)), np.sin(np.radians(30))
    turn[1:3, 1:3] = [[c, -s], [s, c]]
    volume = Volume(np.ones((8, 9, 3), np.float32), Geometry((8, 9, 3), turn))
    plane = plane_of(to_axial(volume))

    assert np.allclose(plane.right, [1, 0, 0])
    assert np.allclose(plane.anterior, [0, c, s])
    assert np.allclose(plane.normal, [0, -s, c])


def test_shear_changes_neither_the_area_of_a_pixel_nor_the_way_across() -> None:
    affine = np.diag([0.5, 0.5, 4.0, 1.0])
    affine[0, 2] = 1.0  # each slice lies 1 mm further to the right
    stack = to_axial(Volume(np.ones((8, 9, 3), np.float32), Geometry((8, 9, 3), affine)))
    plane = plane_of(stack)

    assert plane.distance_mm == pytest.approx(4)
    assert np.linalg.det(plane.pixel_to_mm) == pytest.approx(stack.pixel_area_mm2)


def test_a_place_comes_back_to_its_slice() -> None:
    affine = np.array([[0, 0.5, 0, 3], [-0.5, 0, 0, 7], [0, 0, 2.0, -9], [0, 0, 0, 1]])
    plane = plane_of(to_axial(Volume(np.ones((8, 9, 3), np.float32), Geometry((8, 9, 3), affine))))
    point = np.array([[2.0, 5.0, 1.0]])
    world = point @ plane.to_world[:3, :3].T + plane.to_world[:3, 3]

    assert np.allclose(plane.to_slices(world), point)


@pytest.mark.parametrize("signs", [(1, 1, 1), (-1, 1, -1), (-1, -1, -1)])
def test_pixels_lie_where_the_voxels_of_the_file_lie(signs: tuple[int, int, int]) -> None:
    affine = np.diag([*(0.5 * sign for sign in signs), 1.0])
    affine[:3, 3] = (3, -7, 11)
    stack = to_axial(Volume(np.ones((8, 9, 3), np.float32), Geometry((8, 9, 3), affine)))
    lowest_left_back = np.array([0, 0, 0, 1.0])
    for axis, (sign, count) in enumerate(zip(signs, (8, 9, 3), strict=True)):
        lowest_left_back[axis] = 0 if sign > 0 else count - 1

    assert np.allclose(plane_of(stack).to_world[:3, 3], (affine @ lowest_left_back)[:3])


def test_up_is_up_where_the_user_named_the_axis_of_the_slices() -> None:
    volume = Volume(np.ones((8, 3, 9), np.float32), Geometry((8, 3, 9), np.eye(4)), slice_axis=1)
    plane = plane_of(to_axial(volume))

    assert plane.normal @ plane.to_world[:3, 2] == pytest.approx(1)
    assert np.linalg.norm(plane.right) == np.linalg.norm(plane.anterior) == 1
