"""The configuration of a training run: a TOML file, checked before anything starts."""

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from scgm.errors import ConfigError

RECIPES = Path(__file__).with_name("recipes")
DEFAULT_RECIPE = RECIPES / "default.toml"

GM_ENDING, CORD_ENDING = "_label-GM_seg.nii.gz", "_label-SC_seg.nii.gz"

Positive = Annotated[int, Field(gt=0)]
NotNegative = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Precision = Literal["auto", "float32", "bfloat16"]


class Checked(BaseModel):
    """A section: unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Source(Checked):
    """One volume to learn from; paths are relative to the data folder.

    With ``image`` it is a scan (a label of gray matter, of the cord, or both); without, its two
    labels are a shape to paint. Several ``cord`` files are added up (gray and white matter).
    Labels are shares from 0 to 1, or numbers of which ``gm_values`` and ``cord_values`` say which
    mean the tissue. ``subject`` is whom it shows, by default as the ``sub-`` of a path says.
    """

    site: str
    subject: str = ""
    image: Path | None = None
    gm: Path | None = None
    cord: tuple[Path, ...] = ()
    gm_values: tuple[int, ...] = ()
    cord_values: tuple[int, ...] = ()
    every: Positive = 1
    weight: Annotated[float, Field(gt=0)] = 1.0
    teaches: Literal["both", "finder"] = "both"

    @property
    def scored(self) -> bool:
        """Whether gray matter that a network finds in it can be scored."""
        return self.image is not None and self.gm is not None


class Folder(Checked):
    """A folder of label maps, with or without the scans that they belong to.

    Every ``NAME_label-GM_seg.nii.gz`` with ``NAME_label-SC_seg.nii.gz`` beside it is a source; if
    ``NAME.nii.gz`` is there, too, a scan, else a shape to paint.
    """

    site: str
    path: Path
    every: Positive = 1
    weight: Annotated[float, Field(gt=0)] = 1.0

    def sources(self, root: Path) -> list[Source]:
        """Return what the folder holds; its paths are relative to ``root``.

        Raises
        ------
        ConfigError
            If there is no gray matter with its cord.
        """
        found = []
        for gm in sorted((root / self.path).glob(f"*{GM_ENDING}")):
            name = gm.name.removesuffix(GM_ENDING)
            cord, image = gm.with_name(name + CORD_ENDING), gm.with_name(name + ".nii.gz")
            if cord.is_file():
                place = self.path / name
                found.append(
                    Source(
                        site=self.site,
                        image=place.with_name(image.name) if image.is_file() else None,
                        gm=place.with_name(gm.name),
                        cord=(place.with_name(cord.name),),
                        every=self.every,
                        weight=self.weight,
                    )
                )
        if not found:
            msg = f"{root / self.path}: no *{GM_ENDING} with *{CORD_ENDING} beside it; check path"
            raise ConfigError(msg)
        return found


class Stage(Checked):
    """How one network is trained.

    ``schedule``: "cosine" warms up over 100 steps and falls to 1 % as half a cosine; "poly" falls
    as (1 - n / N) ** 0.9, n of N epochs of ``epoch_steps`` steps each. ``average`` is the decay of
    the moving average of the weights (0: no average), ``clip`` the largest norm of a gradient (0:
    any), ``batch`` the images that each process draws for a step.
    """

    steps: Positive = 3000
    batch: Positive = 64
    learning_rate: Annotated[float, Field(gt=0)] = 1e-3
    schedule: Literal["cosine", "poly"] = "cosine"
    epoch_steps: Positive = 1
    weight_decay: Annotated[float, Field(ge=0)] = 1e-4
    average: Annotated[float, Field(ge=0, lt=1)] = 0.998
    clip: Annotated[float, Field(ge=0)] = 5.0


class FinderStage(Stage):
    """The cord finder's training."""

    widths: tuple[int, ...] = (16, 24, 32, 48, 64)
    phantom_share: Annotated[float, Field(ge=0, lt=1)] = 0.4


class SegmenterStage(Stage):
    """The segmentation network's training.

    ``widths`` are those of "unet", ``filters`` those of "ddc", and ``dropout`` that of "ddc" and
    "unet-paper". Every ``validate_every`` steps (0: never) the network is scored on images that it
    does not learn from; it stops after ``patience`` such validations without a better one (0: it
    never does), and the weights that scored best are kept, or the last.
    """

    network: Literal["unet", "ddc", "unet-paper"] = "unet"
    widths: tuple[int, ...] = (24, 48, 96, 128)
    filters: Positive = 32
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1
    loss: Literal["dice", "dice+entropy"] = "dice+entropy"
    augmentation: Literal["ours", "ddc-2018"] = "ours"
    real_share: Share = 0.25
    validate_every: NotNegative = 500
    patience: NotNegative = 0
    keep: Literal["best", "last"] = "best"

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


class TrainConfig(Checked):
    """All that decides what a model becomes, its data folder apart.

    The sites of ``leave_out`` and ``validate_on`` are not learned from. Networks are chosen by
    their score on ``validate_on``; where that is empty, on ``leave_out``.
    """

    name: str = "default"
    seed: int = 0
    leave_out: tuple[str, ...] = ()
    validate_on: tuple[str, ...] = ()
    phantoms: NotNegative = 300
    precision: Precision = "auto"
    compile: bool = False
    deterministic: bool = False
    tensorboard: bool = False
    save_every: Positive = 500
    finder: FinderStage = FinderStage()
    segmenter: SegmenterStage = SegmenterStage()
    source: tuple[Source, ...] = ()
    folder: tuple[Folder, ...] = ()

    def expanded(self, root: Path) -> "TrainConfig":
        """Return the same with what the folders below ``root`` hold among the sources."""
        held = [source for folder in self.folder for source in folder.sources(root)]
        return self.model_copy(update={"source": (*self.source, *held), "folder": ()})

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
        config = TrainConfig.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        found = "" if first["type"] == "value_error" else f", found {first['input']!r}"
        msg = f"{path}: {place}: {first['msg']}{found}"
        raise ConfigError(msg) from error
    _check_sites(path, config)
    return config


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


def _check_sites(path: Path, config: TrainConfig) -> None:
    named = {source.site for source in config.source} | {folder.site for folder in config.folder}
    kept_out = {*config.leave_out, *config.validate_on}
    for key in ("leave_out", "validate_on"):
        unknown = set(getattr(config, key)) - named
        if unknown:
            msg = f"{path}: {key} names {', '.join(sorted(unknown))}, which no source has"
            raise ConfigError(msg)
    if named <= kept_out:
        msg = f"{path}: no source is left to learn from; add a [[source]] or leave out fewer sites"
        raise ConfigError(msg)
