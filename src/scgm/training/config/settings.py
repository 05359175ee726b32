"""Sections and keys of a configuration, with defaults and limits; explained in docs/training.md."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from scgm.datasets.case import site_key
from scgm.errors import ConfigError
from scgm.networks.preparation import (
    LEARNED_MM,
    SEGMENTED_MM,
    STEP,
    WINDOW_PIXEL_MM,
    Windows,
    window_size,
)
from scgm.training.config.sources import (
    Checked,
    Labeled,
    LabelFolder,
    Positive,
    Source,
    names_of,
)

# Limits that no training needs to pass; beyond them numbers overflow, or memory does not suffice.
MOST_WIDTH, MOST_BATCH, MOST_SEED = 1024, 4096, 2**32 - 1

NotNegative = Annotated[int, Field(ge=0, le=10**9)]
Width = Annotated[int, Field(gt=0, le=MOST_WIDTH)]
Widths = Annotated[tuple[Width, ...], Field(min_length=1)]
Batch = Annotated[int, Field(gt=0, le=MOST_BATCH)]
Count = Annotated[int, Field(ge=0, le=10**6)]
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
    batch: Batch = 64
    learning_rate: Annotated[float, Field(gt=0)] = 1e-3
    schedule: Literal["cosine", "poly"] = "cosine"
    epoch_steps: Positive = 1
    weight_decay: Annotated[float, Field(ge=0)] = 1e-4
    average: Annotated[float, Field(ge=0, lt=1)] = 0.998
    clip: Annotated[float, Field(ge=0)] = 5.0

    @model_validator(mode="after")
    def _learns_or_starts(self) -> Self:
        if not self.steps and not self.start:
            msg = (
                "with steps = 0 nothing is learned: name the model to take the weights from (start)"
            )
            raise ValueError(msg)
        return self


def require_levels(widths: tuple[int, ...]) -> None:
    """Refuse more levels of a U-Net than its images can be halved for.

    Raises
    ------
    ValueError
        If there are more.
    """
    if len(widths) > MOST_LEVELS:
        msg = f"widths: {len(widths)} levels; images can be halved for {MOST_LEVELS}"
        raise ValueError(msg)


class FinderStage(Stage):
    """The cord finder's training; ``phantom_share`` of what it sees are phantoms."""

    widths: Widths = (16, 24, 32, 48, 64)
    phantom_share: Annotated[float, Field(ge=0, lt=1)] = 0.4

    @model_validator(mode="after")
    def _levels_fit_the_slice(self) -> Self:
        require_levels(self.widths)
        return self


class SegmenterStage(Stage):
    """The segmentation network's training.

    ``pixel_mm`` is the size of the pixels that it works with, ``window_mm`` the side of the windows
    that it learns from, and ``used_mm`` that of the windows in use. In use, windows of finer images
    have their pixels, down to ``finest_mm``, and maps are averaged along the cord by a Gaussian of
    ``along_mm`` (0: they are not). ``fine_share`` of each batch is painted with pixels of
    ``finest_mm``. ``widths`` are the channels of each level of "unet", ``filters`` those of "ddc",
    and ``dropout`` is used by "ddc" and "unet-paper".
    Every ``validate_every`` steps (0: never) the network is scored on images that it does not learn
    from; it stops after ``patience`` such validations without a better one (0: it never does), and
    the weights that scored best are kept, or the last.
    """

    network: Literal["unet", "ddc", "unet-paper", "deepseg"] = "unet"
    pixel_mm: Annotated[float, Field(ge=0.05, le=1)] = WINDOW_PIXEL_MM
    window_mm: Annotated[float, Field(ge=16, le=100)] = LEARNED_MM
    used_mm: Annotated[float, Field(ge=16, le=100)] = SEGMENTED_MM
    finest_mm: Annotated[float, Field(ge=0.05, le=1)] = WINDOW_PIXEL_MM
    along_mm: Annotated[float, Field(ge=0, le=20)] = 0.0
    fine_share: Share = 0.0
    widths: Widths = (24, 48, 96, 128)
    filters: Width = 32
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    loss: Literal["dice", "dice+entropy"] = "dice+entropy"
    augmentation: Literal["ours", "ddc-2018"] = "ours"
    real_share: Share = 0.25
    validate_every: NotNegative = 500
    patience: NotNegative = 0
    keep: Literal["best", "last"] = "best"

    @property
    def learned_size(self) -> int:
        """Pixels along a side of the windows to learn from."""
        return window_size(self.window_mm, self.pixel_mm, self._multiple)

    @property
    def windows(self) -> Windows:
        """The windows in use."""
        return Windows(
            self.pixel_mm,
            self.used_mm,
            self._multiple,
            self.finest_mm,
            self.along_mm,
            tells_pixel=self.tells_pixel,
        )

    @property
    def tells_pixel(self) -> bool:
        """Whether the network is told the pixel size: "unet", if that varies."""
        return self.network == "unet" and self.finest_mm < self.pixel_mm

    @property
    def _multiple(self) -> int:
        return 1 if self.network == "ddc" else STEP  # "ddc" halves no window

    @property
    def fine_window_mm(self) -> float:
        """Side of the windows with pixels of ``finest_mm``, as many as in the others."""
        return self.learned_size * self.finest_mm

    @property
    def fine_windows(self) -> int:
        """Windows with pixels of ``finest_mm`` in each batch, at least one if any are wanted."""
        return max(round(self.batch * self.fine_share), int(self.fine_share > 0))

    @model_validator(mode="after")
    def _finer_windows_can_be_learned(self) -> Self:
        if self.fine_share and self.finest_mm >= self.pixel_mm:
            msg = f"fine_share: finest_mm = {self.finest_mm:g} is not below pixel_mm; lower it"
            raise ValueError(msg)
        return self

    @property
    def validates(self) -> bool:
        """Whether scans are used to choose weights; "deepseg" always keeps its last weights."""
        return self.validate_every > 0 and self.network != "deepseg"

    @model_validator(mode="after")
    def _levels_fit_the_window(self) -> Self:
        if self.network == "unet":
            require_levels(self.widths)
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
    def _keys_that_deepseg_supports(self) -> Self:
        changed = {
            "start": self.start != "",
            "pixel_mm": self.pixel_mm != WINDOW_PIXEL_MM,
            "window_mm": self.window_mm != LEARNED_MM,
            "used_mm": self.used_mm != SEGMENTED_MM,
            "finest_mm": self.finest_mm != WINDOW_PIXEL_MM,
            "along_mm": self.along_mm != 0,
            "fine_share": self.fine_share != 0,
            "augmentation": self.augmentation != "ours",
        }
        wrong = [key for key, is_changed in changed.items() if is_changed]
        if self.network == "deepseg" and wrong:
            msg = f'network "deepseg" does not support {", ".join(wrong)}; omit it'
            raise ValueError(msg)
        return self


class DeepsegStage(Checked):
    """How the two networks of "deepseg" are trained.

    ``depth`` is the number of slices of a stack, ``sensitivity`` r of the loss, the weight of the
    errors within a tissue: at the start and, reached evenly, at the end. Each of the three
    Boltzmann machines of a network sees ``pretraining_batches`` batches ``pretraining_epochs``
    times (0: no pre-training); ``threshold_batches`` batches decide a network's threshold.
    """

    cord: Stage = Stage(steps=900, batch=64, learning_rate=5e-4, average=0.99)
    gray: Stage = Stage(steps=3600, batch=64, learning_rate=4e-4, average=0.995)
    cord_filters: Width = 16
    gray_filters: Width = 24
    depth: Batch = 4
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
                msg = f"{name}.start: these networks start from their pre-training; omit it"
                raise ValueError(msg)
        return self


class TrainConfig(Checked):
    """Everything that a trained model depends on, except for the data folder.

    ``name`` is what the card of a model calls the configuration; "" where it has none.
    The sites of ``leave_out`` and ``validate_on`` are not learned from; how a site is spelled does
    not matter. Networks are chosen by their score on ``validate_on``; where that is empty, on
    ``leave_out``. ``phantoms`` are single slices for the cord finder, ``phantom_scans`` whole scans
    with labels for both networks. ``downloads`` tells, for a folder of the data, in which folder
    ``scgm data get`` puts the same files: those that are missing are looked for there.
    """

    name: str = ""
    seed: Annotated[int, Field(ge=0, le=MOST_SEED)] = 0
    leave_out: tuple[str, ...] = ()
    validate_on: tuple[str, ...] = ()
    phantoms: Count = 300
    phantom_scans: Count = 0
    precision: Precision = "auto"
    compile: bool = False
    deterministic: bool = False
    tensorboard: bool = False
    save_every: Positive = 100
    finder: FinderStage = FinderStage()
    segmenter: SegmenterStage = SegmenterStage()
    deepseg: DeepsegStage = DeepsegStage()
    source: tuple[Source, ...] = ()
    folder: tuple[LabelFolder, ...] = ()
    dataset: tuple[Labeled, ...] = ()
    downloads: dict[str, str] = Field(default_factory=dict)

    def expanded(
        self, root: Path, warn: Callable[[str], None] = lambda _line: None
    ) -> "TrainConfig":
        """Return the same with what folders and data sets below ``root`` hold among the sources.

        ``warn`` is given a sentence for all that is odd about the data sets.

        Raises
        ------
        ConfigError
            If they hold nothing, a site to keep apart is not among them, or nothing is left.
        DataSetError
            If a data set cannot be read.
        """
        held = [source for folder in self.folder for source in folder.sources(root)]
        names = names_of([root / dataset.path for dataset in self.dataset])
        for dataset, name in zip(self.dataset, names, strict=True):
            held += dataset.sources(root, name, warn)
        own = [source.found(root, self.downloads) for source in self.source]
        whole = self.model_copy(update={"source": (*own, *held), "folder": (), "dataset": ()})
        whole.require_sites()
        if not whole.kept() and not self.phantom_scans:
            msg = "no source is left to learn from; add a [[source]] or leave out fewer sites"
            raise ConfigError(msg)
        return whole

    def require_sites(self) -> None:
        """Make sure that the sites to keep apart are there.

        Raises
        ------
        ConfigError
            If no source has one of them.
        """
        names = {site_key(source.site): source.site for source in self.source}
        for key in ("leave_out", "validate_on"):
            unknown = [site for site in getattr(self, key) if site_key(site) not in names]
            if unknown:
                sites = ", ".join(sorted(names.values())) or "none"
                msg = f"{key} names {', '.join(unknown)}, which no source has; sites: {sites}"
                raise ConfigError(msg)

    def relative_paths(self) -> list[Path]:
        """Return the files and folders whose place depends on the data folder."""
        listed = [path for source in self.source for path in source.files]
        listed += [folder.path for folder in self.folder]
        listed += [dataset.path for dataset in self.dataset]
        return [path for path in listed if not path.is_absolute()]

    def kept(self) -> list[Source]:
        """Return the sources to learn from."""
        return [each for each in self.source if not _of(each, self.leave_out + self.validate_on)]

    def left_out(self) -> list[Source]:
        """Return the sources whose site is left out."""
        return [source for source in self.source if _of(source, self.leave_out)]

    def deciding(self) -> tuple[str, ...]:
        """Return the sites whose images decide when to stop and which weights to keep."""
        return self.validate_on or self.leave_out

    def validated(self) -> list[Source]:
        """Return the scans of the deciding sites that have a label of gray matter."""
        sites = self.deciding()
        return [source for source in self.source if _of(source, sites) and source.scored]


def _of(source: Source, sites: Iterable[str]) -> bool:
    """Whether a source is of one of some sites."""
    return site_key(source.site) in map(site_key, sites)
