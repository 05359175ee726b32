"""Every choice of how a table of measurements is made."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from scgm.errors import UsageError
from scgm.measurement.level_image import LevelMeaning


class By(StrEnum):
    """What a row of a table stands for."""

    SLICE = "slice"
    LEVEL = "level"
    RANGE = "range"
    WHOLE = "whole"


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureOptions:
    """How a table of measurements is made.

    Parameters
    ----------
    by : {"slice", "level", "range", "whole"}, optional
        A row for each slice, for each level, for the range of levels, or for all slices; by
        default a range if *levels* are given, else slices.
    levels : str, optional
        Levels to keep, as "C2:C5".
    levels_from : str, Path or nibabel image, optional
        A label image of levels or discs, or a text file (.txt, .csv, .tsv) with a level a slice.
    level_at : (int, str), optional
        A slice of the image and the level whose middle it shows, as (7, "C3"): the levels of the
        others are counted by average lengths, and marked as approximate.
    level_kind : {"vertebral", "spinal", "discs", "discs-below"}, optional
        What the levels mean; see `scgm.measurement.level_image`.
    angle_correction : bool
        Whether areas and lengths are those across the cord, not those of the slice.
    include_flagged : bool
        Whether means use slices that need a look, too.
    norms : str or Path, optional
        Normal values (`scgm norms build`): adds the normal range of areas, z-scores and centiles;
        rows are by level (by slice, the range alone).
    age, sex : float and {"M", "F"}, optional
        Of the person, if the norms allow for them.

    Raises
    ------
    UsageError
        If a choice makes no sense.
    """

    by: str | None = None
    levels: str | None = None
    levels_from: Any = None
    level_at: tuple[int, str] | None = None
    level_kind: str | None = None
    angle_correction: bool = True
    include_flagged: bool = False
    norms: str | Path | None = None
    age: float | None = None
    sex: str | None = None

    def __post_init__(self) -> None:
        self._check_words()
        if self.levels_from is not None and self.level_at is not None:
            msg = "levels from a file and the level of one slice exclude each other; give one"
            raise UsageError(msg)
        if self.by == By.RANGE and self.levels is None:
            msg = "a table by range needs the range; say which levels, for example C2:C5"
            raise UsageError(msg)
        if self.by == By.WHOLE and self.levels is not None:
            msg = "the whole volume and a range of levels exclude each other; choose one"
            raise UsageError(msg)

        self._check_norms()

    def _check_norms(self) -> None:
        if self.norms is None and (self.age is not None or self.sex is not None):
            msg = "age and sex are for a comparison with norms; give norms, too"
            raise UsageError(msg)
        if self.norms is not None and self.by not in {None, By.LEVEL, By.SLICE}:
            msg = (
                f"norms are by level; a table by {self.by} cannot be compared with them (by slice "
                "it has the normal range of each slice's level)"
            )
            raise UsageError(msg)
        if self.age is not None and not 0 <= self.age <= 120:
            msg = f"age {self.age:g} is no number of years"
            raise UsageError(msg)
        if self.sex not in {None, "M", "F"}:
            msg = f"sex {self.sex!r} is not known; give M or F"
            raise UsageError(msg)

    def _check_words(self) -> None:
        for what, word, known in (
            ("a table by", self.by, By),
            ("the kind of level", self.level_kind, LevelMeaning),
        ):
            if word is not None and word not in tuple(known):
                msg = f"{what} {word!r} is not known; choose one of {', '.join(known)}"
                raise UsageError(msg)

    @property
    def rows_are(self) -> By:
        """What a row stands for."""
        if self.by is not None:
            return By(self.by)
        if self.norms is not None:
            return By.LEVEL
        return By.SLICE if self.levels is None else By.RANGE


DEFAULT_MEASURE = MeasureOptions()
