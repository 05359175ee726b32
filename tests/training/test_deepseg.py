"""DEEPSEG: its layers, its pre-training, its loss, its painted stacks and its exported graph."""

import copy
import itertools
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from pydantic import ValidationError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from scgm.errors import ConfigError, ScgmError
from scgm.networks.cord_finder import CordFinder
from scgm.networks.deepseg import (
    GRAY_BOX,
    PIXEL_MM,
    Cascade,
    CascadeGraph,
    EncoderNetwork,
    SliceConv,
    flipped,
    neighbors,
    standard_boxes,
    unpool,
)
from scgm.networks.graph import cut_windows, middle_of
from scgm.synthesis.deformation import Deformation
from scgm.synthesis.draw import Draw
from scgm.synthesis.people import WIDER
from scgm.synthesis.stacks import stack_batch
from scgm.synthesis.windows import Crops
from scgm.training.config.read import DEFAULT_RECIPE, read_config
from scgm.training.config.settings import DeepsegStage, Stage, TrainConfig
from scgm.training.engine.boltzmann import ConvolutionalRBM, Schedule, Trained, pretrain, start_from
from scgm.training.engine.checkpoints import load_checkpoint
from scgm.training.engine.compute import Compute
from scgm.training.engine.deepseg import (
    GRAY_BENT,
    choose_threshold,
    error_of,
    parts_of,
    start_at,
    train_cascade,
)
from scgm.training.engine.distributed import Team
from scgm.training.engine.run import train
from scgm.training.engine.session import Report, Session
from scgm.training.engine.state import State, read_state
from scgm.training.export import INPUTS, export, graph_difference, write_graph
from tests.helpers.training_files import silent, write_data


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


# Layers


def test_a_kernel_over_three_slices_is_a_three_dimensional_convolution() -> None:
    """Beyond its ends the stack goes on as it ends; rows and columns are padded with zeros."""
    layer = SliceConv(2, 5, 3)
    stack = random(4, 2, 6, 7)
    kernel = layer.weight.reshape(5, 3, 2, 3, 3).transpose(1, 2)  # (outputs, inputs, 3, 3, 3)
    longer = torch.cat([stack[:1], stack, stack[-1:]]).transpose(0, 1)[None]
    expected = functional.conv3d(longer, kernel, layer.bias, padding=(0, 1, 1))[0].transpose(0, 1)

    assert torch.allclose(layer(stack, 1), expected, atol=1e-5)


def test_stacks_do_not_see_each_other() -> None:
    first, second = random(3, 1, 4, 4), random(3, 1, 4, 4, seed=1)
    both = neighbors(torch.cat([first, second]), 2)

    assert torch.equal(both, torch.cat([neighbors(first, 1), neighbors(second, 1)]))


def test_flipped_kernels_transpose_the_convolution() -> None:
    """<h, W v> = <W' h, v> for maps that are 0 at the ends of the stack."""
    layer = SliceConv(2, 3, 5, bias=False)
    back = SliceConv(3, 2, 5, bias=False)
    with torch.no_grad():
        back.weight.copy_(flipped(layer.weight))
    below, above = random(5, 2, 8, 9), random(5, 3, 8, 9, seed=1)
    for maps in (below, above):
        maps[[0, -1]] = 0

    forth = (above * layer(below, 1)).sum()
    assert forth.item() == pytest.approx((back(above, 1) * below).sum().item(), rel=1e-4)
    assert torch.equal(flipped(flipped(layer.weight)), layer.weight)


def test_unpooling_repeats_each_pixel() -> None:
    maps = random(2, 3, 4, 5)

    assert torch.equal(unpool(maps), maps.repeat_interleave(2, -1).repeat_interleave(2, -2))
    assert torch.allclose(functional.avg_pool2d(unpool(maps), 2), maps)


def test_a_layer_on_the_way_up_sums_the_deeper_maps_and_those_of_its_mirror() -> None:
    """Written out: the eleven layers, input and output included."""
    network = EncoderNetwork(3, (5, 3, 3))
    stack = random(2, 8, 12)
    (conv1, conv2, conv3), (back1, back2, back3) = network.conv, network.deconv
    short1, short2 = network.shortcut
    first = conv1(stack[:, None], 1).relu()
    second = conv2(functional.avg_pool2d(first, 2), 1).relu()
    third = conv3(functional.avg_pool2d(second, 2), 1).relu()
    up3 = back3(third, 1).relu()
    up2 = (back2(unpool(up3), 1) + short2(second, 1)).relu()
    output = back1(unpool(up2), 1) + short1(first, 1)

    assert torch.allclose(network(stack[None])[0], output[:, 0], atol=1e-6)


def test_nothing_is_pooled_along_the_cord() -> None:
    """Six convolutions over three slices reach six slices away, and no further."""
    network = EncoderNetwork(2, (3, 3, 3))
    for layer in network.modules():
        if isinstance(layer, SliceConv):
            nn.init.constant_(layer.weight, 0.05)
    stack = torch.zeros(1, 17, 8, 8, requires_grad=True)
    network(stack + 1)[0, 8].sum().backward()
    assert stack.grad is not None
    seen = stack.grad[0].abs().sum(dim=(1, 2)) > 0

    assert torch.nonzero(seen)[:, 0].tolist() == list(range(8 - 6, 8 + 7))


# Boltzmann machines


def machine(visible: int = 1, hidden: int = 2, kernel: int = 3) -> ConvolutionalRBM:
    return ConvolutionalRBM(SliceConv(visible, hidden, kernel), Draw(0))


def test_the_gradient_is_what_data_and_reconstruction_differ_in() -> None:
    """For each kernel minus corr(v0, h0) - corr(v1, h1), summed pixel by pixel on paper."""
    rbm = machine()
    data = random(3, 1, 4, 5)
    kept: list[tuple[Tensor, Tensor]] = []
    plain = rbm.energy

    def noted(visible: Tensor, hidden: Tensor, stacks: int) -> Tensor:
        kept.append((visible, hidden))
        return plain(visible, hidden, stacks)

    rbm.energy = noted  # type: ignore[method-assign]
    rbm.divergence(data, 1)[0].backward()  # type: ignore[no-untyped-call]
    expected = torch.zeros_like(rbm.kernel)
    for sign, (visible, hidden) in zip((1, -1), kept, strict=True):
        for unit, slice_, row, column in itertools.product(range(2), range(3), range(4), range(5)):
            value = hidden[slice_, unit, row, column]
            for beside, down, right in itertools.product((-1, 0, 1), repeat=3):
                y, x = row + down, column + right
                if 0 <= y < 4 and 0 <= x < 5:
                    z = min(max(slice_ + beside, 0), 2)
                    tap = (unit, beside + 1, down + 1, right + 1)
                    expected[tap] -= sign * value * visible[z, 0, y, x]
    (v0, h0), (v1, h1) = kept

    assert torch.equal(v0, data)
    assert rbm.kernel.grad is not None
    assert torch.allclose(rbm.kernel.grad, expected / data.numel(), atol=1e-5)
    assert rbm.hidden_bias.grad is not None
    difference = (h0 - h1).sum(dim=(0, 2, 3)) / data.numel()
    assert torch.allclose(rbm.hidden_bias.grad, -difference, atol=1e-5)
    assert rbm.visible_bias.grad is not None
    assert rbm.visible_bias.grad.item() == pytest.approx((v1 - v0).mean().item(), abs=1e-5)


def test_without_hidden_weights_the_visible_bias_becomes_the_mean_of_the_data() -> None:
    rbm = machine(visible=2)
    nn.init.zeros_(rbm.kernel)
    data = random(4, 2, 6, 6) + torch.tensor([3.0, -1.0])[:, None, None]
    optimizer = torch.optim.SGD([rbm.visible_bias], lr=0.2)
    for _ in range(100):
        optimizer.zero_grad()
        rbm.divergence(data, 1)[0].backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    assert torch.allclose(rbm.visible_bias, data.mean(dim=(0, 2, 3)), atol=1e-4)


def test_hidden_units_have_the_noise_of_rectified_ones() -> None:
    """Far above 0 the unit is its drive with variance 1, far below it is silent."""
    rbm = machine(hidden=1)
    nn.init.zeros_(rbm.kernel)
    for drive, mean, deviation in ((20.0, 20.0, 1.0), (-20.0, 0.0, 0.0)):
        nn.init.constant_(rbm.hidden_bias, drive)
        units = rbm.hidden(torch.zeros(4, 1, 64, 64), 1)

        assert units.mean().item() == pytest.approx(mean, abs=0.05)
        assert units.std().item() == pytest.approx(deviation, abs=0.05)


def painted_like() -> list[Tensor]:
    """Stacks of soft bars in random directions, of variance 1."""
    stacks = []
    for seed in range(4):
        angle, phase = random(2, 1, 1, 1, seed=seed) * 3
        axis = torch.arange(16.0)
        wave = torch.sin((axis[:, None] * angle.cos() + axis[None] * angle.sin()) * 0.8 + phase)
        stacks.append((wave / wave.std()).expand(2, 3, 16, 16).clone())
    return stacks


@pytest.mark.slow
def test_pre_training_lowers_the_error_of_every_machine() -> None:
    network = EncoderNetwork(8, (5, 3, 3))
    trained = pretrain(network, painted_like(), Schedule(epochs=20, learning_rate=2e-3), Draw(0))

    assert len(trained) == 3
    for each in trained:
        assert np.mean(each.errors[-4:]) < 0.7 * np.mean(each.errors[:4])


def test_pre_training_that_blows_up_is_refused() -> None:
    network = EncoderNetwork(8, (5, 3, 3))

    with pytest.raises(ScgmError, match="lower pretraining_rate"):
        pretrain(network, painted_like(), Schedule(epochs=10, learning_rate=10.0), Draw(0))


def test_kernels_start_the_convolutions_and_flipped_the_deconvolutions() -> None:
    network = EncoderNetwork(4, (5, 3, 3))
    machines: list[ConvolutionalRBM] = []
    for layer in network.conv:
        assert isinstance(layer, SliceConv)
        machines.append(ConvolutionalRBM(layer, Draw(len(machines))))
    start_from(network, [Trained(each, 1.0, ()) for each in machines])

    for index, rbm in enumerate(machines):
        conv, deconv = network.conv[index], network.deconv[index]
        assert isinstance(conv, SliceConv)
        assert isinstance(deconv, SliceConv)
        assert torch.equal(conv.weight, rbm.kernel)
        back = deconv.weight
        if index < 2:
            shortcut = network.shortcut[index]
            assert isinstance(shortcut, SliceConv)
            back = back + shortcut.weight
        assert torch.allclose(back, flipped(rbm.kernel))


def test_a_started_network_reconstructs_as_its_machines_do() -> None:
    """The scale of the data lies in the kernels: conv then deconv is the machine's mean path."""
    network = EncoderNetwork(4, (5, 3, 3))
    layer, back = network.conv[2], network.deconv[2]
    assert isinstance(layer, SliceConv)
    rbm = ConvolutionalRBM(layer, Draw(0))
    nn.init.constant_(rbm.hidden_bias, 0.3)
    nn.init.constant_(rbm.visible_bias, 0.7)
    others = [Trained(machine(hidden=4, kernel=5), 1.0, ()), Trained(machine(4, 4), 1.0, ())]
    start_from(network, [*others, Trained(rbm, 2.5, ())])
    maps = random(3, 4, 6, 6)
    expected = 2.5 * rbm.visible(rbm.drive(maps / 2.5, 1).relu(), 1)

    assert torch.allclose(back(layer(maps, 1).relu(), 1), expected, atol=1e-5)


# Loss


def test_the_gradient_of_the_loss_is_the_closed_form() -> None:
    """dE/dy = 2 r S (y - S) / sum S + 2 (1 - r) (1 - S) (y - S) / sum (1 - S)."""
    truth = (random(1, 2, 5, 5) > 0.8).float()
    found = torch.rand(1, 2, 5, 5, generator=torch.Generator().manual_seed(1)).requires_grad_()
    error_of(found, truth, 0.05).backward()  # type: ignore[no-untyped-call]
    within = 2 * 0.05 * truth * (found - truth) / truth.sum()
    without = 2 * 0.95 * (1 - truth) * (found - truth) / (1 - truth).sum()
    assert found.grad is not None

    assert torch.allclose(found.grad, (within + without).detach(), atol=1e-7)


@pytest.mark.parametrize(("found", "error"), [(0.0, 0.05), (1.0, 0.95), (0.5, 0.25)])
def test_the_loss_weighs_a_missed_tissue_by_r_and_a_false_one_by_the_rest(
    found: float, error: float
) -> None:
    truth = torch.zeros(1, 1, 4, 4)
    truth[..., :2] = 1

    assert error_of(torch.full_like(truth, found), truth, 0.05).item() == pytest.approx(error)


def test_a_stack_without_the_tissue_has_only_the_second_part() -> None:
    nothing, half = torch.zeros(1, 1, 4, 4), torch.full((1, 1, 4, 4), 0.5)

    assert error_of(half, nothing, 0.05).item() == pytest.approx(0.95 * 0.25)
    assert error_of(half, nothing + 1, 0.05).item() == pytest.approx(0.05 * 0.25)


# Painted stacks


STILL = Deformation(
    rotation=0, free_rotation=0, scale=(1, 1), aspect=0, shear=0, shift_mm=0, elastic_mm=0
)


def crops(count: int = 12) -> Crops:
    """Round cords with a bar of gray matter that becomes wider from slice to slice."""
    axis = torch.arange(160) - 79.5
    away = (axis[:, None] ** 2 + axis[None] ** 2).sqrt()
    cord = (away < 20).float().expand(count, 160, 160).clone()
    gm = torch.stack([(away < 6 + 0.5 * n).float() for n in range(count)])
    flag = torch.ones(count, dtype=torch.bool)
    return Crops(
        gm=gm,
        cord=cord,
        image=torch.zeros_like(gm),
        has_image=~flag,
        knows_gm=flag,
        knows_cord=flag,
        neighbor=(torch.arange(count) + 1).clamp(max=count - 1),
        weight=torch.ones(count),
    )


def test_painted_stacks_show_cords_with_other_white_matter() -> None:
    """Nothing else changes the ratio of cord to gray matter where shapes are not bent."""
    alike = replace(crops(), gm=crops().gm[:1].expand(12, -1, -1))
    batch = stack_batch(alike, 25, 4, GRAY_BOX, STILL, Draw(3))
    drawn = alike.cord[0].sum() / alike.gm[0].sum()
    ratio = batch.cord.sum(dim=(1, 2, 3)) / batch.gm.sum(dim=(1, 2, 3)) / drawn
    narrow, wide = ratio.quantile(torch.tensor([0.1, 0.9])).sqrt()

    assert narrow < 0.99
    assert wide > 1.1


def test_painted_stacks_show_the_shape_that_they_are_labeled_with() -> None:
    """Area of the cord in mm2 as drawn (pi 5^2), but for bending and for other white matter."""
    batch = stack_batch(crops(), 6, 4, GRAY_BOX, GRAY_BENT, Draw(3))
    areas = batch.cord.sum(dim=(2, 3)) * PIXEL_MM**2
    bent, (narrower, wider) = (0.5, 1.8), WIDER

    assert batch.images.shape == batch.gm.shape == (6, 4, GRAY_BOX, GRAY_BOX)
    assert bool((areas / (math.pi * 25) > bent[0] * narrower**2).all())
    assert bool((areas / (math.pi * 25) < bent[1] * wider**2).all())
    assert bool((batch.gm <= batch.cord + 0.05).all())
    assert bool(torch.isfinite(batch.images).all())


def test_the_same_seed_paints_the_same_stacks() -> None:
    first, second = (stack_batch(crops(), 2, 3, 16, GRAY_BENT, Draw(7)) for _ in range(2))

    assert torch.equal(first.images, second.images)


# Training


def small() -> DeepsegStage:
    step = Stage(steps=2, batch=2)
    return DeepsegStage(
        cord=step,
        gray=step,
        cord_filters=2,
        gray_filters=2,
        depth=2,
        pretraining_batches=1,
        pretraining_epochs=1,
        threshold_batches=1,
    )


def session(folder: Path, report: Report, earlier: State | None = None) -> Session:
    folder.mkdir(exist_ok=True)
    cpu = torch.device("cpu")
    return Session(TrainConfig(), folder, Team(cpu), Compute(cpu), report, earlier, 0.0)


@pytest.mark.slow
def test_training_gives_two_networks_and_leaves_their_weights_behind(tmp_path: Path) -> None:
    lines: list[str] = []
    cascade, place = train_cascade(small(), crops(), session(tmp_path, lines.append))

    assert (place.stage, place.step) == ("gray", 2)
    assert sum("machine" in line for line in lines) == 6
    assert not cascade.training
    for name in ("cord", "gray"):
        kept = load_file(tmp_path / f"{name}.safetensors")
        made = getattr(cascade, name).state_dict()
        assert all(torch.equal(kept[key], value) for key, value in made.items())


@pytest.mark.slow
def test_training_that_was_cut_off_goes_on_to_the_same_networks(tmp_path: Path) -> None:
    class Cut(Exception):
        pass

    def until_gray_matter(line: str) -> None:
        if line.startswith("gray 2/2"):
            raise Cut

    whole, _ = train_cascade(small(), crops(), session(tmp_path / "whole", lambda line: None))
    folder = tmp_path / "cut"
    with pytest.raises(Cut):
        train_cascade(small(), crops(), session(folder, until_gray_matter))
    again = session(folder, lambda line: None, read_state(folder))
    resumed, _ = train_cascade(small(), crops(), again)

    assert again.earlier is not None
    assert again.earlier.place.stage == "gray"
    for key, value in whole.state_dict().items():
        assert torch.equal(resumed.state_dict()[key], value), key


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"depth": 3}, "cord.batch = 4 is no multiple of depth = 3"),
        ({"gray": Stage(batch=4, start="default")}, "start from their pre-training"),
        ({"depths": 3}, "Extra inputs"),
    ],
)
def test_a_section_that_makes_no_sense_is_refused(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        DeepsegStage(**({"cord": Stage(batch=4)} | changed))


def test_the_threshold_that_agrees_best_becomes_one_half() -> None:
    """A network that knows the answer, but says 0.35 where it is sure and 0.25 where it is not."""
    batch = stack_batch(crops(), 2, 2, 32, GRAY_BENT, Draw(0))

    class Faint(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            return torch.logit(torch.where(batch.gm >= 0.5, 0.36, 0.24))

    assert 0.24 < choose_threshold(Faint(), parts_of(DeepsegStage())[1], lambda: batch, 1) <= 0.36


# Graph


def cascade_graph() -> CascadeGraph:
    torch.manual_seed(0)
    return CascadeGraph(CordFinder((4, 4, 8)), Cascade(3, 4)).eval()


def test_the_graph_equals_the_networks_for_any_number_of_slices(tmp_path: Path) -> None:
    model = cascade_graph()
    path = tmp_path / "model.onnx"
    write_graph(model, path)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])

    assert graph_difference(model, path) < 1e-4
    for count in (1, 2, 5):
        image = random(count, 70, 81).abs() * 100
        spacing = torch.tensor([4.0, 0.6, 0.7])
        centre = torch.tensor([[33.0, 40.0]]).expand(count, 2).clone()
        with torch.no_grad():
            expected = model(image, spacing, centre)
        inputs = dict(zip(INPUTS, (part.numpy() for part in (image, spacing, centre)), strict=True))
        for ours, theirs in zip(expected, session.run(None, inputs), strict=True):
            assert np.abs(ours.numpy() - theirs).max() < 1e-4


def test_gray_matter_lies_within_the_cord_and_a_given_center_stays() -> None:
    image = random(3, 90, 80).abs()
    centre = torch.tensor([[40.0, 41.0], [math.nan, math.nan], [30.0, 44.5]])
    with torch.no_grad():
        gm, cord, found, presence = cascade_graph()(image, torch.tensor([5.0, 0.5, 0.5]), centre)

    assert gm.shape == cord.shape == image.shape
    assert bool((gm <= cord).all())
    assert torch.allclose(found[[0, 2]], centre[[0, 2]])
    assert bool(torch.isfinite(found).all())
    assert presence[[0, 2]].tolist() == [1, 1]


class Bright(nn.Module):
    """A network that takes bright pixels for the tissue."""

    def __init__(self, level: float) -> None:
        super().__init__()
        self.level = level

    def forward(self, images: Tensor) -> Tensor:  # noqa: D102
        return (images - self.level) * 50


class OneCorner(nn.Module):
    """A finder that is sure of the first coarse pixel that it is shown as bright."""

    def forward(self, images: Tensor) -> Tensor:  # noqa: D102
        places = torch.zeros(images.flatten(1).shape)
        places[torch.arange(len(images)), (images.flatten(1) > 0.3).int().argmax(dim=1)] = 99.0
        return torch.cat([places, torch.zeros(len(images), 1)], dim=1)


def test_the_crop_for_gray_matter_is_put_on_the_cord_that_was_found() -> None:
    """The finder points to the cord's edge, 7 mm off; the answer is the cord's middle."""
    axis = torch.arange(160) * 0.5

    def disc(radius: float) -> Tensor:
        away = (axis[:, None] - 38.0) ** 2 + (axis[None] - 43.0) ** 2
        return (away <= radius**2).float()[None]

    networks = Cascade(1, 1)
    # Halfway between two brightnesses, in deviations of the box and of the crop.
    networks.add_module("cord", Bright(1.05))
    networks.add_module("gray", Bright(1.78))
    image = disc(7.1) + disc(3.1)
    model = CascadeGraph(OneCorner(), networks)
    gm, cord, middle, _ = model(image, torch.tensor([5.0, 0.5, 0.5]), torch.full((1, 2), math.nan))

    assert (middle[0] * 0.5).tolist() == pytest.approx([38.0, 43.0], abs=0.1)
    for found, truth in ((cord[0] >= 0.5, disc(7.1)[0] > 0), (gm[0] >= 0.5, disc(3.1)[0] > 0)):
        assert (2 * (found & truth).sum() / (found.sum() + truth.sum())).item() > 0.95


def test_what_lies_too_far_from_the_place_that_was_found_is_no_cord() -> None:
    """Two bright discs in one box, 20 mm apart; a center is given in the first one."""
    axis = torch.arange(160) * 0.5
    discs = [(axis[:, None] - 40) ** 2 + (axis[None] - at) ** 2 <= 5**2 for at in (36.0, 56.0)]
    networks = Cascade(1, 1)
    networks.add_module("cord", Bright(1.0))
    networks.add_module("gray", Bright(1.0))
    image = (discs[0] | discs[1]).float()[None]
    given = torch.tensor([[80.0, 72.0]])
    _, cord, _, _ = CascadeGraph(OneCorner(), networks)(image, torch.tensor([5.0, 0.5, 0.5]), given)

    assert (cord[0] >= 0.5)[discs[0]].float().mean() > 0.9
    assert (cord[0] >= 0.5)[discs[1]].float().mean() < 0.1


def test_where_no_cord_is_found_the_crop_stays_where_the_box_is() -> None:
    position = torch.arange(4.0)[None]
    box = torch.tensor([[7.0, 8.0]])

    assert torch.equal(middle_of(torch.zeros(1, 4, 4), position, position, box), box)


def test_a_box_is_standardized_whatever_the_scanners_unit() -> None:
    image = random(2, 60, 60).abs()
    pixel, centre = torch.tensor([0.5, 0.5]), torch.full((2, 2), 15.0)
    boxes, inside, _ = cut_windows(image, pixel, centre, GRAY_BOX, PIXEL_MM)
    scaled, _, _ = cut_windows(image * 700 + 50, pixel, centre, GRAY_BOX, PIXEL_MM)

    assert torch.allclose(standard_boxes(boxes, inside), standard_boxes(scaled, inside), atol=1e-3)
    assert standard_boxes(boxes, inside)[inside.expand_as(boxes) == 0].abs().sum() == 0


def test_a_copy_of_the_network_keeps_its_level() -> None:
    """It is a part of what is saved: the threshold must not be lost on the way to the graph."""
    network = EncoderNetwork(2)
    network.level.fill_(-1.5)
    other = EncoderNetwork(2)
    other.load_state_dict(copy.deepcopy(network.state_dict()))
    stack = random(1, 1, 8, 8)

    assert torch.equal(network(stack), other(stack))
    assert other.level.item() == -1.5


def test_before_training_the_answer_is_as_faint_as_the_tissue_is_rare() -> None:
    """With kernels of 0 the output is r of the loss, the constant with the least error."""
    network = EncoderNetwork(2)
    for layer in network.modules():
        if isinstance(layer, SliceConv):
            nn.init.zeros_(layer.weight)
    start_at(network, 0.2)
    found = torch.sigmoid(network(random(1, 2, 8, 8)))
    truth = torch.zeros(1, 1, 4, 4)
    truth[..., 0] = 1
    errors = [error_of(torch.full_like(truth, y), truth, 0.2).item() for y in (0.15, 0.2, 0.25)]

    assert torch.allclose(found, torch.tensor(0.2))
    assert min(errors) == errors[1]


@pytest.mark.parametrize("setting", ['start="default"', "pixel_mm=0.5", 'augmentation="ddc-2018"'])
def test_what_the_cascade_would_leave_aside_is_refused(setting: str) -> None:
    changes = ("segmenter.network=deepseg", f"segmenter.{setting}", "segmenter.real_share=1")
    with pytest.raises(ConfigError, match=setting.split("=", maxsplit=1)[0]):
        read_config(DEFAULT_RECIPE, changes if "2018" in setting else changes[:2])


@pytest.mark.slow
def test_a_whole_run_trains_exports_and_resumes(tmp_path: Path) -> None:
    data = write_data(tmp_path)
    tiny = {
        "name": "deepseg",
        "segmenter.network": "deepseg",
        "deepseg.cord.steps": 2,
        "deepseg.cord.batch": 4,
        "deepseg.gray.steps": 2,
        "deepseg.gray.batch": 4,
        "deepseg.cord_filters": 2,
        "deepseg.gray_filters": 2,
        "deepseg.pretraining_batches": 1,
        "deepseg.threshold_batches": 1,
    }
    config = read_config(
        data / "recipe.toml", tuple(f"{key}={value}" for key, value in tiny.items())
    )

    def until_gray_matter(line: str) -> None:
        if line.startswith("gray 2/2"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(config, data, tmp_path / "run", device="cpu", report=until_gray_matter)
    train(config, data, tmp_path / "run", device="cpu", report=silent, resume=True)
    model, _, record = load_checkpoint(tmp_path / "run")
    written = export(tmp_path / "run", tmp_path / "m.onnx", description="tiny")
    card = json.loads(written.read_text())

    assert isinstance(model, CascadeGraph)
    assert graph_difference(model, tmp_path / "m.onnx") < 1e-4
    assert card["method"] == "deepseg"
    assert card["training"]["deepseg"]["gray"]["steps"] == 2
    assert card["reach_slices"] == 12  # two networks, six layers that see a slice to either side
    assert record["choice"]["kept"] == "last"
    assert [row["site"] for row in record["scores"]] == ["b"]
