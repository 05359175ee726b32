"""Scores of a model on labeled stacks, in native space, by the same graph that is exported."""

from typing import Any

import torch
from torch import Tensor

from scgm.networks.graph import CordAndGrayMatter
from scgm.training.data import LabeledStack, centres_mm, cord_region


@torch.no_grad()
def score(model: CordAndGrayMatter, stack: LabeledStack) -> dict[str, Any]:
    """Score one stack: mean 2D Dice over the labeled slices, and how well the cord was found.

    ``gm_dice_centred`` has the window put on the label's centre: what the segmentation network
    does when the cord finder makes no error.
    """
    assert stack.image is not None
    device = next(model.parameters()).device
    image, spacing = stack.image.to(device), torch.tensor(stack.spacing_mm, device=device)
    nowhere = torch.full((image.shape[0], 2), float("nan"), device=device)
    gm, cord, centre, presence = (part.cpu() for part in model(image, spacing, nowhere))
    region = cord_region(stack)
    truth = centres_mm(region, stack.pixel) / stack.pixel
    labeled = ~truth[:, 0].isnan()
    error = ((centre - truth) * stack.pixel).norm(dim=1)[labeled]
    row: dict[str, Any] = {
        "image": str(stack.source.image),
        "site": stack.source.site,
        "slices": int(labeled.sum()),
        "found_3mm": float((error <= 3).float().mean()),
        "worst_mm": round(float(error.max()), 2),
        "presence_min": round(float(presence[labeled].min()), 3),
    }
    if stack.gm is not None:
        row["gm_dice"] = mean_dice(gm, stack.gm)
        given = torch.where(labeled[:, None], truth, torch.zeros_like(truth)).to(device)
        row["gm_dice_centred"] = mean_dice(model(image, spacing, given)[0].cpu(), stack.gm)
    if stack.cord is not None:
        row["cord_dice"] = mean_dice(cord, stack.cord)
    return row


def mean_dice(probability: Tensor, label: Tensor) -> float:
    """Mean over the slices (Z, Y, X) that have a label of the Dice at 0.5."""
    predicted, reference = probability >= 0.5, label >= 0.5
    overlap = (predicted & reference).sum(dim=(1, 2))
    total = predicted.sum(dim=(1, 2)) + reference.sum(dim=(1, 2))
    labeled = reference.any(dim=2).any(dim=1)
    return round(float((2 * overlap / total)[labeled].mean()), 4)
