"""The training loop: one page for both networks."""

import copy
import json
import math
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from scgm.errors import ScgmError
from scgm.training.config import Stage

LOG_EVERY = 50
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
    log: Path,
    *,
    name: str,
    report: Callable[[str], None],
) -> nn.Module:
    """Train a network and return the moving average of its weights, in evaluation mode.

    Parameters
    ----------
    loss_of
        Draws a batch and returns the loss of the network on it.
    log
        JSON lines: stage, step, loss, learning rate, samples per second.

    Raises
    ------
    ScgmError
        If the loss is not a number.
    """
    device = next(network.parameters()).device
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=stage.weight_decay)
    averaged = copy.deepcopy(network)
    network.train()
    started, running = time.perf_counter(), torch.zeros((), device=device)
    with log.open("a", encoding="utf-8") as lines:
        for step in range(stage.steps):
            for group in optimizer.param_groups:
                group["lr"] = learning_rate(step, stage)
            loss = loss_of(network)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(network.parameters(), 5.0)
            optimizer.step()
            _average(averaged, network, min(stage.average, (step + 1) / (step + 10)))
            running += loss.detach()
            if (step + 1) % LOG_EVERY == 0 or step + 1 == stage.steps:
                mean = float(running) / ((step % LOG_EVERY) + 1)
                running.zero_()
                rate = (step + 1) * stage.batch / (time.perf_counter() - started)
                row = {
                    "stage": name,
                    "step": step + 1,
                    "loss": round(mean, 5),
                    "per_s": round(rate),
                }
                lines.write(json.dumps(row) + "\n")
                lines.flush()
                report(f"{name} step {step + 1}/{stage.steps} loss {mean:.4f} {rate:.0f} images/s")
                if not math.isfinite(mean):
                    msg = f"{log}: the loss of {name} is not a number; lower its learning_rate"
                    raise ScgmError(msg)
    return averaged.eval()


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
