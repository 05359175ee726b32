"""Training data as a configuration names them: single volumes, folders of label maps, data sets."""

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from scgm.datasets import DataCase, DataSet, read_dataset
from scgm.datasets.case import ONLY_RATER, Kind, Reference, site_key
from scgm.datasets.table import ENDINGS
from scgm.errors import ConfigError

# A subject of BIDS as names begin with it, and a session that some data sets write behind it.
_SUBJECT, _SESSION = re.compile(r"sub-[^_.]+"), re.compile(r"Ses\d+$")
GM_ENDING, CORD_ENDING = "_label-GM_seg.nii.gz", "_label-SC_seg.nii.gz"

Positive = Annotated[int, Field(gt=0, le=10**9)]
Slice = Annotated[int, Field(ge=0, le=10**6)]
Place = Annotated[float, Field(ge=0, le=10**6)]
Weight = Annotated[float, Field(gt=0, le=1e9)]


def _plain(path: Path) -> Path:
    if "\0" in str(path):
        msg = "a path cannot hold a zero byte"
        raise ValueError(msg)
    return path


FilePath = Annotated[Path, AfterValidator(_plain)]


class Checked(BaseModel):
    """A section of a configuration: unknown keys and infinite numbers are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Source(Checked):
    """One volume to learn from; paths are relative to the data folder.

    With ``image`` it is a scan (a label of gray matter, of the cord, or both); without, its two
    labels are a shape to paint. Several ``cord`` files are added up (gray and white matter).
    Labels are shares from 0 to 1, or numbers of which ``gm_values`` and ``cord_values`` say which
    mean the tissue. ``subject`` is the person, by default from the ``sub-`` of a path, and
    ``rater`` who drew the labels. Of the
    labeled slices each ``every``-th one is used; ``weight`` says how often they are drawn.
    ``without_cord`` are ranges of slices of a scan, (first, last) from the lowest, counted from 0,
    that show no cord: the cord finder learns from them, too. ``centers`` says where the cord of an
    unlabeled scan is, (slice, row, column) from the lowest slice upward, counted from 0 in axial
    slices (rows from back to front, columns from left to right); between them it runs straight.
    """

    site: str
    subject: str = ""
    rater: str = ""
    image: FilePath | None = None
    gm: FilePath | None = None
    cord: tuple[FilePath, ...] = ()
    gm_values: tuple[int, ...] = ()
    cord_values: tuple[int, ...] = ()
    every: Positive = 1
    weight: Weight = 1.0
    teaches: Literal["both", "finder"] = "both"
    without_cord: tuple[tuple[Slice, Slice], ...] = ()
    centers: tuple[tuple[Slice, Place, Place], ...] = ()

    @model_validator(mode="after")
    def _ranges_go_up(self) -> Self:
        for first, last in self.without_cord:
            if first > last:
                msg = f"without_cord: the range [{first}, {last}] ends before it begins"
                raise ValueError(msg)
        if self.without_cord and self.image is None:
            msg = "without_cord: it names slices of a scan; add image"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _centers_go_up(self) -> Self:
        slices = [place[0] for place in self.centers]
        if any(upper <= lower for lower, upper in pairwise(slices)):
            msg = "centers: list them from the lowest slice upward, each slice once"
            raise ValueError(msg)
        if self.centers and (self.image is None or self.gm or self.cord):
            msg = "centers: they are for a scan without labels; give image, omit gm and cord"
            raise ValueError(msg)
        without = self.without_cord if slices else ()
        if any(first <= slices[-1] and last >= slices[0] for first, last in without):
            msg = "centers: some of their slices are in without_cord, too; say which is right"
            raise ValueError(msg)
        return self

    @property
    def scored(self) -> bool:
        """Whether gray matter that a network finds in it can be scored."""
        return self.image is not None and self.gm is not None

    @property
    def files(self) -> tuple[Path, ...]:
        """Its image and labels."""
        return tuple(path for path in (self.image, self.gm, *self.cord) if path is not None)

    def found(self, root: Path, elsewhere: Mapping[str, str]) -> "Source":
        """Return the same with each file that is missing below ``root`` as it is found elsewhere.

        ``elsewhere`` gives, for a folder, another one that holds the same files.
        """

        def place(path: Path) -> Path:
            return _found(path, root, elsewhere)

        return self.model_copy(
            update={
                "image": self.image and place(self.image),
                "gm": self.gm and place(self.gm),
                "cord": tuple(map(place, self.cord)),
            }
        )


def _found(path: Path, root: Path, elsewhere: Mapping[str, str]) -> Path:
    if os.path.exists(root / path):  # noqa: PTH110 - false, not an error, for impossible names
        return path
    for folder, other in elsewhere.items():
        if path.is_relative_to(folder):
            there = Path(other) / path.relative_to(folder)
            if (root / there).exists():
                return there
    return path


class LabelFolder(Checked):
    """A folder of label maps, with or without the scans that they belong to.

    Every ``NAME_label-GM_seg.nii.gz`` with ``NAME_label-SC_seg.nii.gz`` beside it is a source: a
    scan if ``NAME.nii.gz`` is there, too, else a shape to paint.
    """

    site: str
    path: FilePath
    every: Positive = 1
    weight: Weight = 1.0

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


class Labeled(Checked):
    """A data set that the readers know: the SCGM challenge, BIDS, or a table of paths.

    Each image has the site that the set says; where it says none, ``site``, or the set's name.
    """

    path: FilePath
    kind: Kind | None = None
    site: str = ""
    every: Positive = 1
    weight: Weight = 1.0

    def sources(
        self, root: Path, name: str = "", warn: Callable[[str], None] = lambda _: None
    ) -> list[Source]:
        """Return what raters drew, with absolute paths.

        ``name`` is the site of images for which neither the set nor `site` says one; ``warn`` is
        given a sentence for all that is odd about the set.

        Raises
        ------
        DataSetError
            If there is no such data set.
        ConfigError
            If it has no labels.
        """
        dataset = read_dataset(root / self.path, kind=self.kind)
        for warning in dataset.warnings:
            warn(f"{dataset.root}: {warning}")
        site = self.site or name
        return dataset_sources(dataset, site=site, every=self.every, weight=self.weight)


def names_of(paths: Sequence[Path]) -> list[str]:
    """Return a name for each data set: its folder or table, with as much before it as is needed.

    Data sets at different places have different names, also as sites are compared.

    >>> names_of([Path("/a/one/bids"), Path("/a/two/bids"), Path("/a/set.csv")])
    ['one-bids', 'two-bids', 'set']
    """
    places = [path.resolve() for path in paths]
    return [_name_among(place, {other for other in places if other != place}) for place in places]


def _name_among(place: Path, others: Iterable[Path]) -> str:
    for count in range(1, len(place.parts)):
        name = _last_parts(place, count)
        if site_key(name) not in {site_key(_last_parts(other, count)) for other in others}:
            return name
    return "-".join(place.parts[1:])


def _last_parts(place: Path, count: int) -> str:
    own = place.stem if place.suffix.lower() in ENDINGS else place.name
    return "-".join([*place.parts[-count:-1], own])


def dataset_sources(
    dataset: DataSet, *, site: str = "", every: int = 1, weight: float = 1.0
) -> list[Source]:
    """Return the sources of a data set: one for each rater's labels of each image.

    The labels of several raters of one image share its weight. Where the set does not say a site it
    is *site*, or the name of the set.

    Raises
    ------
    ConfigError
        If no image has labels of gray matter or cord, or gray and white matter cannot be added up.
    """
    found = [
        source.model_copy(update={"every": every, "weight": source.weight * weight})
        for case in dataset.cases
        for source in _of_case(case, _person(case, dataset), case.site or site or dataset.name)
    ]
    if not found:
        msg = f"{dataset.root}: no image of it has gray matter or cord drawn on it; label one"
        raise ConfigError(msg)
    return found


def person_key(root: Path, subject: str) -> str:
    """Return what tells a person from all others: the root of a data set, and the subject in it.

    All sessions are of one person. Subjects of one name in two data sets are two people.

    >>> person_key(Path("/data/set"), "sub-01Ses2")
    '/data/set/sub-01'
    """
    return (root.resolve() / _SESSION.sub("", subject)).as_posix()


def person_of_path(path: Path, root: Path) -> str | None:
    """Return the person whom the path of a file names, relative to *root*; None if it names none.

    It is the ``sub-`` of its name or else of the folder, in the data set that holds that folder;
    labels may lie among derivatives.
    """
    named = _SUBJECT.match(path.name)
    folders = [part for part in path.parts[:-1] if _SUBJECT.fullmatch(part)]
    if named is None and not folders:
        return None
    subject = _SESSION.sub("", named[0] if named else folders[-1])
    above = Path(os.path.abspath(root / path)).parent.parts  # noqa: PTH100 - links keep their names
    places = [at for at, part in enumerate(above) if _SESSION.sub("", part) == subject]
    above = above[: places[-1]] if places else above
    if "derivatives" in above:
        above = above[: above.index("derivatives")]
    return person_key(Path(*above), subject)


def _person(case: DataCase, dataset: DataSet) -> str:
    """Return whom an image of a data set shows, as its path says where the set says nothing."""
    by_path = person_of_path(case.image, Path())
    told = case.subject
    if dataset.kind == "table" and told == case.name:  # the table names no subject
        return by_path or ""
    if by_path is not None and Path(by_path).name in (told, f"sub-{told}"):
        return by_path
    return person_key(dataset.root, told)


def _of_case(case: DataCase, person: str, site: str) -> Iterable[Source]:
    drawn = {name: each for name, each in case.references.items() if each.gm or each.cord}
    for rater, reference in drawn.items():
        cord, values = _cord(reference)
        yield Source(
            site=site,
            subject=person,
            rater="" if rater == ONLY_RATER else rater,
            image=case.image.resolve(),
            gm=reference.gm and reference.gm.resolve(),
            cord=tuple(path.resolve() for path in cord),
            gm_values=_values(reference.gm_value),
            cord_values=values,
            weight=1 / len(drawn),
        )


def _cord(reference: Reference) -> tuple[tuple[Path, ...], tuple[int, ...]]:
    """Return the files that add up to the cord, and which values in them mean it."""
    if reference.cord is not None:
        return (reference.cord,), _values(reference.cord_value)
    if reference.wm is None or reference.gm is None:
        return (), ()
    gm_value, wm_value = reference.gm_value, reference.wm_value
    if reference.wm == reference.gm and gm_value and wm_value:
        return (reference.gm,), _values(gm_value, wm_value)
    if gm_value != wm_value:
        msg = (
            f"{reference.wm}: gray matter has the label {gm_value or 'not named'} in its file and "
            f"white matter {wm_value or 'not named'}, so they cannot be added up to the cord; name "
            "the file of the cord in the column cord"
        )
        raise ConfigError(msg)
    return (reference.gm, reference.wm), _values(gm_value)


def _values(*labels: int | None) -> tuple[int, ...]:
    return tuple(label for label in labels if label is not None)
