"""Networks compared by equal trainings: ``python -m experiments.network_seeds FOLDER [NAME ...]``.

Each network is trained `SEEDS` times from nothing, on as many painted windows, and scored on the
evidence with its windows on the middle of the label: the cord finder plays no part. No scan of the
evidence, nor of its sites, is learned from. What FOLDER holds already is not trained again. NAMEs
(``unet-0``) are trainings to make without writing the table; several such commands may run at once
(docs/training.md).
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from statistics import mean, stdev

from experiments.evidence import DATA, EVIDENCE
from experiments.markdown import Row, table
from experiments.results_page import replace_section
from scgm.training.config.methods import changes_of
from scgm.training.config.read import DEFAULT_RECIPE, read_config
from scgm.training.engine.checkpoints import RECORD, read_record
from scgm.training.engine.run import train
from scgm.training.engine.state import STATE

METHODS = ("default", "ddc", "unet", "deepseg")
SEEDS = (0, 1, 2)
WINDOWS, BATCH = 38_400, 64
ALIKE = (
    "leave_out=['ucl', 'montreal']",
    "phantoms=0",
    "finder.steps=0",
    "finder.start=default",
    "segmenter.real_share=0",
    "segmenter.finest_mm=0.25",
    "segmenter.fine_share=0",
    "segmenter.along_mm=0",
    f"segmenter.batch={BATCH}",
    f"segmenter.steps={WINDOWS // BATCH}",
    f"deepseg.cord.batch={BATCH}",
    f"deepseg.cord.steps={WINDOWS // BATCH}",
    f"deepseg.gray.batch={BATCH}",
    f"deepseg.gray.steps={WINDOWS // BATCH}",
)
TRAININGS = {f"{method}-{seed}": (method, seed) for method, seed in product(METHODS, SEEDS)}


def scores(name: str, folder: Path) -> dict[str, float]:
    """Return the Dice of every image of the evidence; train the network if it is not there."""
    output = folder / name
    method, seed = TRAININGS[name]
    if not (output / RECORD).exists():
        config = read_config(DEFAULT_RECIPE, (*changes_of(method), *ALIKE, f"seed={seed}"))
        unfinished = (output / STATE).exists()
        train(config, DATA, output, device="auto", report=print, resume=unfinished)
    _, record = read_record(output)
    dice = {score["image"]: score.get("gm_dice_centered") for score in record["scores"]}
    return {key: dice[image] for key, image in EVIDENCE.items()}


def row(method: str, found: Sequence[Mapping[str, float]]) -> Row:
    """Return a row: mean over the seeds of every image, and of their mean with its deviation."""
    images = [f"{mean(each[name] for each in found):.3f}" for name in EVIDENCE]
    means = [mean(each.values()) for each in found]
    spread = f"{stdev(means):.3f}" if len(means) > 1 else "-"
    return (method, str(len(means)), *images, f"{mean(means):.3f}", spread)


def write_table(folder: Path) -> None:
    """Train what is missing, and write the table."""
    rows = []
    for method in METHODS:
        rows.append(row(method, [scores(f"{method}-{seed}", folder) for seed in SEEDS]))
        print(*rows[-1], sep=" | ", flush=True)
    header = ("network", "seeds", *EVIDENCE, "mean of the four", "deviation between seeds")
    replace_section("network-seeds", table(header, rows))


def main(arguments: Sequence[str]) -> None:
    """Make the trainings that are named, or all and their table."""
    parser = argparse.ArgumentParser(prog="python -m experiments.network_seeds")
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("names", nargs="*", choices=[[], *TRAININGS], metavar="NAME")
    given = parser.parse_args(arguments)
    for name in given.names:
        scores(name, given.folder)
    if not given.names:
        write_table(given.folder)


if __name__ == "__main__":
    main(sys.argv[1:])
