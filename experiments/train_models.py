"""The shipped model and those for measuring: ``python -m experiments.train_models RUNS [NAME ..]``.

Trains by the default recipe, each model in a folder of RUNS, and writes graph and card to their
places: `default` learns from all sites, the others leave sites out. On a processor each takes
hours, on a graphics card minutes; `default` trains the others first, as their scores are on its
card. NAMEs are the models to make. What RUNS holds already is not trained again; what was
interrupted after its weights had been saved goes on. Fit the confidence afterwards: ``python -m
experiments.confidence fit``.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from experiments.evidence import DATA, EVIDENCE, FOLDS, LEFT_OUT, SHIPPED
from experiments.sources import sources_of
from scgm.artifacts.models import read_card
from scgm.training.config.read import DEFAULT_RECIPE, read_config
from scgm.training.engine.checkpoints import RECORD
from scgm.training.engine.state import STATE

MODELS: Mapping[str, Sequence[str]] = {
    **{f"without-{'-'.join(sites)}": sites for sites in LEFT_OUT},
    "default": (),
}
ABOUT = (
    "Cord and gray matter on axial MRI, also of specimens. Accuracy was measured on T2*w and MT "
    "images of the neck alone; other contrasts and levels on phantoms"
)
ABOUT_FOLDS = "The default recipe with sites left out: for measuring alone"
USE = "the weights were learned from it"


def trained(name: str, runs: Path) -> Path:
    """Train a model if that is not done, and return its folder."""
    output = runs / name
    if not (output / RECORD).exists():
        arguments = ["--recipe", "default", "--data", str(DATA), "--output", str(output)]
        if MODELS[name]:
            arguments += ["--set", f"leave_out={list(MODELS[name])}"]
        if (output / STATE).exists():
            arguments.append("--resume")
        _run("train", *arguments)
    return output


def export(name: str, runs: Path) -> None:
    """Write graph and card of a training to their place."""
    folder = FOLDS if MODELS[name] else SHIPPED
    model = folder / f"{name}.onnx"
    arguments = ["--output", str(model), "--data", str(DATA), "--overwrite"]
    arguments += ["--description", ABOUT_FOLDS if MODELS[name] else ABOUT]
    if not MODELS[name]:  # their scores tell of it, too
        folds = [trained(fold, runs) for fold in MODELS if MODELS[fold]]
        arguments += [word for fold in folds for word in ("--fold", str(fold))]
    _run("export", str(trained(name, runs)), *arguments)
    known = json.loads(model.with_suffix(".json").read_text(encoding="utf-8"))
    known["sources"] = _sources(known["data"])
    _tell_labels(known["scores"])
    model.with_suffix(".json").write_text(json.dumps(known, indent=2) + "\n", encoding="utf-8")
    read_card(model)  # still a card


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
    program = str(Path(sys.executable).with_name("scgm"))
    subprocess.run([program, *arguments], check=True)


def main(arguments: Sequence[str]) -> None:
    """Train and export."""
    parser = argparse.ArgumentParser(prog="python -m experiments.train_models")
    parser.add_argument("runs", type=Path, metavar="RUNS")
    parser.add_argument("names", nargs="*", choices=[[], *MODELS], metavar="NAME")
    given = parser.parse_args(arguments)
    for name in given.names or MODELS:
        export(name, given.runs)


if __name__ == "__main__":
    main(sys.argv[1:])
