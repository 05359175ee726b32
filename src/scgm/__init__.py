"""Find the gray matter of the human spinal cord on MRI.

>>> import scgm
>>> result = scgm.segment("sub-01_T2starw.nii.gz")  # doctest: +SKIP
>>> result.save("results")  # doctest: +SKIP

Importing this package costs nothing: each name is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scgm.evaluation import evaluate
    from scgm.segmentation.api import load_model, segment
    from scgm.segmentation.measure import measure
    from scgm.segmentation.options import SegmentOptions
    from scgm.segmentation.segmentation import Segmentation
    from scgm.segmenters.registry import methods
    from scgm.version import __version__

__all__ = [
    "SegmentOptions",
    "Segmentation",
    "__version__",
    "evaluate",
    "load_model",
    "measure",
    "methods",
    "segment",
]

_MODULES = {
    "__version__": "scgm.version",
    "SegmentOptions": "scgm.segmentation.options",
    "Segmentation": "scgm.segmentation.segmentation",
    "evaluate": "scgm.evaluation",
    "load_model": "scgm.segmentation.api",
    "measure": "scgm.segmentation.measure",
    "methods": "scgm.segmenters.registry",
    "segment": "scgm.segmentation.api",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
