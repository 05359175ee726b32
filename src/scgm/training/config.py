"""The configuration of a training run: a TOML file, checked before anything starts."""

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from scgm.errors import ConfigError

DEFAULT_RECIPE = Path(__file__).with_name("recipes") / "default.toml"

GM_ENDING, CORD_ENDING = "_label-GM_seg.nii.gz", "_label-SC_seg.nii.gz"

Positive = Annotated[int, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]


class Checked(BaseModel):
    """A section: unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Source(Checked):
    """One volume to learn from; paths are relative to the data folder.

    With ``image`` it is a scan (a label of gray matter, of the cord, or both); without, its two
    labels are a shape to paint. Several ``cord`` files are added up (gray and white matter).
    """

    site: str
    image: Path | None = None
    gm: Path | None = None
    cord: tuple[Path, ...] = ()
    every: Positive = 1
    weight: Annotated[float, Field(gt=0)] = 1.0
    teaches: Literal["both", "finder"] = "both"


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
    """How one network is trained."""

    steps: Positive = 3000
    batch: Positive = 64
    learning_rate: Annotated[float, Field(gt=0)] = 1e-3
    weight_decay: Annotated[float, Field(ge=0)] = 1e-4
    average: Annotated[float, Field(ge=0, lt=1)] = 0.998


class FinderStage(Stage):
    """The cord finder's training."""

    widths: tuple[int, ...] = (16, 24, 32, 48, 64)
    phantom_share: Annotated[float, Field(ge=0, lt=1)] = 0.4


class SegmenterStage(Stage):
    """The segmentation network's training."""

    network: Literal["unet", "ddc"] = "unet"
    widths: tuple[int, ...] = (24, 48, 96, 128)
    filters: Positive = 32
    real_share: Share = 0.25


class TrainConfig(Checked):
    """All that decides what a model becomes, its data folder apart."""

    name: str = "default"
    seed: int = 0
    leave_out: tuple[str, ...] = ()
    phantoms: Annotated[int, Field(ge=0)] = 300
    finder: FinderStage = FinderStage()
    segmenter: SegmenterStage = SegmenterStage()
    source: tuple[Source, ...] = ()
    folder: tuple[Folder, ...] = ()

    def expanded(self, root: Path) -> "TrainConfig":
        """Return the same with what the folders below ``root`` hold among the sources."""
        held = [source for folder in self.folder for source in folder.sources(root)]
        return self.model_copy(update={"source": (*self.source, *held), "folder": ()})

    def kept(self) -> list[Source]:
        """Return the sources whose site is not left out."""
        return [source for source in self.source if source.site not in self.leave_out]

    def left_out(self) -> list[Source]:
        """Return the sources whose site is left out."""
        return [source for source in self.source if source.site in self.leave_out]


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
        msg = f"{path}: {place}: {first['msg']}, found {first['input']!r}"
        raise ConfigError(msg) from error
    _check_sites(path, config)
    return config


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
    unknown = set(config.leave_out) - named
    if unknown:
        msg = f"{path}: leave_out names {', '.join(sorted(unknown))}, which no source has"
        raise ConfigError(msg)
    if named <= set(config.leave_out):
        msg = f"{path}: no source is left to learn from; add a [[source]] or leave out fewer sites"
        raise ConfigError(msg)
