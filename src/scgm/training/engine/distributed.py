"""Several processes that train one network, each on different batches (torchrun).

Every process has the same network; gradients are averaged over the processes, so the weights stay
the same. Only the first one, the lead, writes and reports.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from scgm.errors import ConfigError

# Between the seeds of two processes; seeds of the stages of one process differ by a few.
SEED_STRIDE = 1_000_003


@dataclass(frozen=True, slots=True)
class Team:
    """The processes of a run: how many, and which of them this one is."""

    device: torch.device
    rank: int = 0
    size: int = 1

    @property
    def lead(self) -> bool:
        """Whether this process writes and reports."""
        return self.rank == 0

    def seed(self, seed: int) -> int:
        """Return the seed of this process; that of the lead is the one given."""
        return seed + SEED_STRIDE * self.rank

    def wait(self) -> None:
        """Wait until all processes are here."""
        if self.size > 1:
            distributed.barrier()

    def agree(self, value: float) -> float:
        """Return the lead's value."""
        if self.size == 1:
            return value
        shared = torch.tensor(value, dtype=torch.float64, device=self.device)
        distributed.broadcast(shared, src=0)
        return float(shared)

    def gather(self, value: Tensor) -> list[Tensor]:
        """Return the tensors of all processes, in their order; all of one shape."""
        if self.size == 1:
            return [value]
        here = value.to(self.device)
        all_of_them = [torch.empty_like(here) for _ in range(self.size)]
        distributed.all_gather(all_of_them, here)
        return [one.cpu() for one in all_of_them]

    def share(self, network: nn.Module) -> nn.Module:
        """Return the network to call in training: its gradients are those of all processes."""
        if self.size == 1:
            return network
        return DistributedDataParallel(network)


@contextmanager
def team(device: torch.device) -> Iterator[Team]:
    """Join the processes that torchrun started; without torchrun there is one.

    ``device`` may be a GPU without a number: each process on a machine takes another one.

    Raises
    ------
    ConfigError
        If the variables that torchrun sets make no sense.
    """
    named = os.environ.get("WORLD_SIZE", "1")
    if not named.isdecimal() or int(named) == 0:
        msg = f"WORLD_SIZE={named}: expected the number of processes, as torchrun sets it; unset it"
        raise ConfigError(msg)
    size = int(named)
    if size == 1:
        yield Team(device)
        return
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield Team(device, distributed.get_rank(), size)
    finally:
        distributed.destroy_process_group()
