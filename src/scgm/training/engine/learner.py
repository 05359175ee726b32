"""A network with everything that changes in training: average, optimizer, random generators."""

import copy
import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from scgm.synthesis.draw import Draw
from scgm.training.config.settings import Stage
from scgm.training.engine.distributed import Team

WARM_UP = 100  # steps


def learning_rate(step: int, stage: Stage) -> float:
    """Return the rate of a step, as the stage's schedule has it."""
    if stage.schedule == "poly":
        epochs = math.ceil(stage.steps / stage.epoch_steps)
        return float(stage.learning_rate * (1 - step // stage.epoch_steps / epochs) ** 0.9)
    warm = min(1.0, (step + 1) / WARM_UP)
    progress = step / stage.steps
    return stage.learning_rate * warm * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * progress)))


class Learner:
    """One network in training.

    Attributes
    ----------
    shared
        The network as it is called in training: on several processes its gradients are averaged.
    averaged
        The moving average of the weights, in evaluation mode.
    best
        The averaged weights that scored best; empty before any did.
    """

    def __init__(self, network: nn.Module, stage: Stage, draw: Draw, team: Team) -> None:
        self.network = network.to(memory_format=torch.channels_last).train()  # type: ignore[call-overload]
        self.stage, self.draw, self.team = stage, draw, team
        self.shared = team.share(network)
        self.averaged = copy.deepcopy(network).eval()
        self.optimizer = torch.optim.AdamW(network.parameters(), weight_decay=stage.weight_decay)
        self.best: dict[str, Tensor] = {}
        self._losses: list[Tensor] = []

    def learn(self, loss: Tensor, step: int) -> bool:
        """Take one step down the loss; return false, and take none, if it is not finite."""
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(step, self.stage)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), self.stage.clip or math.inf)
        if not bool(torch.isfinite(loss.detach() + norm)):
            return False
        self.optimizer.step()
        self._average(min(self.stage.average, (step + 1) / (step + 10)))
        self._losses.append(loss.detach())
        return True

    def mean_loss(self) -> float:
        """Return the mean of the losses since the last call."""
        mean = float(torch.stack(self._losses).mean())
        self._losses.clear()
        return mean

    def remember(self) -> None:
        """Keep the average as it is now as the best."""
        self.best = {key: value.clone() for key, value in self.averaged.state_dict().items()}

    def chosen(self, keep: str) -> nn.Module:
        """Return the average, with its best weights if ``keep`` is "best" and there are any."""
        if keep == "best" and self.best:
            self.averaged.load_state_dict(self.best)
        return self.averaged

    @torch.no_grad()
    def _average(self, decay: float) -> None:
        """Move the averaged weights a little towards the network's; statistics are copied."""
        pairs = zip(
            self.averaged.state_dict().values(), self.network.state_dict().values(), strict=True
        )
        for kept, new in pairs:
            if kept.dtype.is_floating_point:
                kept.lerp_(new, 1 - decay)
            else:
                kept.copy_(new)

    def tensors(self) -> dict[str, Tensor]:
        """Return the whole state under names; all processes must call it together."""
        kept = {f"network.{key}": value for key, value in self.network.state_dict().items()}
        kept |= {f"average.{key}": value for key, value in self.averaged.state_dict().items()}
        kept |= {f"best.{key}": value for key, value in self.best.items()}
        moments = self.optimizer.state_dict()["state"]
        for index, (name, _) in enumerate(self.network.named_parameters()):
            for key, value in moments.get(index, {}).items():
                kept[f"optimizer.{name}.{key}"] = value
        if self._losses:
            kept["losses"] = torch.stack(self._losses)
        for kind, state in self._random().items():
            for rank, value in enumerate(self.team.gather(state)):
                kept[f"random.{kind}.{rank}"] = value
        return kept

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Set the whole state from what `tensors` returned."""
        device = self.team.device
        self.network.load_state_dict(_below(tensors, "network"))
        self.averaged.load_state_dict(_below(tensors, "average"))
        self.best = {key: value.to(device) for key, value in _below(tensors, "best").items()}
        self._losses = list(tensors["losses"].to(device)) if "losses" in tensors else []
        self._restore_optimizer(_below(tensors, "optimizer"))
        rank = self.team.rank
        torch.set_rng_state(tensors[f"random.torch.{rank}"])
        self.draw.generator.set_state(tensors[f"random.draw.{rank}"])
        if device.type == "cuda":
            torch.cuda.set_rng_state(tensors[f"random.cuda.{rank}"], device)

    def _random(self) -> dict[str, Tensor]:
        states = {"torch": torch.get_rng_state(), "draw": self.draw.generator.get_state()}
        if self.team.device.type == "cuda":
            states["cuda"] = torch.cuda.get_rng_state(self.team.device)
        return states

    def _restore_optimizer(self, tensors: Mapping[str, Tensor]) -> None:
        moments: dict[int, dict[str, Tensor]] = {}
        for index, (name, parameter) in enumerate(self.network.named_parameters()):
            for key, value in _below(tensors, name).items():
                if value.shape == parameter.shape:
                    # In the parameter's own layout, so that sums run in the same order.
                    moment = torch.empty_like(parameter).copy_(value)
                else:
                    moment = value
                moments.setdefault(index, {})[key] = moment
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": moments, "param_groups": groups})


def _below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Return the tensors whose names start with a prefix, without it."""
    start = f"{prefix}."
    return {
        key.removeprefix(start): value for key, value in tensors.items() if key.startswith(start)
    }
