"""What is no scan, and what can be no human cord."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from scgm.errors import ImageReadError
from scgm.image.confidence import visible_contrast
from scgm.image.orientation import AxialStack, to_axial
from scgm.image.volume import Geometry, Volume
from scgm.segmentation.pipeline import segment
from scgm.segmentation.plausibility import Finding, doubted, implausible, refusal
from scgm.segmentation.status import SliceStatus
from scgm.segmenters.base import Probabilities
from tests.helpers.standin import cord_voxels


def stack_of(slices: NDArray[Any], pixel_mm: float = 0.5) -> AxialStack:
    """Return slices (Z, Y, X), 5 mm apart."""
    values = slices.astype(np.float32).T
    return to_axial(Volume(values, Geometry(values.shape, np.diag([pixel_mm, pixel_mm, 5, 1]))))


def neck(slices: int = 3) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_]]:
    """Image, cord and gray matter: a neck of 110 x 100 mm in air, pixels of 0.5 mm.

    The cord (100) has 12 mm; fluid (200) surrounds it, and two bars in it are gray matter (140).
    """
    rng = np.random.default_rng(0)
    y, x = np.indices((240, 260)) - np.array([120, 130])[:, None, None]
    away_mm = np.hypot(y, x) / 2
    body = np.hypot(y / 100, x / 110) < 1
    image = np.where(body, np.where((y // 9 + x // 7) % 2, 80.0, 400.0), 2.0)
    image[away_mm < 9] = 200
    cord = away_mm < 6
    gm = cord & (abs(y) < 6) & (abs(abs(x) - 5) < 2)
    image[cord], image[gm] = 100, 140
    noisy = np.stack([image] * slices) + rng.normal(0, 4, (slices, *image.shape))
    return np.abs(noisy), np.stack([cord] * slices), np.stack([gm] * slices)


def findings(
    image: NDArray[np.float64],
    cord: NDArray[np.bool_],
    gm: NDArray[np.bool_],
    pixel_mm: float = 0.5,
) -> tuple[Finding, ...]:
    centre = np.full((len(image), 2), np.nan, np.float32)
    gray, whole = ((each * 1.0).astype(np.float32) for each in (gm & cord, cord))
    found = Probabilities(gray, whole, centre, np.ones(len(image), np.float32))
    stack = stack_of(image, pixel_mm)
    contrast = visible_contrast(stack, gray, whole, 0.5)
    return implausible(stack, stack, found, contrast, 0.5)


def test_a_cord_whose_bright_values_are_cut_off_is_doubted() -> None:
    image, cord, gm = neck()
    limits = np.array([50.0, 130.0, 1000.0])  # below the cord, in its gray matter, above all

    found = [findings(np.minimum(image, limit), cord, gm) for limit in limits]

    told = [[each for each in some if "bright values were cut off" in each.what] for some in found]
    assert [len(each) for each in told] == [1, 1, 0]
    assert told[1][0].slices.all()


def test_a_good_scan_raises_no_doubt() -> None:
    image, cord, gm = neck()

    assert refusal(stack_of(image)) is None
    assert findings(image, cord, gm) == ()


def mask() -> NDArray[np.float64]:
    return neck()[1].astype(float)


def labels() -> NDArray[np.float64]:
    """Twenty levels, each an area of one value."""
    return neck(20)[1] * np.arange(1.0, 21)[:, None, None]


def soft() -> NDArray[np.float64]:
    """Return a cord of probability 1, at whose border it falls to 0, each pixel at its own rate."""
    y, x = np.indices((60, 60)) - np.array([30.2, 29.7])[:, None, None]
    map_of_disc = np.clip((14 - np.hypot(y, 1.1 * x)) / 2, 0, 1)
    assert len(np.unique(map_of_disc)) > 66  # more than labels have
    return np.stack([map_of_disc] * 3)


def points() -> NDArray[np.float64]:
    """One voxel for each of five discs."""
    values = np.zeros((12, 40, 40))
    values[np.arange(1, 11, 2), 20, 20] = np.arange(1, 6)
    return values


def distances() -> NDArray[np.float64]:
    """How deep each voxel lies in a disc of 20 pixels, in each slice."""
    y, x = np.ogrid[-60:60, -60:60]
    return np.stack([(r - np.hypot(y, x)).clip(0) for r in (20, 20.3, 20.6)])


@pytest.mark.parametrize("made", [mask, labels, soft, points, distances])
def test_what_is_no_scan_is_refused(made: Any) -> None:
    problem = refusal(stack_of(made()))

    assert problem is not None
    assert "not a scan" in problem


@pytest.mark.parametrize("bits", [4, 8])
def test_a_scan_of_few_bits_is_a_scan(bits: int) -> None:
    image = neck()[0]

    assert refusal(stack_of(np.round(image / image.max() * (2**bits - 1)))) is None


@pytest.mark.parametrize("brightest", [300, 120])
def test_a_scan_with_a_narrow_window_is_a_scan(brightest: float) -> None:
    image, _, _ = neck()
    # As an export of 8 bits: all of the air is 0, and all of the fat has the largest value.
    wide = np.pad(image, ((0, 0), (20, 20), (20, 20)))
    windowed = np.floor((wide - 20).clip(0, brightest - 20) * 255 / (brightest - 20))
    assert np.mean(windowed == 0) > 0.5
    assert np.mean(windowed[windowed > 0] == 255) > 0.4

    assert refusal(stack_of(windowed)) is None


def wrapped(image: NDArray[np.float64], bits: int, brightest: float) -> NDArray[np.float64]:
    """Store whole numbers in too few bits, read with a sign."""
    half = 2 ** (bits - 1)
    return np.asarray((np.round(image / image.max() * brightest) + half) % (2 * half) - half)


@pytest.mark.parametrize(("bits", "brightest"), [(16, 36000), (16, 45000), (8, 150), (12, 2500)])
def test_numbers_that_wrapped_round_are_refused(bits: int, brightest: float) -> None:
    y, x = np.indices((80, 80))
    bright = 0.2 + np.exp(-((y - 40) ** 2 + (x - 30) ** 2) / 200) + 0.3 * (x > 60)
    image = np.stack([bright] * 3) + np.random.default_rng(0).normal(0, 0.01, (3, 80, 80))

    problem = refusal(stack_of(wrapped(image, bits, brightest)))

    assert problem is not None
    assert "wrapped round" in problem


def test_values_of_both_signs_are_no_wrapped_numbers() -> None:
    """Noise from one end to the other around a body, as an MP2RAGE image has it."""
    image = neck()[0]
    air = image < 20
    signed = np.where(air, np.random.default_rng(0).uniform(-1, 1, image.shape), image / 500)

    assert refusal(stack_of(signed)) is None
    assert refusal(stack_of(-image)) is None
    assert refusal(stack_of((image - image.mean()) / image.std())) is None


def test_gray_matter_without_contrast_is_a_guess() -> None:
    image, cord, gm = neck()
    image[gm] = 100 + np.random.default_rng(1).normal(0, 4, int(gm.sum()))

    (finding,) = findings(image, cord, gm)

    assert "no visible contrast" in finding.what
    assert finding.slices.all()


def test_no_cord_is_larger_than_160_square_millimeters() -> None:
    """A disc of 15 mm has 177 mm2, one of 14 mm has 154."""
    image, _, gm = neck()
    y, x = np.indices(image.shape[1:]) - np.array([120, 130])[:, None, None]
    away_mm = np.hypot(y, x) / 2
    cord = np.stack([away_mm < 6, away_mm < 7, away_mm < 7.5])

    large = [each for each in findings(image, cord, gm) if "larger than 160" in each.what]

    assert [each.slices.tolist() for each in large] == [[False, False, True]]


def test_a_cord_does_not_jump() -> None:
    image, cord, gm = neck(5)
    cord[2], gm[2], image[2] = (np.roll(each, 40, axis=1) for each in (cord[2], gm[2], image[2]))

    jumps = [each.slices.tolist() for each in findings(image, cord, gm) if "lies more" in each.what]

    assert jumps == [[False, False, True, False, False]]


def test_a_cord_that_is_moved_and_stays_there_does_not_jump() -> None:
    """A step of 20 mm between two halves of a scan: each slice has one near neighbor."""
    image, cord, gm = neck(4)
    for z, columns in enumerate((0, -4, 36, 36)):
        cord[z], gm[z], image[z] = (np.roll(each[z], columns, axis=1) for each in (cord, gm, image))

    assert not [each for each in findings(image, cord, gm) if "lies more" in each.what]


def test_a_neck_of_animal_size_is_none_of_a_person() -> None:
    image, cord, gm = neck()

    small = [each for each in findings(image, cord, gm, 0.1) if "whole body" in each.what]

    assert len(small) == 1
    assert "22 x 20 mm" in small[0].what
    assert small[0].slices.all()


def test_a_small_field_of_view_within_a_neck_is_no_small_body() -> None:
    image, cord, gm = neck()
    near = np.s_[:, 95:145, 100:160]

    assert findings(image[near], cord[near], gm[near]) == ()


def test_an_even_bath_around_a_cord_is_no_small_body() -> None:
    """A cord in a tube of 30 mm: fluid around it, air beyond."""
    image, cord, gm = neck()
    y, x = np.indices(image.shape[1:]) - np.array([120, 130])[:, None, None]
    away_mm = np.hypot(y, x) / 2
    image[:, away_mm >= 9] = 200
    image[:, away_mm > 15] = 2

    assert findings(image, cord, gm) == ()


@pytest.mark.parametrize(("radius_mm", "found"), [(0.5, False), (1.0, True), (1.5, True)])
def test_a_fluid_bright_spot_is_a_cavity(radius_mm: float, found: bool) -> None:
    """1 mm has 3.1 mm2, more than the 2 mm2 allowed; the canal of 0.5 mm has 0.8."""
    image, cord, gm = neck()
    y, x = np.indices(image.shape[1:]) - np.array([120, 130])[:, None, None]
    image[:, np.hypot(y, x) / 2 <= radius_mm] = 195

    holes = [each for each in findings(image, cord, gm) if "hole" in each.what]

    assert bool(holes) is found


@pytest.mark.parametrize(("radius_mm", "found"), [(0.5, False), (1.0, True), (1.5, True)])
@pytest.mark.parametrize("fluid", [200, 30])
def test_a_dark_spot_is_a_cavity_whatever_the_fluid(
    radius_mm: float, fluid: float, *, found: bool
) -> None:
    """A void in bright fluid, or dark fluid: a cord of 100 with a spot of 30."""
    image, cord, gm = neck()
    y, x = np.indices(image.shape[1:]) - np.array([120, 130])[:, None, None]
    away_mm = np.hypot(y, x) / 2
    image[:, (away_mm >= 6) & (away_mm < 9)] = fluid
    image[:, away_mm <= radius_mm] = 30

    holes = [each for each in findings(image, cord, gm) if "hole" in each.what]

    assert bool(holes) is found


def test_a_dark_spot_within_the_noise_is_no_cavity() -> None:
    """The cord has 70, 100 and 130 in turn, and the spot 40: less than two deviations lower."""
    image, cord, gm = neck()
    y, x = np.indices(image.shape[1:]) - np.array([120, 130])[:, None, None]
    away_mm = np.hypot(y, x) / 2
    image[:, (away_mm >= 6) & (away_mm < 9)] = 150
    image[:, away_mm < 6] = (70 + 30 * ((y + x) % 3))[away_mm < 6]
    spotted = image.copy()
    spotted[:, away_mm <= 1] = 40
    even = np.where(cord & (away_mm > 1), 100, spotted)

    noisy, clear = (
        [each for each in findings(values, cord, gm) if "hole" in each.what]
        for values in (spotted, even)
    )

    assert not noisy
    assert clear


def test_fluid_is_what_lies_within_two_millimeters_of_the_cord() -> None:
    """Fat around the fluid is twice as bright, and the cavity half as bright as that."""
    image, cord, gm = neck()
    y, x = np.indices(image.shape[1:]) - np.array([120, 130])[:, None, None]
    away_mm = np.hypot(y, x) / 2
    image[:, away_mm >= 9] = 400
    image[:, away_mm <= 1.5] = 195

    holes = [each for each in findings(image, cord, gm) if "hole" in each.what]

    assert [each.slices.tolist() for each in holes] == [[True, True, True]]


def test_a_hole_in_the_cord_is_a_cavity() -> None:
    image, cord, gm = neck()
    cord[1, 118:122, 128:132] = False

    holes = [each.slices.tolist() for each in findings(image, cord, gm) if "hole" in each.what]

    assert holes == [[False, True, False]]


def test_gray_matter_as_bright_as_the_fluid_is_no_cavity() -> None:
    image, cord, gm = neck()
    image[gm] = 195

    assert findings(image, cord, gm) == ()


def test_a_doubt_makes_ok_a_low_confidence_and_leaves_the_rest() -> None:
    statuses = (SliceStatus.OK, SliceStatus.OK, SliceStatus.NO_GRAY_MATTER)
    finding = Finding("it cannot be", np.array([True, False, True]))

    assert doubted(statuses, [finding]) == ("low confidence", "ok", "no gray matter")
    assert str(finding) == "2 of 3 slices: it cannot be"


def test_the_line_refuses_a_mask_and_names_the_file() -> None:
    geometry = Geometry((60, 50, 5), np.diag([0.5, 0.5, 5, 1]))

    with pytest.raises(ImageReadError, match=r"the image: it holds 2 different values"):
        segment(Volume(cord_voxels(), geometry))
