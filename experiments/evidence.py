"""The real images: where they are, which labels are evidence, which model never saw their site."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import scgm
from scgm.benchmark.model_selection import read_offers
from scgm.benchmark.statistics import group_means
from scgm.image.orientation import AxialStack, stack_mask, to_axial
from scgm.io.read import read_volume
from scgm.segmenters.registry import OnnxModel, load_model
from scgm.training.config.read import DEFAULT_RECIPE, read_config
from scgm.training.config.sources import Source

DATA = Path(os.environ.get("SCGM_DATA", "../shared/data"))
FOLDS = Path(__file__).with_name("folds")
SHIPPED = Path(scgm.__file__).parent / "artifacts" / "shipped"
# The sites that the models and atlases for measuring leave out, those of each together.
LEFT_OUT = (("ucl", "juntendo"), ("montreal",), ("milan", "ceitec"))

# Drawn or corrected by hand. The other labels of gray matter reproduce a published model.
EVIDENCE = {
    "sub-9418": "gm-challenge/sub-9418/anat/sub-9418_run-1_T2starw.nii.gz",
    "t2s_uncropped": "sct-testing/t2s/t2s_uncropped.nii.gz",
    "t2s": "sct-testing/t2s/t2s.nii.gz",
    "mt1": "sct-testing/mt/mt1.nii.gz",
}


@dataclass(frozen=True)
class Mean:
    """A mean over images, subjects or sites, and how many there are."""

    over: str
    count: int
    value: float


def three_means(values: Sequence[float], people: Sequence[tuple[str, str]]) -> tuple[Mean, ...]:
    """Return the means over images, over subjects and over sites; *people* are (site, subject)."""
    by_person = group_means(values, people)
    by_site = group_means(list(by_person.values()), [site for site, _ in dict.fromkeys(people)])
    kinds = {
        "images": list(values),
        "subjects": list(by_person.values()),
        "sites": list(by_site.values()),
    }
    return tuple(Mean(name, len(each), float(np.mean(each))) for name, each in kinds.items())


@dataclass(frozen=True)
class Case:
    """One labeled image; masks are (Z, Y, X), None where nobody drew them."""

    source: Source
    stack: AxialStack
    gm: NDArray[np.bool_] | None
    cord: NDArray[np.bool_] | None

    @property
    def path(self) -> Path:
        """The image's file."""
        assert self.source.image is not None
        return DATA / self.source.image


def sources() -> list[Source]:
    """Return all scans of the shipped recipe."""
    return [source for source in read_config(DEFAULT_RECIPE).source if source.image]


def source_of(image: str) -> Source:
    """Return the entry of one image."""
    return next(source for source in sources() if str(source.image) == image)


def read_case(source: Source) -> Case:
    """Read an image with its labels."""
    assert source.image is not None
    stack = to_axial(read_volume(DATA / source.image))
    gm = stack_mask(stack, read_volume(DATA / source.gm))[0] if source.gm else None
    cord = stack_mask(stack, read_volume(DATA / source.cord[0]))[0] if source.cord else None
    return Case(source, stack, gm, cord)


def fold_for(site: str, method: str = "default", folder: Path = FOLDS) -> Path:
    """Return the model of a method that was trained without a site, as its card says.

    Raises
    ------
    LookupError
        If there is none.
    """
    for path, card in read_offers(folder).items():
        sites = card.training["sites"]
        assert isinstance(sites, list)
        if card.method == method and site not in sites:
            return path
    msg = f"no model of {method} in {folder} was trained without {site}"
    raise LookupError(msg)


def model_without(site: str) -> OnnxModel:
    """Start the model that never saw a site, on two threads."""
    return load_model(fold_for(site), device="cpu", threads=2)
