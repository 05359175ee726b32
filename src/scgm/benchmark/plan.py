"""What a benchmark runs: which method, with which model, on which image; and under which key."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scgm.datasets import DataCase, DataSet
from scgm.errors import ModelError, UsageError
from scgm.models import DEFAULT_MODEL, ModelCard, read_card, read_model
from scgm.segmenters import METHODS
from scgm.version import __version__

DEFAULT_METHOD = "default"
WEIGHTS_METHOD = "ddc-published"
DEFAULT_TIMEOUT_S = 600.0

# Raised whenever a result of the worker changes its meaning: earlier results are run again.
_FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchmarkOptions:
    """What all methods of a benchmark have in common.

    Parameters
    ----------
    models : Path, optional
        Folder of model files with cards. Each image is given to the one that was trained without
        the image's site.
    weights : Path, optional
        File of published weights, for method ``ddc-published``.
    threads : int
        Processor threads of each method.
    timeout_s : float
        Seconds after which a method has failed on an image.
    published : bool
        Print the published comparison beside the results.
    """

    models: Path | None = None
    weights: Path | None = None
    threads: int = 1
    timeout_s: float = DEFAULT_TIMEOUT_S
    published: bool = False


@dataclass(frozen=True, slots=True)
class Method:
    """A method as it is asked for: ``NAME``, or ``NAME=MODEL`` with a model of one's own."""

    label: str
    name: str
    model: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One method on one image; its key is the same if and only if its result must be.

    Parameters
    ----------
    label, method : str
        What tables call it; the name out of `scgm.methods`.
    model : str or None
        Name or file of the model that the method is given.
    case : DataCase
        The image.
    threads : int
        Processor threads.
    remark : str
        What is known of the model having seen the image.
    key : str
        Checksum of image, method, model, options and version.
    """

    label: str
    method: str
    model: str | None
    case: DataCase
    threads: int
    remark: str
    key: str


def read_methods(asked: Sequence[str]) -> tuple[Method, ...]:
    """Read what the user asks for.

    Raises
    ------
    UsageError
        If nothing is asked for, a method is unknown or two would have one name in the tables.
    """
    if not asked:
        msg = f"name the methods to compare with --method; known: {', '.join(METHODS)}"
        raise UsageError(msg)
    methods: list[Method] = []
    for text in asked:
        name, _, model = text.partition("=")
        if name not in METHODS:
            msg = f"--method {text}: there is no method {name!r}; known: {', '.join(METHODS)}"
            raise UsageError(msg)
        label = f"{name}={Path(model).stem}" if model else name
        if label in (method.label for method in methods):
            msg = f"--method {text}: there are two methods {label!r}; ask for each once"
            raise UsageError(msg)
        methods.append(Method(label, name, model or None))
    return tuple(methods)


def make_plan(
    dataset: DataSet, methods: Sequence[Method], options: BenchmarkOptions
) -> tuple[Job, ...]:
    """Say what has to be run: every method on every labeled image.

    Raises
    ------
    UsageError
        If models are given, but no method that takes them.
    ModelError
        If a model cannot be used, or none was trained without the site of an image.
    """
    if options.models is not None and not any(_takes_unseen(method) for method in methods):
        msg = f"--models is for --method {DEFAULT_METHOD}, which is not asked for"
        raise UsageError(msg)
    if options.weights is not None and all(method.name != WEIGHTS_METHOD for method in methods):
        msg = f"--weights is for --method {WEIGHTS_METHOD}, which is not asked for"
        raise UsageError(msg)
    cards = {} if options.models is None else read_cards(options.models)
    identities: dict[str, str] = {}
    jobs = []
    for case in dataset.labeled:
        image_sha256 = _sha256(case.image)
        for method in methods:
            model, remark = _model_for(method, case, cards, options)
            if model is not None and model not in identities:
                identities[model] = _identity(model)
            identity = {
                "image": image_sha256,
                "method": method.name,
                "model": None if model is None else identities[model],
                "threads": options.threads,
                "scgm": __version__,
                "format": _FORMAT,
            }
            text = json.dumps(identity, sort_keys=True)
            jobs.append(
                Job(
                    label=method.label,
                    method=method.name,
                    model=model,
                    case=case,
                    threads=options.threads,
                    remark=remark,
                    key=hashlib.sha256(text.encode()).hexdigest(),
                )
            )
    return tuple(jobs)


def read_cards(folder: Path) -> dict[Path, ModelCard]:
    """Read the cards of all models in a folder.

    Raises
    ------
    ModelError
        If there is no model, a card is damaged, or a card does not say which sites were seen.
    """
    cards = {path: read_card(path) for path in sorted(folder.glob("*.onnx"))}
    if not cards:
        msg = f"{folder}: there is no .onnx file in it; give the folder of the models to choose of"
        raise ModelError(msg)
    for path, card in cards.items():
        sites = card.training.get("sites")
        if not isinstance(sites, list | tuple) or not sites:
            msg = (
                f"{path}: its card does not say which sites it was trained on (training.sites), "
                "so it cannot be chosen by site; take it out of the folder"
            )
            raise ModelError(msg)
    return cards


def unseen_model(cards: dict[Path, ModelCard], case: DataCase) -> Path:
    """Return the first model that was trained without the site of an image.

    Raises
    ------
    ModelError
        If the site is unknown, or all models have seen it.
    """
    if case.site is None:
        msg = f"{case.image}: the data set does not say its site, so --models cannot be used"
        raise ModelError(msg)
    for path, card in cards.items():
        if same_site(case.site) not in map(same_site, _listed(card.training["sites"])):
            return path
    msg = (
        f"{case.image}: all models in {next(iter(cards)).parent} were trained on its site "
        f"{case.site!r}; train one without it, or leave --models away"
    )
    raise ModelError(msg)


def same_site(name: str) -> str:
    """Return what two spellings of a site have in common.

    >>> same_site("Mount Sinai") == same_site("mount-sinai")
    True
    """
    return "".join(letter for letter in name.lower() if letter.isalnum())


def _takes_unseen(method: Method) -> bool:
    return method.name == DEFAULT_METHOD and method.model is None


def _model_for(
    method: Method, case: DataCase, cards: dict[Path, ModelCard], options: BenchmarkOptions
) -> tuple[str | None, str]:
    """Return the model that a method is given for an image, and what it may know of it."""
    if cards and _takes_unseen(method):
        path = unseen_model(cards, case)
        return str(path.resolve()), f"trained without site {case.site}"
    if method.name == DEFAULT_METHOD:
        model = method.model or DEFAULT_MODEL
        return model, _acquaintance(read_card(model), case)
    if method.name == WEIGHTS_METHOD:
        weights = method.model or options.weights
        if weights is None:
            msg = f"method {WEIGHTS_METHOD} needs the published weights; name them with --weights"
            raise ModelError(msg)
        return str(Path(weights).expanduser().resolve()), "its training may have seen this image"
    return method.model, ""


def _acquaintance(card: ModelCard, case: DataCase) -> str:
    """Say whether a card lists an image, or its site, among what the model was trained on."""
    if any(str(entry).endswith(f"/{case.image.name}") for entry in card.data):
        return "its card lists an image of this name as seen in training"
    sites = map(same_site, _listed(card.training.get("sites")))
    if case.site is not None and same_site(case.site) in sites:
        return f"its card lists site {case.site} as seen in training"
    return "its training may have seen this image"


def _listed(sites: object) -> list[str]:
    return [str(site) for site in sites] if isinstance(sites, list | tuple) else []


def _identity(model: str) -> str:
    """Return what decides the results of a model: the graph and the card's threshold."""
    path = Path(model).expanduser()
    if path.suffix.lower() in ("", ".onnx"):
        card = read_model(model).card
        return f"{card.graph_sha256} at {card.threshold}"
    if not path.is_file():
        msg = f"{path}: there is no such file of weights"
        raise ModelError(msg)
    return _sha256(path)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def describe(dataset: DataSet, jobs: Sequence[Job]) -> str:
    """Return the plan as JSON: two benchmarks are the same if these are."""
    plan = {
        "scgm": __version__,
        "dataset": str(dataset.root.resolve()),
        "runs": [
            {"method": job.label, "image": job.case.name, "model": job.model, "key": job.key}
            for job in jobs
        ],
    }
    return json.dumps(plan, indent=2) + "\n"
