"""All that a run learns from, decides by and is scored on: read, checked, cut and kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scgm.errors import ConfigError
from scgm.synthesis.scenes import Scenes
from scgm.synthesis.windows import Crops
from scgm.training.config.settings import TrainConfig
from scgm.training.config.sources import Source
from scgm.training.data.cache import kept, key_of
from scgm.training.data.checks import check_labels, check_splits
from scgm.training.data.examples import LabeledStack, make_crops, make_scenes, read_source
from scgm.training.data.phantoms import PHANTOM, phantom_scenes, phantom_stacks, with_phantoms


@dataclass(frozen=True, slots=True, eq=False)
class Materials:
    """What a run is given.

    ``deciding`` are the scans that choose among weights, ``scored`` those of the sites left out,
    ``sites`` those that are learned from, and ``told`` says in a line what was read.
    """

    scenes: Scenes
    crops: Crops
    deciding: tuple[LabeledStack, ...]
    scored: tuple[LabeledStack, ...]
    sites: set[str]
    told: str


def prepare(config: TrainConfig, data: Path) -> Materials:
    """Read all that a configuration names, and refuse what nothing good can be learned from.

    Raises
    ------
    ConfigError
        If there is nothing to learn from, a label makes no sense or lies on another grid, or a
        subject is in two splits.
    ScgmError
        If a file cannot be read.
    """
    learned, left_out = config.kept(), [source for source in config.left_out() if source.image]
    decided = config.validated() if config.segmenter.validates else []
    if config.validate_on and config.segmenter.validates and not decided:
        sites = ", ".join(config.validate_on)
        msg = f"validate_on: no scan of {sites} has gray matter drawn on it; name another site"
        raise ConfigError(msg)
    if config.leave_out and not left_out:
        msg = f"leave_out: there is no scan of {', '.join(config.leave_out)}, so nothing to score"
        raise ConfigError(msg)
    check_splits({"is learned from": learned, "is kept apart": [*decided, *left_out]}, data)
    apart = {source: _read(source, data) for source in dict.fromkeys((*decided, *left_out))}
    stacks = _OnceRead(config, learned, data)
    drawn, pixel_mm = (config.seed, config.phantom_scans), config.segmenter.pixel_mm
    share = config.finder.phantom_share
    scenes_key = key_of(learned, data, *drawn, config.phantoms, share)
    crops_key = key_of(learned, data, *drawn, pixel_mm)
    return Materials(
        scenes=kept(Scenes, scenes_key, lambda: _scenes(config, stacks())),
        crops=kept(Crops, crops_key, lambda: make_crops(stacks(), pixel_mm)),
        deciding=tuple(apart[source] for source in decided),
        scored=tuple(apart[source] for source in left_out),
        sites={source.site for source in learned} | ({PHANTOM} if config.phantom_scans else set()),
        told=(
            f"{len(learned)} volumes to learn from, {config.phantom_scans} phantom scans, "
            f"{len(decided)} volumes to validate on, {len(left_out)} to score"
        ),
    )


class _OnceRead:
    """The stacks to learn from, read when they are first needed: not if all was kept."""

    def __init__(self, config: TrainConfig, learned: Sequence[Source], data: Path) -> None:
        self._config, self._learned, self._data = config, learned, data
        self._stacks: list[LabeledStack] | None = None

    def __call__(self) -> list[LabeledStack]:
        if self._stacks is None:
            drawn = phantom_stacks(self._config.phantom_scans, self._config.seed)
            self._stacks = [*(_read(source, self._data) for source in self._learned), *drawn]
        return self._stacks


def _read(source: Source, data: Path) -> LabeledStack:
    stack = read_source(source, data)
    check_labels(stack)
    return stack


def _scenes(config: TrainConfig, stacks: Sequence[LabeledStack]) -> Scenes:
    """Return whole slices of scans and of phantoms; of phantoms alone where there is no scan."""
    if not config.phantoms:
        return make_scenes(stacks)
    if not any(stack.image is not None for stack in stacks):
        return phantom_scenes(config.phantoms, config.seed)
    scenes = make_scenes(stacks)
    return with_phantoms(scenes, config.phantoms, config.finder.phantom_share, config.seed)
