"""The shipped model and those for measuring: ``experiments.train_models [--from STARTS] RUNS ..``.

Trains by the default recipe, each model in a folder of RUNS, and writes graph and card to their
places: `default` learns from all sites, the others leave sites out. On a processor each takes
hours; `default` trains the others first, as their scores are on its card. Names after the options
are the models to make. What RUNS holds already is not trained again; what was interrupted after
its weights had been saved goes on. Fit the confidence afterwards: ``python -m
experiments.confidence fit``.

With ``--from STARTS``, a folder with the four models that were shipped before, each starts from
the one of its name, which left the same sites out, and learns for fewer steps (`FURTHER`).
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
from scgm.training.engine.checkpoints import RECORD, read_record
from scgm.training.engine.learned import FINDER, SEGMENTER
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
PARTS = (FINDER, SEGMENTER)
# What a training from earlier weights has other than the recipe.
FURTHER = (
    "finder.steps=3000",
    "finder.learning_rate=1e-3",
    "finder.average=0.99",
    "segmenter.steps=600",
    "segmenter.learning_rate=5e-4",
    "segmenter.average=0.99",
    "segmenter.validate_every=0",
)


def trained(name: str, runs: Path, starts: Path | None) -> Path:
    """Train a model if that is not done, and return its folder."""
    output = runs / name
    start = "" if starts is None else str((starts / f"{name}.onnx").resolve())
    if not (output / RECORD).exists():
        arguments = ["--recipe", "default", "--data", str(DATA), "--output", str(output)]
        settings = [f"leave_out={list(MODELS[name])}"] if MODELS[name] else []
        if start:
            settings += [f"finder.start={start}", f"segmenter.start={start}", *FURTHER]
        arguments += [word for setting in settings for word in ("--set", setting)]
        if (output / STATE).exists():
            arguments.append("--resume")
        _run("train", *arguments)
    config, _ = read_record(output)
    if (config.finder.start, config.segmenter.start) != (start, start):
        sys.exit(f"{output} did not start from {start or 'nothing'}; take another folder")
    return output


def export(name: str, runs: Path, starts: Path | None) -> None:
    """Write graph and card of a training to their place."""
    folder = FOLDS if MODELS[name] else SHIPPED
    model = folder / f"{name}.onnx"
    arguments = ["--output", str(model), "--data", str(DATA), "--overwrite"]
    arguments += ["--description", ABOUT_FOLDS if MODELS[name] else ABOUT]
    if not MODELS[name]:  # their scores tell of it, too
        folds = [trained(fold, runs, starts) for fold in MODELS if MODELS[fold]]
        arguments += [word for fold in folds for word in ("--fold", str(fold))]
    _run("export", str(trained(name, runs, starts)), *arguments)
    known = json.loads(model.with_suffix(".json").read_text(encoding="utf-8"))
    known["sources"] = _sources(known["data"])
    _tell_labels(known["scores"])
    if starts is not None:
        _tell_start(known["training"], starts / f"{name}.json")
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


def _tell_start(training: dict[str, Any], card: Path) -> None:
    """Name the model that a training started from by its graph, and add how that was trained."""
    start = json.loads(card.read_text(encoding="utf-8"))
    before = start["training"]
    checksum = start.get("sha256") or start["graph_sha256"]  # as older cards have it
    for part in PARTS:
        training[part]["start"] = f"{start['name']} {checksum[:12]}"
    own = {key: before[key] for key in ("scgm", "torch", "device", "seconds")}
    steps = {
        part: {key: before[part][key] for key in ("steps", "batch", "learning_rate")}
        for part in PARTS
    }
    training["earlier"] = [*before.get("earlier", []), {**own, **steps}]


def _run(*arguments: str) -> None:
    program = str(Path(sys.executable).with_name("scgm"))
    subprocess.run([program, *arguments], check=True)


def main(arguments: Sequence[str]) -> None:
    """Train and export."""
    parser = argparse.ArgumentParser(prog="python -m experiments.train_models")
    parser.add_argument("runs", type=Path, metavar="RUNS")
    parser.add_argument("--from", dest="starts", type=Path, metavar="STARTS")
    parser.add_argument("names", nargs="*", choices=[[], *MODELS], metavar="NAME")
    given = parser.parse_args(arguments)
    for name in given.names or MODELS:
        export(name, given.runs, given.starts)


if __name__ == "__main__":
    main(sys.argv[1:])
