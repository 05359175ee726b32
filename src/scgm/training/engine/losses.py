"""Losses on soft targets."""

import torch
from torch import Tensor
from torch.nn import functional

SMOOTH = 1.0


def soft_dice_loss(probability: Tensor, target: Tensor, known: Tensor) -> Tensor:
    """1 - Dice of shares, over the whole batch at once.

    ``probability`` and ``target`` are (n, y, x), ``known`` (n, 1, 1) leaves samples out. Summing
    over the batch keeps slices with hardly any gray matter from dominating.
    """
    overlap = (probability * target * known).sum()
    total = ((probability + target) * known).sum()
    return 1 - (2 * overlap + SMOOTH) / (total + SMOOTH)


def segmentation_loss(
    logits: Tensor, targets: Tensor, known: Tensor, *, entropy_weight: float = 5.0
) -> Tensor:
    """Soft Dice and cross-entropy of cord and gray matter.

    Parameters
    ----------
    logits
        (n, 2, y, x): the cord, and gray matter given the cord.
    targets
        (n, 2, y, x) shares of cord and gray matter.
    known
        (n, 2, 1, 1), 0 where a sample has no label of that tissue.
    entropy_weight
        How much cross-entropy counts beside Dice; with 0 the loss is Dice alone.
    """
    cord = torch.sigmoid(logits[:, 0])
    gray = cord * torch.sigmoid(logits[:, 1])
    loss = torch.zeros((), device=logits.device)
    for index, (probability, weight) in enumerate(((cord, 1.0), (gray, 2.0))):
        target, use = targets[:, index], known[:, index]
        part = soft_dice_loss(probability, target, use)
        if entropy_weight:
            bounded = probability.clamp(1e-6, 1 - 1e-6)
            entropy = functional.binary_cross_entropy(bounded, target.clamp(0, 1), reduction="none")
            part = part + entropy_weight * (entropy * use).mean()
        loss = loss + weight * part
    return loss


def place_loss(logits: Tensor, targets: Tensor, weight: Tensor) -> Tensor:
    """Cross-entropy of places, "no cord" included: (n, places + 1) against shares that sum to 1."""
    entropy = -(targets * functional.log_softmax(logits, dim=1)).sum(dim=1)
    return (entropy * weight).sum() / weight.sum().clamp(min=1e-6)
