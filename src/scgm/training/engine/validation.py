"""Scores on labeled stacks, in native space, computed as in the graph that is exported."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from scgm.networks.graph import CordAndGrayMatter
from scgm.networks.preparation import Windows
from scgm.segmenters.presence import is_present
from scgm.training.data.examples import LabeledStack, centers_mm, cord_region
from scgm.training.engine.pictures import Shown

SHOWN_MM = 24.0


@torch.no_grad()
def score(model: CordAndGrayMatter, stack: LabeledStack) -> dict[str, Any]:
    """Score one stack: mean 2D Dice over the labeled slices, and how well the cord was found.

    ``slices`` counts those with a cord, ``gm_slices`` those in which gray matter is drawn.
    ``left_empty`` is the share of the slices without a cord in which none is found.
    ``gm_dice_centered`` has the window on the center of the label: the result of the segmentation
    network if the cord finder makes no error.
    """
    assert stack.image is not None
    device = next(model.parameters()).device
    image, spacing = stack.image.to(device), torch.tensor(stack.spacing_mm, device=device)
    nowhere = torch.full((image.shape[0], 2), float("nan"), device=device)
    gm, cord, centre, presence = (part.cpu() for part in model(image, spacing, nowhere))
    region = cord_region(stack)
    truth = centers_mm(region, stack.pixel) / stack.pixel
    labeled = ~truth[:, 0].isnan()
    error = ((centre - truth) * stack.pixel).norm(dim=1)[labeled]
    row: dict[str, Any] = {
        "image": str(stack.source.image),
        "site": stack.source.site,
        "rater": stack.source.rater,
        "slices": int(labeled.sum()),
    }
    if bool(labeled.any()) and not stack.source.centers:  # no label: their centers are rough
        row["found_3mm"] = float((error <= 3).float().mean())
        row["worst_mm"] = round(float(error.max()), 2)
        row["presence_min"] = round(float(presence[labeled].min()), 3)
    if bool(stack.without_cord.any()):
        empty = ~is_present(presence.numpy(), stack.spacing_mm[0])[stack.without_cord.numpy()]
        row["left_empty"] = float(empty.mean())
    if stack.gm is not None:
        row["gm_slices"] = int(stack.gm_drawn.sum())
        row["gm_dice"] = round(mean_dice(gm, stack.gm), 4)
        given = torch.where(labeled[:, None], truth, torch.zeros_like(truth)).to(device)
        row["gm_dice_centered"] = round(
            mean_dice(model(image, spacing, given)[0].cpu(), stack.gm), 4
        )
    if stack.cord is not None:
        row["cord_dice"] = round(mean_dice(cord, stack.cord), 4)
    return row


def slice_dice(probability: Tensor, label: Tensor) -> Tensor:
    """Dice at 0.5 of every slice (Z,); NaN where the label is empty."""
    predicted, reference = probability >= 0.5, label >= 0.5
    overlap = (predicted & reference).sum(dim=(1, 2))
    total = predicted.sum(dim=(1, 2)) + reference.sum(dim=(1, 2))
    labeled = reference.any(dim=2).any(dim=1)
    return torch.where(labeled, 2 * overlap / total, float("nan"))


def mean_dice(probability: Tensor, label: Tensor) -> float:
    """Mean over the slices (Z, Y, X) that have a label of the Dice at 0.5."""
    return float(slice_dice(probability, label).nanmean())


@dataclass(frozen=True, slots=True, eq=False)
class Validation:
    """The mean over the images of their mean Dice, and slices to look at."""

    dice: float
    shown: list[Shown]


@torch.no_grad()
def validate(
    segmenter: nn.Module,
    stacks: Sequence[LabeledStack],
    windows: Windows = Windows(),  # noqa: B008 - frozen
) -> Validation:
    """Score a segmentation network with its windows on the centers of the labels.

    The score does not depend on the cord finder, which is trained before. Slices are not
    averaged with their neighbors.
    """
    # The computation of the graph, without its cord finder.
    model = CordAndGrayMatter(nn.Identity(), segmenter, replace(windows, along_mm=0.0))
    device = next(segmenter.parameters()).device
    means, shown = [], []
    for stack in stacks:
        assert stack.image is not None
        assert stack.gm is not None
        centre = centers_mm(cord_region(stack), stack.pixel)
        kept = stack.gm_drawn & ~centre[:, 0].isnan()
        images, label, centre = stack.image[kept], stack.gm[kept], centre[kept]
        spacing, counts = torch.tensor(stack.spacing_mm), torch.ones(len(images))
        known = (images, spacing, centre, centre.isfinite(), counts)
        inputs = (part.to(device) for part in known)
        found = model.segment(*inputs)[0].cpu()
        dice = slice_dice(found, label)
        means.append(float(dice.mean()))
        shown += [
            _shown(stack, (images[z], label[z], found[z]), centre[z], float(dice[z]))
            for z in range(len(images))
        ]
    return Validation(sum(means) / len(means), shown)


def _shown(
    stack: LabeledStack, maps: tuple[Tensor, Tensor, Tensor], centre_mm: Tensor, dice: float
) -> Shown:
    """Cut maps (y, x) to what lies around the cord."""
    cut = []
    for axis, pixel in enumerate(stack.pixel):
        middle, half = float(centre_mm[axis] / pixel), SHOWN_MM / 2 / float(pixel)
        cut.append(slice(max(round(middle - half), 0), max(round(middle + half), 0) + 1))
    image, label, found = (part[cut[0], cut[1]].numpy() for part in maps)
    name = stack.source.image.name.removesuffix(".nii.gz") if stack.source.image else ""
    _, row, column = stack.spacing_mm
    return Shown(f"{name[:28]}\nDice {dice:.2f}", image, label, found, (row, column))
