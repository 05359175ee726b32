"""Training, validation and test data of a run: read, checked, prepared and cached."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from scgm.errors import ConfigError
from scgm.synthesis.scenes import Scenes
from scgm.synthesis.windows import Crops
from scgm.training.config.settings import TrainConfig
from scgm.training.config.sources import Source
from scgm.training.data.cache import cached, key_of
from scgm.training.data.checks import check_files, check_labels, check_splits
from scgm.training.data.counting import Counter
from scgm.training.data.examples import LabeledStack, make_crops, make_scenes, read_source
from scgm.training.data.phantoms import PHANTOM, phantom_scenes, phantom_stacks, with_phantoms


@dataclass(frozen=True, slots=True, eq=False)
class Materials:
    """Training data (``scenes``, ``crops``), validation and test data of a run.

    ``fine`` are the crops again, smaller and with finer pixels, where batches of them are wanted.
    The scans of ``deciding`` choose which weights are kept, ``scored`` are those of the sites left
    out, and ``made`` are the sites of data that no file holds.
    """

    scenes: Scenes
    crops: Crops
    fine: Crops | None
    deciding: tuple[LabeledStack, ...]
    scored: tuple[LabeledStack, ...]
    made: frozenset[str]


def prepare(
    config: TrainConfig, data: Path, report: Callable[[str], None] = lambda _: None
) -> Materials:
    """Read and check all images that a configuration names.

    Parameters
    ----------
    report
        Is given a line about what is done next.

    Raises
    ------
    ConfigError
        If a file is missing, there is nothing to learn from, a label makes no sense or lies on
        another grid, or a person, an image or a label is in two splits.
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
    check_files([*learned, *decided, *left_out], data, config.downloads)
    gray = sum(source.gm is not None for source in learned)
    report(
        f"volumes to learn from: {len(learned)} ({gray} with gray matter); phantom scans: "
        f"{config.phantom_scans}; volumes to validate on: {len(decided)}, to score: {len(left_out)}"
    )
    check_splits({"learned from": learned, "kept apart": [*decided, *left_out]}, data)
    apart = {source: _read(source, data) for source in dict.fromkeys((*decided, *left_out))}
    stacks = _OnceRead(config, learned, data, report)
    drawn = (config.seed, config.phantom_scans)
    grid = (config.segmenter.pixel_mm, config.segmenter.window_mm)
    share = config.finder.phantom_share
    scenes_key = key_of(learned, data, *drawn, config.phantoms, share)
    crops_key = key_of(learned, data, *drawn, *grid)
    scenes = cached(Scenes, scenes_key, lambda: _scenes(config, stacks(), report))
    crops = cached(Crops, crops_key, lambda: make_crops(stacks(), *grid))
    report(_slices_in_words(crops))
    return Materials(
        scenes=scenes,
        crops=crops,
        fine=_fine(config, data, stacks),
        deciding=tuple(apart[source] for source in decided),
        scored=tuple(apart[source] for source in left_out),
        made=frozenset({PHANTOM} if config.phantom_scans else ()),
    )


def _slices_in_words(crops: Crops) -> str:
    """Say in how many of the slices to learn from which tissue is drawn."""
    drawn = int(crops.knows_gm.sum())
    alone = int((crops.knows_cord & ~crops.knows_gm).sum())
    told = " (nothing is learned about gray matter there)" if alone else ""
    return (
        f"slices for the segmentation network: {len(crops.knows_gm)}; with gray matter: {drawn}; "
        f"with a cord but no gray matter: {alone}{told}"
    )


def _fine(
    config: TrainConfig, data: Path, stacks: Callable[[], list[LabeledStack]]
) -> Crops | None:
    stage = config.segmenter
    if not stage.fine_share:
        return None
    grid = (stage.finest_mm, stage.fine_window_mm)
    key = key_of(config.kept(), data, config.seed, config.phantom_scans, *grid)
    return cached(Crops, key, lambda: make_crops(stacks(), *grid))


class _OnceRead:
    """The stacks to learn from, read when they are first needed: not if all is in the cache."""

    def __init__(
        self,
        config: TrainConfig,
        learned: Sequence[Source],
        data: Path,
        report: Callable[[str], None],
    ) -> None:
        self._config, self._learned, self._data = config, learned, data
        self._report = report
        self._stacks: list[LabeledStack] | None = None

    def __call__(self) -> list[LabeledStack]:
        if self._stacks is None:
            self._report("reading the volumes")
            volumes = Counter(self._report, "volumes read", len(self._learned))
            self._stacks = []
            for source in self._learned:
                self._stacks.append(_read(source, self._data))
                volumes.step()
            self._stacks += phantom_stacks(self._config.phantom_scans, self._config.seed)
        return self._stacks


def _read(source: Source, data: Path) -> LabeledStack:
    stack = read_source(source, data)
    check_labels(stack)
    return stack


def _scenes(
    config: TrainConfig, stacks: Sequence[LabeledStack], report: Callable[[str], None]
) -> Scenes:
    """Return whole slices of scans and of phantoms; of phantoms alone where there is no scan."""
    if not config.phantoms:
        return make_scenes(stacks)
    report(f"making {config.phantoms} synthetic slices for the cord finder")
    made = Counter(report, "synthetic slices made", config.phantoms)
    phantoms = phantom_scenes(config.phantoms, config.seed, made.step)
    if not any(stack.image is not None for stack in stacks):
        return phantoms
    return with_phantoms(make_scenes(stacks), phantoms, config.finder.phantom_share)
