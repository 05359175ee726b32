"""Sets of images with what raters drew on them, read from files as people have them.

Three layouts are known: that of the SCGM challenge, BIDS with derivatives, and a plain table of
paths. All become a `DataSet`.
"""

from scgm.datasets.case import (
    DataCase,
    DataSet,
    Reference,
    reference_masks,
)
from scgm.datasets.read import read_dataset

__all__ = [
    "DataCase",
    "DataSet",
    "Reference",
    "read_dataset",
    "reference_masks",
]
