"""Sizes and shapes that follow on paper."""

import numpy as np
import pytest

from scgm.measurement.shape import Outline

RIGHT, FRONT = np.array([1.0, 0]), np.array([0, 1.0])


def ellipse(
    half_x: float, half_y: float, turn_deg: float = 0, pixel: tuple[float, float] = (0.1, 0.1)
) -> Outline:
    """Return an ellipse on pixels of (width, height) mm."""
    rows, columns = np.indices((int(24 / pixel[1]), int(24 / pixel[0])))
    x, y = columns * pixel[0] - 12, rows * pixel[1] - 12
    angle = np.radians(turn_deg)
    u, v = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    return Outline((u / half_x) ** 2 + (v / half_y) ** 2 <= 1, np.diag(pixel))


@pytest.mark.parametrize("pixel", [(0.1, 0.1), (0.1, 0.25)])
@pytest.mark.parametrize("turn_deg", [0, 30, -50])
def test_an_ellipse_has_the_size_it_was_drawn_with(
    turn_deg: float, pixel: tuple[float, float]
) -> None:
    found = ellipse(6.5, 4, turn_deg, pixel)
    angle = np.radians(turn_deg)
    long = np.array([np.cos(angle), np.sin(angle)])
    short = np.array([-long[1], long[0]])

    assert found.area_mm2 == pytest.approx(np.pi * 6.5 * 4, rel=0.01)
    assert found.diameter(long) == pytest.approx(13, rel=0.01)
    assert found.diameter(short) == pytest.approx(8, rel=0.01)
    assert found.orientation_deg == pytest.approx(turn_deg, abs=0.5)
    assert found.eccentricity == pytest.approx(np.sqrt(1 - (4 / 6.5) ** 2), abs=0.01)
    assert found.solidity == pytest.approx(1, abs=0.04)


def test_a_circle_has_no_eccentricity() -> None:
    assert ellipse(5, 5).eccentricity < 0.05


def test_an_l_fills_six_sevenths_of_its_hull() -> None:
    """A square of 2 x 2 without a quarter: 3 of 3.5."""
    mask = np.zeros((104, 104), bool)
    mask[2:102, 2:102] = True
    mask[52:102, 52:102] = False

    assert Outline(mask, np.eye(2)).solidity == pytest.approx(6 / 7, abs=0.01)


def test_a_rectangle_reaches_from_edge_to_edge() -> None:
    mask = np.zeros((10, 12), bool)
    mask[2:6, 3:9] = True  # 4 rows of 2 mm, 6 columns of 0.5 mm
    found = Outline(mask, np.diag([0.5, 2.0]))

    assert (found.extent(RIGHT), found.extent(FRONT)) == (3, 8)
    assert found.area_mm2 == 24
    assert found.center.tolist() == [5.5 * 0.5, 3.5 * 2]


def test_a_single_pixel_and_a_line_are_shapes() -> None:
    mask = np.zeros((5, 5), bool)
    mask[2, 2] = True
    pixel = Outline(mask, np.eye(2))
    mask = mask.copy()
    mask[2, :] = True
    line = Outline(mask, np.eye(2))

    assert (pixel.area_mm2, pixel.extent(RIGHT), pixel.eccentricity) == (1, 1, 0)
    assert line.extent(RIGHT) == 5
    assert line.solidity == pytest.approx(1)
