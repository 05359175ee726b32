"""Maps of groups in the space of a template: means, and t-maps of two groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scgm.errors import GeometryError, ImageReadError, UsageError
from scgm.image.volume import Geometry
from scgm.io.read import read_labels
from scgm.io.transaction import file_set
from scgm.registration.files import SavedWarp, write_values

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

_SHAPES = ("gm", "cord")
_CORD_FROM = 0.5

# Values that differ by less than this share of their mean are equal, but for rounding.
_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class GroupMap:
    """Mean and variance of a map over people, voxel by voxel.

    Parameters
    ----------
    grid : Geometry
        That of the template.
    count : (i, j, k) float64
        How many people have a value there.
    mean, variance : (i, j, k) float64
        Over them; NaN where there are none (one, for the variance).
    """

    grid: Geometry
    count: Doubles
    mean: Doubles
    variance: Doubles


def group_map(members: Sequence[SavedWarp], name: str = "gm") -> GroupMap:
    """Return the mean over people of a map in the template's space.

    Parameters
    ----------
    members : sequence of SavedWarp
        One registration for each person, all to one template.
    name : str
        "gm", "cord", or the name of a map that was brought along. A person counts where there is
        a value; in a map, within the person's cord alone.

    Raises
    ------
    GeometryError
        If the templates differ.
    UsageError
        If a person is named twice.
    """
    grid = common_grid(members)
    count, mean, squares = (np.zeros(grid.shape) for _ in range(3))
    for member in members:
        value, there = _values(member, name)
        count += there
        away = np.where(there, value - mean, 0)
        mean += np.divide(away, count, out=np.zeros_like(mean), where=count > 0)
        squares += away * np.where(there, value - mean, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        variance = np.where(count > 1, squares / (count - 1), np.nan)
    return GroupMap(grid, count, np.where(count > 0, mean, np.nan), variance)


def t_map(first: GroupMap, second: GroupMap) -> tuple[Doubles, Doubles]:
    """Return Welch's t of the first group less the second, and its degrees of freedom.

    Both are NaN where a group has fewer than two people, or where all people of each group are
    equal, apart from rounding.

    References
    ----------
    Welch, Biometrika 34, 1947.
    """
    if not first.grid.matches(second.grid):
        msg = "the two groups lie on different templates; register both to one"
        raise GeometryError(msg)
    with np.errstate(invalid="ignore", divide="ignore"):
        one, two = (each.variance / each.count for each in (first, second))
        error = one + two
        size = np.maximum(abs(first.mean), abs(second.mean))
        differ = np.sqrt(np.maximum(first.variance, second.variance)) > _ROUNDING * size
        t = np.where(differ, (first.mean - second.mean) / np.sqrt(error), np.nan)
        freedom = error**2 / (one**2 / (first.count - 1) + two**2 / (second.count - 1))
    return t, np.where(np.isnan(t), np.nan, freedom)


def write_group(
    folder: Path,
    name: str,
    groups: tuple[GroupMap, GroupMap | None],
    *,
    overwrite: bool = False,
) -> list[Path]:
    """Write the mean and count of each group, and the t-map of two; return the files."""
    first, second = groups
    values = {"mean": first.mean, "count": first.count}
    if second is not None:
        t, freedom = t_map(first, second)
        values |= {"against_mean": second.mean, "against_count": second.count}
        values |= {"t": t, "t_df": freedom}
    files = {f"group_{name}_{what}.nii.gz": each for what, each in values.items()}
    with file_set(folder, list(files), overwrite=overwrite) as staging:
        for file, each in files.items():
            write_values(each.astype(np.float32), first.grid, staging / file)
    return [folder / file for file in files]


def common_grid(members: Sequence[SavedWarp]) -> Geometry:
    """Return the grid of the template that all members of one or two groups lie on.

    Raises
    ------
    UsageError
        If there is none, or one is named twice.
    GeometryError
        If they lie on different templates.
    ImageReadError
        If a record does not tell the template.
    """
    if not members:
        msg = "a group needs at least one result of scgm template warp"
        raise UsageError(msg)
    names = [(member.folder.resolve(), member.name) for member in members]
    if len(set(names)) < len(names):
        msg = "a result is named twice; name each person once"
        raise UsageError(msg)
    grid = members[0].template_grid
    for member in members:
        if "template_sha256" not in member.record:
            msg = (
                f"{member.folder / member.name}: its record does not tell which template it lies "
                "on; run 'scgm template warp' again"
            )
            raise ImageReadError(msg)
        if not grid.matches(member.template_grid) or _template(member) != _template(members[0]):
            msg = (
                f"{member.folder / member.name}: it lies on another template than "
                f"{members[0].folder / members[0].name}; register all to one"
            )
            raise GeometryError(msg)
    return grid


def _template(member: SavedWarp) -> object:
    return member.record["template_sha256"]


def _values(member: SavedWarp, name: str) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the values of a person, and where they count."""
    volume = read_labels(member.brought(name))
    there = np.ones(volume.voxels.shape, bool) if volume.missing is None else ~volume.missing
    if name in _SHAPES:
        return volume.voxels, there
    return volume.voxels, there & (read_labels(member.brought("cord")).voxels >= _CORD_FROM)
