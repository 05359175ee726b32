"""Two processes train one network: with the mean of their gradients, and writing once."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from scgm.errors import ConfigError
from scgm.synthesis.draw import Draw
from scgm.training.config.settings import Stage
from scgm.training.engine.distributed import SEED_STRIDE, Team, team
from scgm.training.engine.loop import Task, fit
from tests.helpers.training_files import CPU, Images, session_in, square_error, write_data

STEPS = 6
STAGE = Stage(steps=STEPS, batch=2, learning_rate=0.01)

# What each process does: the first part as `two_as_one` does it alone, the second a whole run.
PROGRAM = """
import os
import sys
from dataclasses import replace
from pathlib import Path
import torch
from safetensors.torch import save_file
from scgm.synthesis.draw import Draw
from scgm.training.config.read import read_config
from scgm.training.engine.distributed import team
from scgm.training.engine.loop import Task, fit
from scgm.training.engine.run import train
from tests.training.test_distributed import STAGE, plain_network
from tests.helpers.training_files import CPU, Images, session_in, square_error

data, output = Path(sys.argv[1]), Path(sys.argv[2])
with team(CPU) as us:
    draw = Draw(us.seed(5))
    drawn = []
    def batch():
        drawn.append(draw.normal(2, 1, 8, 8))
        return Images(drawn[-1])
    network = plain_network(seed=us.rank)  # they start from other weights
    folder = output / f"fit-{us.rank}"
    folder.mkdir()
    session = replace(session_in(folder), team=us)
    fit(network, Task("tiny", STAGE, draw, batch, square_error), session)
    save_file({**network.state_dict(), "batch": drawn[0]}, output / f"{us.rank}.safetensors")
    heard = [int(x) for x in us.gather(torch.tensor(us.rank + 10))]
    print(us.rank, us.agree(float(us.rank)), heard)
os.environ["MASTER_PORT"] = sys.argv[3]  # that of the first part may still be open
config = read_config(data / "recipe.toml")
train(config, data, output / "run", device="cpu", report=print)
"""


def plain_network(seed: int) -> nn.Module:
    """Make a network without statistics of its batch: two half batches teach what a whole does."""
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.Tanh(), nn.Conv2d(4, 1, 1))


def free_ports() -> list[str]:
    with socket.socket() as one, socket.socket() as other:
        for free in (one, other):
            free.bind(("127.0.0.1", 0))
        return [str(free.getsockname()[1]) for free in (one, other)]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """Run both processes; return their folder and what each printed."""
    output = tmp_path_factory.mktemp("two")
    data = write_data(tmp_path_factory.mktemp("data"))
    ports = free_ports()
    shared = {
        **os.environ,
        "WORLD_SIZE": "2",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": ports[0],
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[2]), *sys.path]),
    }
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(data), str(output), ports[1]],
            env={**shared, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank in range(2)
    ]
    try:
        printed = [process.communicate(timeout=120)[0] for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert [process.returncode for process in processes] == [0, 0], "\n".join(printed)
    return output, printed


@pytest.mark.slow
def test_two_processes_learn_what_one_does_from_both_their_batches(
    results: tuple[Path, list[str]], tmp_path: Path
) -> None:
    """The loss is a mean over images: the mean of two gradients is the gradient of both batches."""
    draws = [Draw(5), Draw(5 + SEED_STRIDE)]
    network = plain_network(seed=0)  # the lead's weights are those that both start from

    def both() -> Images:
        return Images(torch.cat([draw.normal(2, 1, 8, 8) for draw in draws]))

    fit(network, Task("tiny", STAGE, draws[0], both, square_error), session_in(tmp_path))
    first, second = (load_file(results[0] / f"{rank}.safetensors") for rank in range(2))

    for key, value in network.state_dict().items():
        assert torch.equal(first[key], second[key])
        torch.testing.assert_close(first[key], value, rtol=1e-4, atol=1e-6)
    assert not torch.equal(first["batch"], second["batch"])


@pytest.mark.slow
def test_the_lead_speaks_for_all_and_hears_all(results: tuple[Path, list[str]]) -> None:
    said = [printed.splitlines()[0] for printed in results[1]]

    assert said == ["0 0.0 [10, 11]", "1 0.0 [10, 11]"]


@pytest.mark.slow
def test_only_the_lead_writes_and_reports(results: tuple[Path, list[str]]) -> None:
    folder, (first, second) = results

    assert {path.name for path in (folder / "fit-0").iterdir()} == {
        "log.jsonl",
        "state.safetensors",
    }
    assert list((folder / "fit-1").iterdir()) == []
    assert "saved" in first
    assert len(second.splitlines()) == 1  # what the test itself has it print


@pytest.mark.slow
def test_a_whole_run_of_two_processes_leaves_one_checkpoint(
    results: tuple[Path, list[str]],
) -> None:
    run = results[0] / "run"

    assert {path.name for path in run.iterdir()} == {
        "checkpoint.json",
        "finder.safetensors",
        "segmenter.safetensors",
        "log.jsonl",
        "pictures",
    }
    assert '"processes": 2' in (run / "checkpoint.json").read_text()


@pytest.mark.parametrize("size", ["0", "-1", "many", ""])
def test_a_number_of_processes_that_makes_no_sense_is_refused(
    monkeypatch: pytest.MonkeyPatch, size: str
) -> None:
    monkeypatch.setenv("WORLD_SIZE", size)
    with pytest.raises(ConfigError, match="expected the number of processes"), team(CPU):
        pass


def test_alone_nothing_is_exchanged() -> None:
    alone, network = Team(CPU), nn.Linear(1, 1)

    assert alone.lead
    assert alone.share(network) is network
    assert alone.seed(7) == 7
    assert alone.agree(0.5) == 0.5
