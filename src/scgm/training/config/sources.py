"""What there is to learn from: single volumes, folders of label maps, data sets."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from scgm.datasets import DataCase, DataSet, read_dataset
from scgm.datasets.case import Kind, Reference
from scgm.errors import ConfigError

GM_ENDING, CORD_ENDING = "_label-GM_seg.nii.gz", "_label-SC_seg.nii.gz"

Positive = Annotated[int, Field(gt=0)]


class Checked(BaseModel):
    """A section of a configuration: unknown keys are refused."""

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


class Labeled(Checked):
    """A data set that the readers know: the SCGM challenge, BIDS, or a table of paths.

    Its images are told apart by their sites; where it tells none, by ``site``, or its name.
    """

    path: Path
    kind: Kind | None = None
    site: str = ""
    every: Positive = 1
    weight: Annotated[float, Field(gt=0)] = 1.0

    def sources(self, root: Path) -> list[Source]:
        """Return what raters drew; the paths are whole.

        Raises
        ------
        DataSetError
            If there is no such data set.
        ConfigError
            If nobody drew anything.
        """
        dataset = read_dataset(root / self.path, kind=self.kind)
        return dataset_sources(dataset, site=self.site, every=self.every, weight=self.weight)


def dataset_sources(
    dataset: DataSet, *, site: str = "", every: int = 1, weight: float = 1.0
) -> list[Source]:
    """Return what a data set holds to learn from: each rater's drawing of each image is a source.

    Of an image with several raters every drawing weighs as much less. Where the set does not tell
    a site it is *site*, or the name of the set.

    Raises
    ------
    ConfigError
        If nobody drew gray matter or cord on any image.
    """
    found = [
        source.model_copy(update={"every": every, "weight": source.weight * weight})
        for case in dataset.cases
        for source in _of_case(case, dataset.name, case.site or site or dataset.name)
    ]
    if not found:
        msg = f"{dataset.root}: no image of it has gray matter or cord drawn on it"
        raise ConfigError(msg)
    return found


def _of_case(case: DataCase, of_set: str, site: str) -> Iterable[Source]:
    drawn = [each for each in case.references.values() if each.gm or each.cord]
    for reference in drawn:
        cord, values = _cord(reference)
        yield Source(
            site=site,
            subject=f"{of_set}/{case.subject}",
            image=case.image.resolve(),
            gm=reference.gm and reference.gm.resolve(),
            cord=tuple(path.resolve() for path in cord),
            gm_values=() if reference.gm_value is None else (reference.gm_value,),
            cord_values=values,
            weight=1 / len(drawn),
        )


def _cord(reference: Reference) -> tuple[tuple[Path, ...], tuple[int, ...]]:
    """Return the files that add up to the cord, and which values in them mean it."""
    if reference.cord is not None:
        return (reference.cord,), ()
    if reference.wm is None or reference.gm is None:
        return (), ()
    if reference.wm == reference.gm and reference.gm_value and reference.wm_value:
        return (reference.gm,), (reference.gm_value, reference.wm_value)
    return (reference.gm, reference.wm), ()
