"""What `scgm.segment` returns: a result that saves, measures and draws itself."""

from __future__ import annotations

import base64
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scgm.io.font_cache import use_quiet_font_cache
from scgm.segmentation.measurements import SliceMeasurement, measure
from scgm.segmentation.messages import for_python
from scgm.segmentation.outputs import DEFAULT_OUTPUT, OutputOptions, QcSlices, save
from scgm.segmentation.result import Label, Result

if TYPE_CHECKING:
    from scgm.measurement.options import MeasureOptions
    from scgm.measurement.table import Table
    from scgm.segmentation.qc_figure import QcFigure, SliceChoice


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Segmentation(Result):
    """Cord, gray and white matter of one image; `scgm.segment` makes it.

    It has the attributes of `scgm.segmentation.result.Result`.
    """

    def measurements(self) -> list[SliceMeasurement]:
        """Measure the areas of every slice; see `scgm.segmentation.measurements.measure`."""
        return measure(self)

    def measure(self, options: MeasureOptions | None = None, **choices: Any) -> Table:
        """Measure shape, parts and intensities, too, by slice or level; see `scgm.measure`."""
        from scgm.measurement.options import DEFAULT_MEASURE  # noqa: PLC0415  (imports scipy)
        from scgm.segmentation.measure import measure as measure_all  # noqa: PLC0415

        return measure_all(self, options or DEFAULT_MEASURE, **choices)

    @for_python
    def mask(self, label: Label | str) -> Any:
        """Return the mask of "gm", "wm" or "cord", a nibabel image (uint8, 0 or 1)."""
        return Result.mask(self, label)

    @for_python
    def probability(self, label: Label | str) -> Any:
        """Return the probability of "gm", "wm" or "cord", a nibabel image (float32, 0 to 1)."""
        return Result.probability(self, label)

    @for_python
    def save(
        self,
        directory: str | Path,
        options: OutputOptions | None = None,
        *,
        soft: bool | None = None,
        picture: bool | None = None,
        overwrite: bool | None = None,
        qc_slices: QcSlices = None,
    ) -> tuple[Path, ...]:
        """Write all files of this result, or none; see `scgm.segmentation.outputs.save`.

        Parameters
        ----------
        directory : str or Path
            Folder, made where it is missing.
        options : OutputOptions, optional
            All choices in one value; those below take precedence.
        soft : bool, optional
            Write the probabilities, too.
        picture : bool, optional
            Draw the four-panel picture.
        overwrite : bool, optional
            Replace the files of an earlier result of the same name.
        qc_slices : "all", "flagged" or int, optional
            Which slices the picture shows; see `figure`.

        Returns
        -------
        tuple of Path
            The files that were written; the first is the gray matter's mask.

        Raises
        ------
        OutputError
            If a file is there already, or cannot be written.
        """
        given = {
            "soft": soft,
            "picture": picture,
            "overwrite": overwrite,
            "qc_slices": qc_slices,
        }
        choices: dict[str, Any] = {
            name: value for name, value in given.items() if value is not None
        }
        return save(self, directory, replace(options or DEFAULT_OUTPUT, **choices))

    @for_python
    def figure(self, slices: SliceChoice = None) -> QcFigure:
        """Draw the four-panel picture, which shows itself as the last line of a notebook's cell.

        Parameters
        ----------
        slices : "all", "flagged", int or sequence of int, optional
            See `scgm.segmentation.qc_figure.four_panels`.
        """
        use_quiet_font_cache()
        from scgm.segmentation.qc_figure import four_panels  # noqa: PLC0415  (imports matplotlib)

        return four_panels(self, slices)

    def _repr_html_(self) -> str:
        """Show the summary and the picture in a notebook."""
        picture = base64.b64encode(self.figure()._repr_png_()).decode("ascii")
        notes = "".join(f"<br>{escape(note)}" for note in self.provenance.warnings)
        return (
            f"<p>{escape(repr(self))}{notes}</p>"
            f'<img alt="{escape(self.source_name)}" src="data:image/png;base64,{picture}">'
        )
