"""The shipped model and those for measuring: ``python -m experiments.train_models RUNS [NAME ..]``.

Trains by the default recipe, each model in a folder of RUNS, and writes graph and card to their
places: `default` learns from all sites, the others leave sites out. On a processor each takes
hours; `default` trains the others first, as their scores are on its card. What RUNS holds already
is not trained again; what was interrupted after its weights had been saved goes on. Fit the
confidence afterwards: ``python -m experiments.confidence fit``.
"""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from experiments.evidence import DATA, FOLDS, LEFT_OUT, SHIPPED
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
        arguments += [
            word for fold in MODELS if MODELS[fold] for word in ("--fold", str(trained(fold, runs)))
        ]
    _run("export", str(trained(name, runs)), *arguments)
    _name_sources(model)


def _name_sources(model: Path) -> None:
    """Add to the card which data sets the model has learned from."""
    downloads = read_config(DEFAULT_RECIPE).downloads
    card = model.with_suffix(".json")
    known = json.loads(card.read_text(encoding="utf-8"))
    names = {
        there.split("/")[0]
        for here, there in downloads.items()
        if any(file == here or file.startswith(f"{here}/") for file in known["data"])
    }
    known["sources"] = sources_of(names, USE)
    card.write_text(json.dumps(known, indent=2) + "\n", encoding="utf-8")
    read_card(model)  # still a card


def _run(*arguments: str) -> None:
    program = str(Path(sys.executable).with_name("scgm"))
    subprocess.run([program, *arguments], check=True)


def main(runs: Path, names: Sequence[str]) -> None:
    """Train and export."""
    for name in names or MODELS:
        export(name, runs)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
