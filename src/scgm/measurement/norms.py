"""Normal values by level: made of controls, kept in a file, and compared with."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    ValidationError,
    field_validator,
)

from scgm.errors import DataSetError
from scgm.io.paths import home
from scgm.measurement.columns import NAMES
from scgm.measurement.controls import NORMED, Controls, Person, read_controls
from scgm.measurement.levels import LevelKind, level_names
from scgm.version import __version__

# Fewer people at a level tell nothing; below the second number their SD is uncertain by a sixth.
LEAST_PEOPLE, FEW_PEOPLE = 5, 20
# Neighboring levels count by a Gaussian of this SD, in levels.
_SMOOTHING = 0.5
_CENTILES = (1, 2.5, 5, 10, 25, 50, 75, 90, 95, 97.5, 99)
# Age and sex are used from this on: people, range of ages (SD in years), people of each sex.
_LEAST_FITTED, _LEAST_AGE_SD, _LEAST_OF_SEX = 20, 3.0, 5
# People whose numbers differ less than this, of their mean, are all the same.
_NO_SPREAD = 1e-6
_SEX_CODE = {"M": 0.5, "F": -0.5}

Values = NDArray[np.float64]


def _normed(name: str) -> str:
    if name not in NORMED:
        msg = "no column that has norms"
        raise ValueError(msg)
    return name


class Distribution(BaseModel):
    """What is normal at a level: SD, and centiles as differences from the expected value."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mean: FiniteFloat
    sd: Annotated[FiniteFloat, Field(ge=0)]
    centiles: dict[str, FiniteFloat]
    age_slope: FiniteFloat = 0.0
    male_less_female: FiniteFloat = 0.0

    @field_validator("centiles")
    @classmethod
    def _in_order(cls, centiles: dict[str, float]) -> dict[str, float]:
        places = [float(name) for name in centiles]
        rising = places == sorted(set(places)) and list(centiles.values()) == sorted(
            centiles.values()
        )
        if not (rising and all(0 < place < 100 for place in places)):
            msg = "centiles must be numbers between 0 and 100, and rise"
            raise ValueError(msg)
        return centiles


def _spread(known: Distribution) -> Distribution:
    if not known.sd > 0:
        msg = "people who are all the same make no norm"
        raise ValueError(msg)
    return known


class Norm(BaseModel):
    """What is normal for one column of one label at one level."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    level: str
    label: Annotated[str, Field(pattern="^(GM|WM|SC)$")]
    column: Annotated[str, AfterValidator(_normed)]
    people: int
    plain: Annotated[Distribution, AfterValidator(_spread)]
    fitted: Annotated[Distribution, AfterValidator(_spread)] | None = None


class Norms(BaseModel):
    """Normal values of healthy people.

    Attributes
    ----------
    people, level_kind
        How many people, and what the levels mean.
    fitted_by
        "age", "sex", both or none: what the second distribution of each norm allows for.
    mean_age, ages
        Of the people, where all ages are known.
    other_program
        Whether they are made of tables of another program.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    made_by: Literal["scgm norms build"] = "scgm norms build"
    version: str
    people: int
    level_kind: LevelKind
    fitted_by: tuple[str, ...] = ()
    mean_age: float | None = None
    ages: tuple[float, float] | None = None
    other_program: bool = False
    norms: tuple[Norm, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that have norms, in the order of the tables."""
        there = {norm.column for norm in self.norms}
        return tuple(name for name in NAMES if name in there)

    def text(self) -> str:
        """Return the content of a file."""
        return json.dumps(self.model_dump(mode="json"), indent=1) + "\n"


def read_norms(path: Path) -> Norms:
    """Read a file of norms.

    Raises
    ------
    DataSetError
        If it is none.
    """
    try:
        return Norms.model_validate_json(path.read_bytes())
    except FileNotFoundError as error:
        msg = (
            f"{path}: there is no such file; make norms by scgm norms build, or fetch those of the "
            "cord by scgm data get pam50-norms"
        )
        raise DataSetError(msg) from error
    except (OSError, ValidationError) as error:
        msg = f"{path}: it is no file of norms; make one with scgm norms build"
        raise DataSetError(msg) from error


def norms_of(place: Path) -> tuple[Norms, tuple[str, ...]]:
    """Return norms from their file, or made of a folder of tables; and what to look at.

    Parameters
    ----------
    place : Path
        A file of `scgm norms build`; a folder of tables of healthy people, with their
        participants.tsv; or the name of such a folder that `scgm data get` fetched.

    Raises
    ------
    DataSetError
        If it is none of them.
    """
    fetched = home() / "data" / place
    folder = next((one for one in (place, fetched) if one.is_dir()), None)
    if folder is None:
        return read_norms(place), ()
    return build_norms(read_controls([folder]))


def build_norms(controls: Controls) -> tuple[Norms, tuple[str, ...]]:
    """Make norms of controls; also return what to look at, one sentence each.

    Raises
    ------
    DataSetError
        If no level shows enough people, or all are the same.
    """
    fitted_by, notes = _fitted_by(controls.people)
    known = {place: one for place, one in controls.values.items() if len(one) >= LEAST_PEOPLE}
    few = {place[0] for place in controls.values} - {place[0] for place in known}
    order = level_names(controls.kind)
    if not known:
        msg = (
            f"no level shows {LEAST_PEOPLE} people or more (there are {len(controls.people)}); "
            "give tables of more people"
        )
        raise DataSetError(msg)
    if few:
        listed = ", ".join(sorted(few, key=order.index))
        notes += (f"fewer than {LEAST_PEOPLE} people at {listed}: no norms there",)
    if len(controls.people) < FEW_PEOPLE:
        notes += (f"only {len(controls.people)} people: their SD and centiles are uncertain",)
    norms: list[Norm] = []
    for label, column in dict.fromkeys(place[1:] for place in known):
        of_level = {place[0]: one for place, one in known.items() if place[1:] == (label, column)}
        levels = sorted(of_level, key=order.index)
        norms += _along_cord(
            (label, column), levels, [of_level[level] for level in levels], controls, fitted_by
        )
    if not norms:
        msg = "the numbers of all people are the same; check the tables"
        raise DataSetError(msg)
    ages = [one.age for one in controls.people.values() if one.age is not None]
    all_known = len(ages) == len(controls.people)
    made = Norms(
        version=__version__,
        people=len(controls.people),
        level_kind=controls.kind,
        fitted_by=fitted_by,
        mean_age=float(np.mean(ages)) if all_known else None,
        ages=(min(ages), max(ages)) if all_known else None,
        other_program=controls.other_program,
        norms=tuple(norms),
    )
    return made, (*controls.warnings, *notes)


def _fitted_by(people: Mapping[str, Person]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return which of age and sex are known of enough people, and what is to be said of it."""
    chosen, notes = [], []
    ages = [one.age for one in people.values() if one.age is not None]
    sexes = [one.sex for one in people.values() if one.sex is not None]
    enough = {
        "age": len(ages) > 1 and float(np.std(ages)) >= _LEAST_AGE_SD,
        "sex": min(sexes.count("M"), sexes.count("F")) >= _LEAST_OF_SEX,
    }
    for name, known in (("age", len(ages)), ("sex", len(sexes))):
        if known and known < len(people):
            notes.append(f"the {name} of {len(people) - known} people is not known: it is not used")
        elif known and (len(people) < _LEAST_FITTED or not enough[name]):
            notes.append(f"too few people, or too alike, to allow for {name}: it is not used")
        elif known:
            chosen.append(name)
    return tuple(chosen), tuple(notes)


def _along_cord(
    what: tuple[str, str],
    levels: Sequence[str],
    values: Sequence[Mapping[str, float]],
    controls: Controls,
    fitted_by: tuple[str, ...],
) -> list[Norm]:
    """Return the norms of a column at all levels, smoothed along the cord."""
    plain = _at_levels(levels, values, (), controls)
    many = [n for n, one in enumerate(values) if len(one) >= _LEAST_FITTED and fitted_by]
    fitted = dict(
        zip(
            many,
            _at_levels([levels[n] for n in many], [values[n] for n in many], fitted_by, controls),
            strict=True,
        )
    )
    return [
        Norm(
            level=level,
            label=what[0],
            column=what[1],
            people=len(values[n]),
            plain=plain[n],
            fitted=fitted[n] if n in fitted and _differ(fitted[n]) else None,
        )
        for n, level in enumerate(levels)
        if _differ(plain[n])
    ]


def _differ(known: Distribution) -> bool:
    """Tell whether people are not all the same."""
    return known.sd > _NO_SPREAD * abs(known.mean)


def _at_levels(
    levels: Sequence[str],
    values: Sequence[Mapping[str, float]],
    by: tuple[str, ...],
    controls: Controls,
) -> list[Distribution]:
    """Return the distributions at levels, smoothed along the cord."""
    if not levels:
        return []
    order = level_names(controls.kind)
    places = np.array([order.index(level) for level in levels], np.float64)
    counts = np.array([len(one) for one in values], np.float64)
    least = int(counts.min())
    centiles = [p for p in _CENTILES if 1 <= p / 100 * (least + 1) <= least]
    rows = _smooth(places, counts, [_statistics(one, by, centiles, controls) for one in values])
    return [_distribution(row, by, centiles) for row in rows]


def _statistics(
    values: Mapping[str, float], by: Sequence[str], centiles: Sequence[float], controls: Controls
) -> list[float]:
    """Return mean, SD, the slopes of *by*, and centiles less the mean, of people at a level."""
    numbers = np.array(list(values.values()))
    people = [controls.people[name] for name in values]
    columns = [np.ones(len(people)), *(_regressor(people, name, controls) for name in by)]
    design = np.column_stack(columns)
    slopes, *_ = np.linalg.lstsq(design, numbers, rcond=None)
    rest = numbers - design @ slopes
    sd = float(np.sqrt((rest**2).sum() / (len(rest) - design.shape[1])))
    offsets = np.quantile(rest, np.array(centiles) / 100, method="weibull")
    return [float(slopes[0]), sd, *map(float, slopes[1:]), *map(float, offsets)]


def _regressor(people: Sequence[Person], name: str, controls: Controls) -> Values:
    if name == "sex":
        return np.array([_SEX_CODE[one.sex or ""] for one in people])
    middle = np.mean([one.age for one in controls.people.values() if one.age is not None])
    return np.array([one.age for one in people], np.float64) - middle


def _smooth(places: Values, counts: Values, rows: Sequence[Sequence[float]]) -> Values:
    """Smooth each statistic along the cord, by straight lines through neighboring levels."""
    table = np.array(rows)
    smooth = np.empty_like(table)
    for row, here in enumerate(places):
        away = places - here
        weight = np.sqrt(counts * np.exp(-0.5 * (away / _SMOOTHING) ** 2))
        design = np.column_stack([np.ones_like(away), away])[:, : min(2, len(places))]
        fit, *_ = np.linalg.lstsq(design * weight[:, None], table * weight[:, None], rcond=None)
        smooth[row] = fit[0]
    return smooth


def _distribution(row: Values, fitted_by: Sequence[str], centiles: Sequence[float]) -> Distribution:
    slopes = dict(zip(fitted_by, map(float, row[2:]), strict=False))
    offsets = np.maximum.accumulate(row[2 + len(fitted_by) :])
    return Distribution(
        mean=float(row[0]),
        sd=max(float(row[1]), 0.0),  # a line through falling ones ends below it
        centiles={f"{p:g}": float(value) for p, value in zip(centiles, offsets, strict=True)},
        age_slope=slopes.get("age", 0.0),
        male_less_female=slopes.get("sex", 0.0),
    )
