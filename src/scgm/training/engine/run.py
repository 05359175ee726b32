"""A whole training run: read, train the cord finder, train the segmentation network, save."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from scgm.errors import ConfigError, OutputError
from scgm.synthesis.draw import Draw
from scgm.synthesis.scenes import SceneBatch, Scenes, scene_batch
from scgm.synthesis.windows import Crops, WindowBatch, window_batch
from scgm.training.config.settings import FinderStage, SegmenterStage, TrainConfig
from scgm.training.data.augmentation import paper_batch, require_scans
from scgm.training.data.examples import LabeledStack
from scgm.training.data.materials import prepare
from scgm.training.engine.checkpoints import (
    RECORD,
    build_finder,
    build_model,
    build_segmenter,
    load_weights,
    round_weights,
    save_record,
    save_weights,
)
from scgm.training.engine.compute import choose, device_name, find_device, repeatable
from scgm.training.engine.deepseg import train_cascade
from scgm.training.engine.distributed import Team, team
from scgm.training.engine.loop import Task, fit
from scgm.training.engine.losses import place_loss, segmentation_loss
from scgm.training.engine.progress import require_tensorboard
from scgm.training.engine.session import Report, Session, cut_log
from scgm.training.engine.start import Start, read_start
from scgm.training.engine.state import STATE, Place, State, read_state, require_same
from scgm.training.engine.validation import Validation, score, validate
from scgm.version import __version__

FINDER, SEGMENTER = "finder", "segmenter"


def train(
    config: TrainConfig,
    data: Path,
    output: Path,
    *,
    device: str,
    report: Report,
    resume: bool = False,
) -> None:
    """Train both networks and write ``output`` (weights, ``checkpoint.json``, ``log.jsonl``).

    Until it is done, ``output`` holds the state from which ``resume`` goes on.

    Raises
    ------
    ConfigError
        If ``output`` holds a checkpoint or, without ``resume``, an unfinished training; if the one
        to go on with had another configuration; if the device is not there.
    ScgmError
        If data cannot be read, the loss is not a number, or files cannot be written.
    """
    if config.tensorboard:
        require_tensorboard()
    with team(find_device(device)) as us, repeatable(config.deterministic):
        config = config.expanded(data)
        earlier = _open(output, config, us, resume=resume)
        session = Session(
            config=config,
            folder=output,
            team=us,
            compute=choose(us.device, config.precision),
            report=report if us.lead else lambda line: None,
            earlier=earlier,
            started=time.perf_counter() - (earlier.place.seconds if earlier else 0.0),
        )
        torch.manual_seed(us.seed(config.seed))
        _train(session, data)


def _open(output: Path, config: TrainConfig, us: Team, *, resume: bool) -> State | None:
    """Make the folder, or read the state that it holds; all processes, before any writes."""
    if us.lead and (output / RECORD).exists():
        msg = f"{output}: already holds a checkpoint; give another --output"
        raise ConfigError(msg)
    if us.lead and not resume:
        if (output / STATE).exists():
            msg = f"{output}: holds an unfinished training; go on with --resume, or give another"
            raise ConfigError(msg)
        _make_folder(output)
    us.wait()
    if not resume:
        return None
    state = read_state(output)
    require_same(output, state, config)
    before = f"{state.processes} process(es) on {state.device}"
    now = f"{us.size} process(es) on {us.device.type}"
    if before != now:
        msg = (
            f"{output}: this training was started by {before}, not {now}; go on with as many there"
        )
        raise ConfigError(msg)
    us.wait()
    if us.lead:
        cut_log(output, state.place)
    return state


def _make_folder(output: Path) -> None:
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = f"{output}: the folder cannot be made ({error.strerror}); give another --output"
        raise OutputError(msg) from error


def _train(session: Session, data: Path) -> None:
    config, device = session.config, session.team.device
    # All is read and checked before anything is trained.
    starts = {
        stage.start: read_start(stage.start, data)
        for stage in (config.finder, config.segmenter)
        if stage.start
    }
    if config.segmenter.start:
        starts[config.segmenter.start].require_pixel(config.segmenter.pixel_mm)
    materials = prepare(config, data)
    scenes, crops = materials.scenes.to(device), materials.crops.to(device)
    session.report(materials.told)
    finder = _finder(session, scenes, starts)
    segmenter, place = (
        train_cascade(config.deepseg, crops, session)
        if config.segmenter.network == "deepseg"
        else _segmenter(session, crops, materials.deciding, starts)
    )
    if session.team.lead:
        save_weights(segmenter, session.folder / f"{SEGMENTER}.safetensors")
        model = build_model(finder, segmenter, config.segmenter)
        scores = [score(model, stack) for stack in materials.scored]
        facts = {
            "sites": sorted(materials.sites.union(*(start.sites for start in starts.values()))),
            "started_with": sorted({entry for start in starts.values() for entry in start.data}),
            "choice": _choice(session, place, validated=bool(materials.deciding)),
            "scores": scores,
        }
        _finish(session, facts)


def _begun(
    network: nn.Module, stage: FinderStage | SegmenterStage, starts: Mapping[str, Start], part: str
) -> nn.Module:
    """Give a network the weights that it starts from, if its stage names any."""
    if stage.start:
        starts[stage.start].load_into(network, part)
    return network


def _finder(session: Session, scenes: Scenes, starts: Mapping[str, Start]) -> nn.Module:
    """Train the cord finder and save it; read it if an earlier part of the run did."""
    stage, path = session.config.finder, session.folder / f"{FINDER}.safetensors"
    network = _begun(build_finder(stage), stage, starts, FINDER).to(session.team.device)
    if not session.reached(FINDER) and session.earlier is not None:
        return load_weights(network, path)
    draw = Draw(session.team.seed(session.config.seed + 1), session.team.device)

    def loss(network: nn.Module, batch: SceneBatch, _: float) -> Tensor:
        return place_loss(session.compute(network, batch.images), batch.targets, batch.weight)

    task = Task(FINDER, stage, draw, lambda: scene_batch(scenes, stage.batch, draw), loss)
    finder, _ = fit(network, task, session)
    round_weights(finder)
    if session.team.lead:
        save_weights(finder, path)
    return finder


def _segmenter(
    session: Session,
    crops: Crops,
    deciding: Sequence[LabeledStack],
    starts: Mapping[str, Start],
) -> tuple[nn.Module, Place]:
    """Train the segmentation network; also where its training ended."""
    stage = session.config.segmenter
    draw = Draw(session.team.seed(session.config.seed + 2), session.team.device)
    if stage.augmentation == "ddc-2018":
        require_scans(crops)

    def batch() -> WindowBatch:
        if stage.augmentation == "ddc-2018":
            return paper_batch(crops, stage.batch, draw, stage.pixel_mm)
        return window_batch(crops, stage.batch, stage.real_share, draw, stage.pixel_mm)

    def loss(network: nn.Module, batch: WindowBatch, _: float) -> Tensor:
        logits = session.compute(network, batch.images)
        entropy_weight = 0.0 if stage.loss == "dice" else 5.0
        return segmentation_loss(logits, batch.targets, batch.known, entropy_weight=entropy_weight)

    def judge(network: nn.Module) -> Validation:
        return validate(network, deciding, stage.pixel_mm)

    task = Task(
        SEGMENTER,
        stage,
        draw,
        batch,
        loss,
        validate=judge if deciding else None,
        every=stage.validate_every,
        patience=stage.patience,
        keep=stage.keep,
    )
    network = _begun(build_segmenter(session.config), stage, starts, SEGMENTER).to(
        session.team.device
    )
    segmenter, place = fit(network, task, session)
    round_weights(segmenter)
    return segmenter, place


def _choice(session: Session, place: Place, *, validated: bool) -> dict[str, Any]:
    """Say which weights of the segmentation network were kept, and what decided it."""
    best = validated and session.config.segmenter.keep == "best"
    return {
        "kept": "best" if best else "last",
        "step": place.best_step if best else place.step,
        "steps_done": place.step,
        "validated_on": sorted(session.config.deciding()) if validated else [],
        "best_dice": place.best_dice,
    }


def _finish(session: Session, found: dict[str, Any]) -> None:
    """Write the record, after which nothing is left to go on with."""
    choice = found["choice"]
    # A score that helped to choose the weights is a little better than one on unseen images.
    decided = set(choice["validated_on"]) if choice["kept"] == "best" else set()
    for row in found["scores"]:
        row["decided"] = row["site"] in decided
        session.report(f"left out: {row}")
    facts = {
        "scgm": __version__,
        "torch": torch.__version__,
        "device": device_name(session.team.device),
        "processes": session.team.size,
        "seconds": round(session.seconds),
        **found,
    }
    save_record(session.folder, session.config, facts)
    (session.folder / STATE).unlink(missing_ok=True)
    session.report(f"saved {session.folder} after {facts['seconds']} s")
