"""The configuration of a training run: a TOML file, checked before anything starts."""

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from scgm.errors import ConfigError
from scgm.networks.preparation import STEP, WINDOW_PIXEL_MM
from scgm.training.config.sources import Checked, Folder, Labeled, Positive, Source

RECIPES = Path(__file__).parents[1] / "recipes"
DEFAULT_RECIPE = RECIPES / "default.toml"

NotNegative = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Inner = Annotated[float, Field(gt=0, lt=1)]
MOST_LEVELS = STEP.bit_length()  # of a U-Net, which halves its window between two of them
Precision = Literal["auto", "float32", "bfloat16"]


class Stage(Checked):
    """How one network is trained.

    ``schedule``: "cosine" warms up over 100 steps and falls to 1 % as half a cosine; "poly" falls
    as (1 - n / N) ** 0.9, n of N epochs of ``epoch_steps`` steps each. ``average`` is the decay of
    the moving average of the weights (0: no average), ``clip`` the largest norm of a gradient (0:
    any), ``batch`` the images that each process draws for a step. ``start`` is a model (a name, or
    an ``.onnx`` file) whose weights the network starts from; with 0 steps it stays as it is there.
    """

    start: str = ""
    steps: NotNegative = 3000
    batch: Positive = 64
    learning_rate: Annotated[float, Field(gt=0)] = 1e-3
    schedule: Literal["cosine", "poly"] = "cosine"
    epoch_steps: Positive = 1
    weight_decay: Annotated[float, Field(ge=0)] = 1e-4
    average: Annotated[float, Field(ge=0, lt=1)] = 0.998
    clip: Annotated[float, Field(ge=0)] = 5.0

    @model_validator(mode="after")
    def _learns_or_starts(self) -> Self:
        if not self.steps and not self.start:
            msg = "with steps = 0 nothing is learned: name the model to take it from (start)"
            raise ValueError(msg)
        return self


class FinderStage(Stage):
    """The cord finder's training."""

    widths: tuple[int, ...] = (16, 24, 32, 48, 64)
    phantom_share: Annotated[float, Field(ge=0, lt=1)] = 0.4


class SegmenterStage(Stage):
    """The segmentation network's training.

    ``pixel_mm`` is the resolution that it works at: its windows are at least as wide at
    any. ``widths`` are those of "unet", ``filters`` those of "ddc", and ``dropout`` that of "ddc"
    and "unet-paper".
    Every ``validate_every`` steps (0: never) the network is scored on images that it
    does not learn from; it stops after ``patience`` such validations without a better one (0: it
    never does), and the weights that scored best are kept, or the last.
    """

    network: Literal["unet", "ddc", "unet-paper", "deepseg"] = "unet"
    pixel_mm: Annotated[float, Field(ge=0.05, le=1)] = WINDOW_PIXEL_MM
    widths: tuple[int, ...] = (24, 48, 96, 128)
    filters: Positive = 32
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1
    loss: Literal["dice", "dice+entropy"] = "dice+entropy"
    augmentation: Literal["ours", "ddc-2018"] = "ours"
    real_share: Share = 0.25
    validate_every: NotNegative = 500
    patience: NotNegative = 0
    keep: Literal["best", "last"] = "best"

    @property
    def validates(self) -> bool:
        """Whether scans are asked for to decide; the two networks of "deepseg" keep their last."""
        return self.validate_every > 0 and self.network != "deepseg"

    @model_validator(mode="after")
    def _levels_fit_the_window(self) -> Self:
        if self.network == "unet" and len(self.widths) > MOST_LEVELS:
            msg = f"widths: {len(self.widths)} levels; windows can be halved for {MOST_LEVELS}"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _painted_or_not(self) -> Self:
        real = round(self.batch * self.real_share)
        if self.augmentation == "ddc-2018" and self.real_share != 1:
            msg = 'augmentation "ddc-2018" paints nothing: set real_share = 1'
            raise ValueError(msg)
        if self.augmentation == "ours" and real == self.batch:
            msg = 'augmentation "ours" paints a part of each batch: lower real_share'
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _nothing_that_deepseg_leaves_aside(self) -> Self:
        changed = {
            "start": self.start != "",
            "pixel_mm": self.pixel_mm != WINDOW_PIXEL_MM,
            "augmentation": self.augmentation != "ours",
        }
        wrong = [key for key, is_changed in changed.items() if is_changed]
        if self.network == "deepseg" and wrong:
            msg = f'network "deepseg" has ways of its own: leave {", ".join(wrong)} away'
            raise ValueError(msg)
        return self


class DeepsegStage(Checked):
    """How the two networks are trained.

    ``depth`` is the number of slices of a stack, ``sensitivity`` r of the loss, the weight of the
    errors within a tissue: at the start and, reached evenly, at the end. Each of the three
    Boltzmann machines of a network sees ``pretraining_batches`` batches ``pretraining_epochs``
    times (0: no pre-training); ``threshold_batches`` batches decide a network's threshold.
    """

    cord: Stage = Stage(steps=1200, batch=12, learning_rate=5e-4, average=0.99)
    gray: Stage = Stage(steps=5400, batch=24, learning_rate=4e-4, average=0.995)
    cord_filters: Positive = 16
    gray_filters: Positive = 24
    depth: Positive = 4
    sensitivity: tuple[Inner, Inner] = (0.2, 0.05)
    pretraining_batches: Positive = 16
    pretraining_epochs: Annotated[int, Field(ge=0)] = 6
    pretraining_rate: Annotated[float, Field(gt=0)] = 3e-4
    threshold_batches: Positive = 12

    @model_validator(mode="after")
    def _whole_stacks(self) -> Self:
        for name, part in (("cord", self.cord), ("gray", self.gray)):
            if part.batch % self.depth:
                msg = f"{name}.batch = {part.batch} is no multiple of depth = {self.depth}"
                raise ValueError(msg)
            if part.start:
                msg = f"{name}.start: these networks start from their pre-training; leave it away"
                raise ValueError(msg)
        return self


class TrainConfig(Checked):
    """All that decides what a model becomes, its data folder apart.

    The sites of ``leave_out`` and ``validate_on`` are not learned from. Networks are chosen by
    their score on ``validate_on``; where that is empty, on ``leave_out``. ``phantoms`` are single
    slices for the cord finder, ``phantom_scans`` whole scans with labels for both networks.
    """

    name: str = "default"
    seed: int = 0
    leave_out: tuple[str, ...] = ()
    validate_on: tuple[str, ...] = ()
    phantoms: NotNegative = 300
    phantom_scans: NotNegative = 0
    precision: Precision = "auto"
    compile: bool = False
    deterministic: bool = False
    tensorboard: bool = False
    save_every: Positive = 500
    finder: FinderStage = FinderStage()
    segmenter: SegmenterStage = SegmenterStage()
    deepseg: DeepsegStage = DeepsegStage()
    source: tuple[Source, ...] = ()
    folder: tuple[Folder, ...] = ()
    dataset: tuple[Labeled, ...] = ()

    def expanded(self, root: Path) -> "TrainConfig":
        """Return the same with what folders and data sets below ``root`` hold among the sources.

        Raises
        ------
        ConfigError
            If they hold nothing, a site to keep apart is not among them, or nothing is left.
        DataSetError
            If a data set cannot be read.
        """
        held = [source for folder in self.folder for source in folder.sources(root)]
        held += [source for dataset in self.dataset for source in dataset.sources(root)]
        whole = self.model_copy(
            update={"source": (*self.source, *held), "folder": (), "dataset": ()}
        )
        named = {source.site for source in whole.source}
        for key in ("leave_out", "validate_on"):
            unknown = set(getattr(self, key)) - named
            if unknown:
                sites = ", ".join(sorted(named)) or "none"
                msg = (
                    f"{key} names {', '.join(sorted(unknown))}, which no source has; sites: {sites}"
                )
                raise ConfigError(msg)
        if not whole.kept() and not self.phantom_scans:
            msg = "no source is left to learn from; add a [[source]] or leave out fewer sites"
            raise ConfigError(msg)
        return whole

    def kept(self) -> list[Source]:
        """Return the sources to learn from."""
        kept_out = {*self.leave_out, *self.validate_on}
        return [source for source in self.source if source.site not in kept_out]

    def left_out(self) -> list[Source]:
        """Return the sources whose site is left out."""
        return [source for source in self.source if source.site in self.leave_out]

    def deciding(self) -> tuple[str, ...]:
        """Return the sites whose images decide when to stop and what to keep."""
        return self.validate_on or self.leave_out

    def validated(self) -> list[Source]:
        """Return the scans of the deciding sites that have a label of gray matter."""
        sites = self.deciding()
        return [source for source in self.source if source.site in sites and source.scored]


def read_config(path: Path, changes: tuple[str, ...] = ()) -> TrainConfig:
    """Read a TOML file and apply changes such as ``segmenter.steps=500``.

    Raises
    ------
    ConfigError
        If the file is missing or not TOML, a key is unknown, or a value makes no sense.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        msg = f"{path}: cannot be read ({error.strerror}); give a training configuration (TOML)"
        raise ConfigError(msg) from error
    except tomllib.TOMLDecodeError as error:
        msg = f"{path}: not a TOML file ({error}); correct that line"
        raise ConfigError(msg) from error
    for change in changes:
        _apply(content, change)
    try:
        return TrainConfig.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        found = "" if first["type"] == "value_error" else f", found {first['input']!r}"
        msg = f"{path}: {place}: {first['msg']}{found}"
        raise ConfigError(msg) from error


def find_recipe(name: str) -> Path:
    """Return the file of a recipe that comes with the package.

    Raises
    ------
    ConfigError
        If there is none of that name.
    """
    known = sorted(path.stem for path in RECIPES.glob("*.toml"))
    if name not in known:
        msg = f"there is no recipe {name!r}; known: {', '.join(known)}"
        raise ConfigError(msg)
    return RECIPES / f"{name}.toml"


def _apply(content: dict[str, Any], change: str) -> None:
    """Set one ``section.key=value``; the value is read as TOML, else taken as text."""
    key, equals, text = change.partition("=")
    if not equals:
        msg = f"--set {change}: expected KEY=VALUE, such as segmenter.steps=500"
        raise ConfigError(msg)
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text
    *sections, last = key.strip().split(".")
    place = content
    for section in sections:
        place = place.setdefault(section, {})
    place[last] = value
