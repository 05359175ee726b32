"""The table of methods: everything that depends on a method's name is read from here.

A new method is one folder, or one model file, and one entry. Functions are named by
``package.module:function`` and imported when they are first needed, so that the command line can
list the methods at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType
from typing import Any, Literal

# What a method is given as its model: an ONNX graph, an atlas, the weights that others published,
# or nothing.
Learned = Literal["graph", "atlas", "published", "nothing"]
# Who finds the cord: the method itself, a model beside it, or nobody.
CordSource = Literal["itself", "model", "nobody"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodSpec:
    """One method.

    Parameters
    ----------
    name : str
        What ``--method`` takes.
    about : str
        One line: what it is, where it comes from, what it needs.
    learned : "graph", "atlas", "published" or "nothing"
        What it is given as its model.
    cord_source : "itself", "model" or "nobody"
        Who finds the cord.
    open : str, optional
        The function that makes it of an atlas, or of nothing.
    build : str, optional
        The function that makes its atlas of labeled slices.
    train : str, optional
        The segmentation network that ``scgm train --method`` trains for it.
    uses_levels : bool
        Whether vertebral levels of the slices are of use to it.
    """

    name: str
    about: str
    learned: Learned = "graph"
    cord_source: CordSource = "itself"
    open: str | None = None
    build: str | None = None
    train: str | None = None
    uses_levels: bool = False

    @property
    def needs_cord(self) -> bool:
        """Whether another model finds the cord for it."""
        return self.cord_source == "model"


def resolve(reference: str) -> Any:
    """Import what ``package.module:function`` names."""
    module, _, name = reference.partition(":")
    return getattr(import_module(module), name)


def _rebuilt(name: str, about: str, *, uses_levels: bool = False) -> MethodSpec:
    """Return a method of the challenge that has an atlas and a package of its own."""
    package = f"scgm.segmenters.classical.{name}"
    return MethodSpec(
        name=name,
        about=about,
        learned="atlas",
        cord_source="model",
        open=f"{package}:open_{name}",
        build=f"{package}:build",
        uses_levels=uses_levels,
    )


def _published(name: str, about: str, cord_source: CordSource) -> MethodSpec:
    """Return a way to run the weights that the authors of the dilated network publish."""
    needs = "needs torch, and --model with challenge_model.hdf5 ('scgm data get gmseg')"
    return MethodSpec(
        name=name, about=f"{about}; {needs}", learned="published", cord_source=cord_source
    )


_ALL = (
    MethodSpec(
        name="default",
        about="the network of this package, trained on simulated and on real images",
        train="unet",
    ),
    MethodSpec(
        name="ddc",
        about="deep dilated convolutions (Perone 2018), written and trained anew",
        train="ddc",
    ),
    MethodSpec(
        name="unet",
        about="the U-Net that Perone 2018 compares with, written and trained anew",
        train="unet-paper",
    ),
    MethodSpec(
        name="deepseg",
        about="DEEPSEG of the 2017 challenge, written and trained anew: two networks, one after "
        "the other; it is not the program sct_deepseg_gm",
        train="deepseg",
    ),
    _published(
        "ddc-published",
        "Perone 2018 with the weights of its authors, as their program runs it: the cord must be "
        "in the middle of the image",
        "nobody",
    ),
    _published(
        "ddc-published-constants",
        "the same, standardized by the two constants in challenge_model.json beside the weights",
        "nobody",
    ),
    _published(
        "ddc-published-found",
        "the same weights around the cord that the model of --cord-model finds",
        "model",
    ),
    MethodSpec(
        name="gsbme",
        about="GSBME of the 2017 challenge, written anew: a threshold by entropy; learns nothing",
        learned="nothing",
        cord_source="model",
        open="scgm.segmenters.classical.gsbme:open_gsbme",
    ),
    _rebuilt(
        "jcscs",
        "JCSCS of the 2017 challenge, written anew: labeled slices registered and fused; needs "
        "SimpleITK",
    ),
    _rebuilt(
        "mgac",
        "MGAC of the 2017 challenge, written anew: a template and a contour that settles on edges; "
        "needs SimpleITK",
    ),
    _rebuilt(
        "sct",
        "SCT of the 2017 challenge, written anew: the most similar labeled slices; it is not the "
        "Spinal Cord Toolbox",
        uses_levels=True,
    ),
    _rebuilt(
        "vbem",
        "VBEM of the 2017 challenge, written anew: a tissue template and a mixture of Gaussians",
    ),
)
METHODS: Mapping[str, MethodSpec] = MappingProxyType({method.name: method for method in _ALL})
