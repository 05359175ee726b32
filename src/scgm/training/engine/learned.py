"""What each of the two networks of a model has learned from: sites and files.

A model may have its networks from different trainings. Whether it has seen a site depends on both.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from scgm.training.config.settings import TrainConfig
from scgm.training.config.sources import Source
from scgm.training.engine.start import StartModel

FINDER, SEGMENTER = "finder", "segmenter"


@dataclass(frozen=True, slots=True)
class Learned:
    """Sites and files that one network has learned from, in order."""

    sites: tuple[str, ...]
    data: tuple[str, ...]


def learned_by(
    config: TrainConfig, starts: Mapping[str, StartModel], made: frozenset[str] = frozenset()
) -> dict[str, Learned]:
    """Return what each network of a run has learned from, with what it started from.

    ``starts`` are the models that the networks start from; ``made`` are sites of data that no file
    holds (phantoms), which both networks learn from.
    """
    own = {
        FINDER: [source for source in config.kept() if source.image is not None],
        SEGMENTER: [source for source in config.kept() if _teaches_segmenter(source)],
    }
    steps = {FINDER: config.finder.steps, SEGMENTER: config.segmenter.steps}
    return {
        part: _joined(own[part] if steps[part] else [], made if steps[part] else (), start)
        for part, start in ((part, starts.get(part)) for part in own)
    }


def _teaches_segmenter(source: Source) -> bool:
    return source.teaches == "both" and (source.gm is not None or bool(source.cord))


def _joined(own: list[Source], made: Any, start: StartModel | None) -> Learned:
    sites = {source.site for source in own} | set(made)
    data = {str(source.image or source.gm) for source in own}
    if start is not None:
        sites |= set(start.sites)
        data |= set(start.data)
    return Learned(tuple(sorted(sites)), tuple(sorted(data)))


def as_record(learned: Mapping[str, Learned]) -> dict[str, Any]:
    """Return what a checkpoint and a card say: the sites of both, and each network's own."""
    every = sorted({site for each in learned.values() for site in each.sites})
    return {"sites": every, "learned": {part: asdict(each) for part, each in learned.items()}}
