"""What `scgm.segment` returns: a result that saves, measures and draws itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from scgm.segmentation.measurements import SliceMeasurement, measure
from scgm.segmentation.outputs import DEFAULT_OUTPUT, OutputOptions, save
from scgm.segmentation.result import Result

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True, eq=False)
class Segmentation(Result):
    """Cord, gray and white matter of one image; `scgm.segment` makes it.

    It has the attributes of `scgm.segmentation.result.Result`.
    """

    def measurements(self) -> list[SliceMeasurement]:
        """Measure every slice; see `scgm.segmentation.measurements.measure`."""
        return measure(self)

    def save(
        self, directory: str | Path, options: OutputOptions | None = None, **choices: bool
    ) -> tuple[Path, ...]:
        """Write all files of this result, or none; see `scgm.segmentation.outputs.save`.

        *choices* are single fields of `scgm.segmentation.outputs.OutputOptions`, as ``soft=True``.
        """
        return save(self, directory, replace(options or DEFAULT_OUTPUT, **choices))

    def figure(self, slices: Sequence[int] | None = None) -> Figure:
        """Draw the four-panel picture; see `scgm.segmentation.qc_figure.four_panels`."""
        from scgm.segmentation.qc_figure import four_panels  # noqa: PLC0415  (imports matplotlib)

        return four_panels(self, slices)
