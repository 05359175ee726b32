"""Shipped models and those for measuring: ``python -m experiments.train_models RUNS [NAME ...]``.

Trains by the default recipe, each model in a folder of RUNS, and writes graph and card to their
places: `default`, `ddc`, `unet` and `deepseg` learn from all sites, the others leave sites out.
The other networks are trained exactly as `default` is, and take the cord finder of the `default`
that left out the same sites: their graphs hold it, so make those first. On a processor each takes
hours, on a graphics card minutes; a shipped model needs its folds, as their scores are on its
card. NAMEs are the models to make. What RUNS holds already is not trained again; what was
interrupted after its weights had been saved goes on. Fit the confidence of `default` afterwards:
``python -m experiments.confidence fit``.

``--train`` trains and writes no graph; several such commands may run at once (docs/training.md).
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments.evidence import DATA, EVIDENCE, FOLDS, LEFT_OUT, SHIPPED
from experiments.sources import sources_of
from scgm.artifacts.models import read_card
from scgm.training.config.methods import TRAINABLE
from scgm.training.config.read import DEFAULT_RECIPE, read_config
from scgm.training.engine.checkpoints import RECORD
from scgm.training.engine.state import STATE


@dataclass(frozen=True)
class Made:
    """A model to make: its method, and the sites that it leaves out (none: it is shipped)."""

    method: str
    left_out: Sequence[str] = ()

    @property
    def name(self) -> str:
        """The name of the file, without its ending."""
        if not self.left_out:
            return self.method
        fold = f"without-{'-'.join(self.left_out)}"
        return fold if self.is_default else f"{self.method}-{fold}"

    @property
    def is_default(self) -> bool:
        """Whether it has the method of the shipped default, and trains a cord finder."""
        return self.method == "default"

    @property
    def path(self) -> Path:
        """The file of the graph."""
        return (FOLDS if self.left_out else SHIPPED) / f"{self.name}.onnx"


MODELS = {
    model.name: model
    for method in TRAINABLE
    for model in (*(Made(method, sites) for sites in LEFT_OUT), Made(method))
}
ABOUT: Mapping[str, str] = {
    "default": "Cord and gray matter on axial MRI, also of specimens. Accuracy was measured on "
    "T2*w and MT images of the neck alone; other contrasts and levels on phantoms",
    "ddc": "Deep dilated convolutions of 2018, trained as the default model",
    "unet": "The U-Net that deep dilated convolutions were compared with in 2018, trained as the "
    "default model",
    "deepseg": "DEEPSEG of 2017, two networks, trained on painted label shapes alone",
}
ABOUT_FOLDS = "The default recipe with sites left out: for measuring alone"
USE = "the weights were learned from it"


def trained(model: Made, runs: Path) -> Path:
    """Train a model if that is not done, and return its folder."""
    output = runs / model.name
    if not (output / RECORD).exists():
        arguments = ["--recipe", "default", "--data", str(DATA), "--output", str(output)]
        if model.left_out:
            arguments += ["--set", f"leave_out={list(model.left_out)}"]
        if not model.is_default:
            finder = Made("default", model.left_out).path.resolve()
            changes = (f"finder.start={finder}", "finder.steps=0", "phantoms=0")
            arguments += ["--method", model.method]
            arguments += [word for change in changes for word in ("--set", change)]
        if (output / STATE).exists():
            arguments.append("--resume")
        _run("train", *arguments)
    return output


def export(model: Made, runs: Path) -> None:
    """Write graph and card of a training to their place."""
    arguments = ["--output", str(model.path), "--data", str(DATA), "--overwrite"]
    arguments += ["--description", ABOUT_FOLDS if model.left_out else ABOUT[model.method]]
    if not model.left_out:  # their scores tell of it, too
        folds = [trained(Made(model.method, sites), runs) for sites in LEFT_OUT]
        arguments += [word for fold in folds for word in ("--fold", str(fold))]
    _run("export", str(trained(model, runs)), *arguments)
    card = model.path.with_suffix(".json")
    known = json.loads(card.read_text(encoding="utf-8"))
    known["sources"] = _sources(known["data"])
    _tell_labels(known["scores"])
    if not model.is_default:
        known["training"]["finder"]["start"] = Made("default", model.left_out).name
    card.write_text(json.dumps(known, indent=2) + "\n", encoding="utf-8")
    read_card(model.path)  # still a card


def _sources(data: Sequence[str]) -> list[dict[str, Any]]:
    """Return which data sets a model has learned from, for its card."""
    names = {
        there.split("/")[0]
        for here, there in read_config(DEFAULT_RECIPE).downloads.items()
        if any(file == here or file.startswith(f"{here}/") for file in data)
    }
    return sources_of(names, USE)


def _tell_labels(scores: Sequence[dict[str, Any]]) -> None:
    """Say of each score whether its labels were drawn by a rater or by another program."""
    for score in scores:
        if "gm_dice" in score:
            score["labels"] = "rater" if score["image"] in EVIDENCE.values() else "program"


def _run(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "scgm", *arguments], check=True)


def main(arguments: Sequence[str]) -> None:
    """Train and export."""
    parser = argparse.ArgumentParser(prog="python -m experiments.train_models")
    parser.add_argument("runs", type=Path, metavar="RUNS")
    parser.add_argument("names", nargs="*", choices=[[], *MODELS], metavar="NAME")
    parser.add_argument("--train", action="store_true", help="write no graph")
    given = parser.parse_args(arguments)
    for name in given.names or MODELS:
        make = trained if given.train else export
        make(MODELS[name], given.runs)


if __name__ == "__main__":
    main(sys.argv[1:])
