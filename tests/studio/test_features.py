"""Looking inside the dilated network."""

from dataclasses import replace

import numpy as np
import pytest

from scgm.errors import ModelError
from scgm.image.intensities import for_methods
from scgm.image.orientation import AxialStack, to_axial
from scgm.phantom import Acquisition, Anatomy, make_phantom
from scgm.segmenters.onnx import load_model
from scgm.segmenters.registry import CordHint
from scgm.studio.features import BRANCHES, Seen, see


@pytest.fixture(scope="module")
def stack() -> AxialStack:
    phantom = make_phantom(Anatomy(), Acquisition(shape=(2, 160, 160)), seed=2)
    return to_axial(phantom.volume)


@pytest.fixture(scope="module")
def seen(stack: AxialStack) -> Seen:
    return see(stack, 1)


def test_the_maps_lead_to_the_probability_that_the_network_gives(
    stack: AxialStack, seen: Seen
) -> None:
    centre = np.full((2, 2), seen.centre_px, np.float32)
    found = load_model("ddc")(for_methods(stack), CordHint(centre_px=centre))

    # The sum over the window, in mm2, is that over the pixels of the slice.
    inside = seen.gm.sum() * 0.25**2
    assert seen.maps.shape == (6, 32, 112, 112)
    assert inside == pytest.approx(found.gm[1].sum() * stack.pixel_area_mm2, rel=0.01)
    assert seen.gm.max() == pytest.approx(found.gm[1].max(), abs=0.05)


def test_only_the_branch_that_is_taken_away_is_missing(seen: Seen) -> None:
    assert seen.without.shape == (6, 112, 112)
    # The mean of the window is the same everywhere: nothing changes without its places.
    mean = [branch.name for branch in BRANCHES].index("mean of the window")
    assert np.ptp(seen.maps[mean], axis=(1, 2)).max() == 0
    assert np.allclose(seen.without[mean], seen.gm, atol=1e-5)
    others = [i for i in range(6) if i != mean]
    assert all(np.abs(seen.without[i] - seen.gm).max() > 0.05 for i in others)


def test_a_slice_without_a_cord_is_refused(stack: AxialStack) -> None:
    noise = np.random.default_rng(0).normal(100, 5, stack.slices.shape).astype(np.float32)

    with pytest.raises(ModelError, match="choose another slice"):
        see(replace(stack, slices=noise), 0)


def test_a_pixel_of_each_branch_depends_on_the_square_that_is_drawn() -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    from scgm.networks.ddc import PYRAMID_RATES, DeepDilatedNetwork  # noqa: PLC0415

    network = DeepDilatedNetwork(filters=1).eval()
    with torch.no_grad():
        for weight in network.parameters():
            weight.abs_()  # so that nothing cancels, and ReLU lets everything through
    image = torch.rand(1, 1, 131, 131, requires_grad=True)
    features = network.dilated(network.stem(image))
    branches = [network.point, *network.pyramid]
    names = ["no dilation", *(f"dilation {rate}" for rate in PYRAMID_RATES)]
    reach = {branch.name: branch.reach for branch in BRANCHES}
    for name, branch in zip(names, branches, strict=True):
        (gradient,) = torch.autograd.grad(
            branch(features)[..., 65, 65].sum(), image, retain_graph=True
        )
        rows = np.flatnonzero(gradient[0, 0].abs().sum(dim=1).numpy())
        assert rows.max() - rows.min() + 1 == reach[name]
