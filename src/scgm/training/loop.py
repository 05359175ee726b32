"""The training loop: one page for both networks."""

import copy
import json
import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from scgm.errors import ScgmError
from scgm.training.checkpoints import save_weights
from scgm.training.config import Stage

LOG_EVERY = 50
SAVE_EVERY = 500
Step = Callable[[nn.Module], Tensor]


def learning_rate(step: int, stage: Stage) -> float:
    """Warm up over 100 steps, then fall as half a cosine to 1 % of the configured rate."""
    warm = min(1.0, (step + 1) / 100)
    progress = step / stage.steps
    return stage.learning_rate * warm * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * progress)))


def fit(
    network: nn.Module,
    stage: Stage,
    loss_of: Step,
    folder: Path,
    *,
    name: str,
    report: Callable[[str], None],
) -> nn.Module:
    """Train a network and return the moving average of its weights, in evaluation mode.

    Parameters
    ----------
    loss_of
        Draws a batch and returns the loss of the network on it.
    folder
        Gets a line of ``log.jsonl`` every 50 steps (stage, step, loss, learning rate, samples per
        second), and the average as ``NAME.safetensors`` every 500.

    Raises
    ------
    ScgmError
        If the loss is not a number.
    """
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=stage.weight_decay)
    averaged = copy.deepcopy(network)
    network.train()
    started, losses = time.perf_counter(), []
    for step in range(stage.steps):
        rate = learning_rate(step, stage)
        for group in optimizer.param_groups:
            group["lr"] = rate
        loss = loss_of(network)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimizer.step()
        _average(averaged, network, min(stage.average, (step + 1) / (step + 10)))
        losses.append(loss.detach())
        done = step + 1
        if done % LOG_EVERY == 0 or done == stage.steps:
            mean = float(torch.stack(losses).mean())
            losses.clear()
            speed = done * stage.batch / (time.perf_counter() - started)
            row = {"stage": name, "step": done, "loss": mean, "rate": rate, "per_s": speed}
            _append(folder / "log.jsonl", row)
            report(f"{name} step {done}/{stage.steps} loss {mean:.4f} {speed:.0f} images/s")
            if not math.isfinite(mean):
                msg = f"{folder}: the loss of {name} is not a number; lower its learning_rate"
                raise ScgmError(msg)
        if done % SAVE_EVERY == 0:
            save_weights(averaged, folder / f"{name}.safetensors")
    return averaged.eval()


def _append(log: Path, row: Mapping[str, object]) -> None:
    """Add a line, with numbers of five digits."""
    short = {key: float(f"{x:.5g}") if isinstance(x, float) else x for key, x in row.items()}
    with log.open("a", encoding="utf-8") as lines:
        lines.write(json.dumps(short) + "\n")


def forward(network: nn.Module, images: Tensor) -> Tensor:
    """Run a network, on a GPU in mixed precision, and return float32."""
    kind = images.device.type
    images = images.contiguous(memory_format=torch.channels_last)
    with torch.autocast(kind, torch.bfloat16, enabled=kind == "cuda"):
        output: Tensor = network(images)
    return output.float()


@torch.no_grad()
def _average(averaged: nn.Module, network: nn.Module, decay: float) -> None:
    """Move the averaged weights a little towards the network's; statistics are copied."""
    pairs = zip(averaged.state_dict().values(), network.state_dict().values(), strict=True)
    for kept, new in pairs:
        if kept.dtype.is_floating_point:
            kept.lerp_(new, 1 - decay)
        else:
            kept.copy_(new)
