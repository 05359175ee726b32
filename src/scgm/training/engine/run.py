"""A training run: read the data, train the cord finder and the segmentation network, save."""

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from scgm.datasets.case import site_key
from scgm.errors import ConfigError, OutputError, ScgmError
from scgm.training.confidence import DATA_FOLDER
from scgm.training.config.settings import TrainConfig
from scgm.training.data.materials import prepare
from scgm.training.engine.checkpoints import (
    RECORD,
    build_model,
    save_record,
    save_weights,
)
from scgm.training.engine.compute import choose, device_name, find_device, repeatable
from scgm.training.engine.distributed import Team, team
from scgm.training.engine.estimate import estimated_seconds
from scgm.training.engine.learned import FINDER, SEGMENTER, as_record, learned_by
from scgm.training.engine.progress import in_words, require_tensorboard
from scgm.training.engine.session import LOG, Report, Session, cut_log
from scgm.training.engine.stages import Networks
from scgm.training.engine.start import read_starts, seen_before
from scgm.training.engine.state import STATE, Place, State, read_state, require_same
from scgm.training.engine.validation import score
from scgm.version import __version__


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

    Until it is done, ``output`` holds the state from which ``resume`` continues. What is odd about
    the data sets is not said: `TrainConfig.expanded` says it.

    Raises
    ------
    ConfigError
        If ``output`` holds a checkpoint or, without ``resume``, an unfinished training; if the one
        to continue had another configuration; if the device is not there.
    ScgmError
        If data cannot be read, the loss is not a number, files cannot be written, or memory does
        not suffice.
    """
    if config.tensorboard:
        require_tensorboard()
    with team(find_device(device)) as us, repeatable(wanted=config.deterministic):
        config = config.expanded(data)
        earlier = _open(output, config, us, resume=resume)
        session = Session(
            config=config,
            folder=output,
            team=us,
            compute=choose(us.device, config.precision),
            report=report if us.lead else lambda _line: None,
            earlier=earlier,
            started=time.perf_counter() - (earlier.place.seconds if earlier else 0.0),
        )
        torch.manual_seed(us.seed(config.seed))
        with _explained(session):
            _train(session, data)


@contextmanager
def _explained(session: Session) -> Iterator[None]:
    """Say how to continue what is interrupted, and what to do if memory does not suffice."""
    try:
        yield
    except KeyboardInterrupt:
        if os.path.lexists(session.folder / STATE):
            session.report(
                f"{session.folder}: interrupted; 'scgm train --resume', or the same 'scgm "
                "crossvalidate', continues from the last saved state"
            )
        raise
    except (MemoryError, torch.OutOfMemoryError) as error:
        raise _too_large(session) from error
    except RuntimeError as error:
        if "allocate memory" not in str(error):
            raise
        raise _too_large(session) from error


def _too_large(session: Session) -> ScgmError:
    return ScgmError(
        f"{session.folder}: there is not enough memory for this training; lower batch or widths"
    )


def _open(output: Path, config: TrainConfig, us: Team, *, resume: bool) -> State | None:
    """Make the folder, or read the state that it holds; all processes, before any writes."""
    if us.lead and os.path.lexists(output / RECORD):
        msg = f"{output}: already holds a checkpoint; give another --output"
        raise ConfigError(msg)
    if us.lead and not resume:
        _require_unused(output)
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
            f"{output}: this training was started by {before}, not {now}; continue with as many "
            "there"
        )
        raise ConfigError(msg)
    us.wait()
    if us.lead:
        cut_log(output, state.place)
    return state


def _require_unused(output: Path) -> None:
    """Refuse a folder that holds what another training has written."""
    if os.path.lexists(output / STATE):
        msg = f"{output}: holds an unfinished training; continue it with --resume, or give another"
        raise ConfigError(msg)
    for name in (f"{FINDER}.safetensors", f"{SEGMENTER}.safetensors", LOG):
        if os.path.lexists(output / name):
            msg = f"{output / name}: it exists already; give another --output"
            raise OutputError(msg)


def _make_folder(output: Path) -> None:
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = f"{output}: the folder cannot be made ({error.strerror}); give another --output"
        raise OutputError(msg) from error


def _train(session: Session, data: Path) -> None:
    config, device = session.config, session.team.device
    # Everything is read and checked before anything is trained.
    starts = read_starts(config, data)
    materials = prepare(config, data, session.report)
    scenes, crops = materials.scenes.to(device), materials.crops.to(device)
    fine = materials.fine.to(device) if materials.fine is not None else None
    networks = Networks(session, scenes, crops, fine, materials.deciding, starts)
    seconds = estimated_seconds(networks.plan(), session)
    if seconds is not None:
        session.report(f"this training takes about {in_words(seconds)} on this machine")
    finder = networks.trained_finder()
    segmenter, place = networks.trained_segmenter()
    if session.team.lead:
        save_weights(segmenter, session.folder / f"{SEGMENTER}.safetensors")
        model = build_model(finder, segmenter, config.segmenter)
        scores = [
            {**score(model, stack), "seen_by_start": seen_before(starts, stack.source)}
            for stack in materials.scored
        ]
        facts = {
            **as_record(learned_by(config, starts, materials.made)),
            "started_with": sorted({entry for start in starts.values() for entry in start.data}),
            "choice": _choice(session, place, validated=bool(materials.deciding)),
            "scores": scores,
            DATA_FOLDER: str(data.absolute()),
        }
        _finish(session, facts)


def _choice(session: Session, place: Place, *, validated: bool) -> dict[str, Any]:
    """Say which weights of the segmentation network were kept, and what decided it."""
    stage = session.config.segmenter
    best = validated and stage.keep == "best"
    return {
        "kept": "best" if best else "last",
        "step": place.best_step if best else place.step,
        "steps_done": place.step,
        "stopped_early": validated and place.step < stage.steps,
        "validated_on": sorted(session.config.deciding()) if validated else [],
        "best_dice": place.best_dice,
    }


def _finish(session: Session, found: dict[str, Any]) -> None:
    """Write the record, and remove the state: the run is done."""
    choice = found["choice"]
    # A score that helped to choose the weights is a little better than one on unseen images.
    by_score = choice["kept"] == "best" or choice["stopped_early"]
    decided = {site_key(site) for site in choice["validated_on"]} if by_score else set()
    for row in found["scores"]:
        row["decided"] = site_key(row["site"]) in decided
        session.report(_in_words(row))
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


def _in_words(row: Mapping[str, Any]) -> str:
    """Return the scores of an image of a site left out as a sentence."""
    parts = []
    if "gm_dice" in row:
        parts.append(f"gray matter Dice {row['gm_dice']:.3f}")
    if "found_3mm" in row:
        parts.append(f"found on {row['found_3mm']:.0%} of {row['slices']} slices")
    if "left_empty" in row:
        parts.append(f"{row['left_empty']:.0%} of the slices without a cord left empty")
    if "cord_dice" in row:
        parts.append(f"cord Dice {row['cord_dice']:.3f}")
    if row["decided"]:
        parts.append("it helped to choose the weights")
    if row["seen_by_start"]:
        parts.append("the model that the training started from has seen it: no score of a new site")
    rater = f", rater {row['rater']}" if row["rater"] else ""
    return f"site {row['site']}, {Path(row['image']).name}{rater}: {', '.join(parts)}"
