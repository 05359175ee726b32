"""Every choice of how the images of a cohort are segmented."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from scgm.segmentation.options import SegmentOptions
from scgm.version import __version__


class Naming(StrEnum):
    """What masks are called."""

    bids = "bids"
    sct = "sct"


@dataclass(frozen=True, slots=True, kw_only=True)
class CohortChoices:
    """What a worker has to know to segment an image of a cohort.

    Attributes
    ----------
    data, output : Path
        Absolute folders of the images and of the results.
    options : SegmentOptions
        How an image is segmented, with one thread: images are segmented side by side.
    naming : Naming
        ``bids``: ``_label-GM_mask`` with a sidecar, and ``_dseg``; ``sct``: the names of
        `scgm segment`.
    soft, picture : bool
        Write the probabilities, and the picture to check, too.
    keep_doubtful : bool
        Write results even if no slice of them is ok.
    timeout_s : float
        Seconds after which a worker gives an image up.
    version : str
        Of the program that started the work; a worker of another version refuses it.
    """

    data: Path
    output: Path
    options: SegmentOptions = field(default_factory=lambda: SegmentOptions(threads=1))
    naming: Naming = Naming.bids
    soft: bool = False
    picture: bool = False
    keep_doubtful: bool = False
    timeout_s: float = 3600.0
    version: str = __version__

    def subject_folder(self, subject: str) -> Path:
        """Return the folder of all results of a subject."""
        return self.output / f"sub-{subject}"
