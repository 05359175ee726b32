"""Coefficients of confidence of a trained model, fitted when it is exported."""

from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

from scgm.image.intensities import for_methods
from scgm.image.orientation import AxialStack, to_axial
from scgm.io.read import read_volume
from scgm.phantom.confidence import Find, LabeledScan, Maps, fit_on_scans, phantom_scans
from scgm.segmentation.postprocessing import (
    MIN_CORD_AREA_MM2,
    keep_slices,
    one_piece,
    shows_cord,
)
from scgm.segmenters.base import Segmenter
from scgm.training.config.settings import TrainConfig
from scgm.training.config.sources import Source
from scgm.training.data.examples import read_source

# Of four slices each. Fewer leave too few bad slices of a good model to fit on.
PHANTOMS = 60
DATA_FOLDER = "data_folder"  # key of a checkpoint's record


def finder(segmenter: Segmenter) -> Find:
    """Return what a method finds in a stack, as the pipeline leaves it."""

    def find(stack: AxialStack) -> Maps | None:
        found = one_piece(segmenter(for_methods(stack)), segmenter.threshold)
        seen = shows_cord(found, stack, segmenter.threshold, MIN_CORD_AREA_MM2)
        if not seen.any() or found.cord is None:
            return None
        kept = keep_slices(found, seen)
        assert kept.cord is not None
        return Maps(kept.gm, kept.cord, kept.centre_px, segmenter.threshold)

    return find


def fit_for_export(
    segmenter: Segmenter,
    config: TrainConfig,
    record: Mapping[str, Any],
    *,
    data: Path | None,
    report: Callable[[str], None],
) -> dict[str, float] | None:
    """Fit a model's confidence on phantoms, and on the labeled scans of the sites left out.

    Parameters
    ----------
    segmenter
        The exported model.
    config, record
        What its checkpoint says.
    data
        The folder of the training data; by default the one that the record names, if all that is
        needed of it is still there.
    report
        Is given a line about what is done next.

    Returns
    -------
    dict or None
        The coefficients; None if the model is too good or too bad on these scans to tell.

    Raises
    ------
    ScgmError
        If a scan in the folder *data* cannot be read.
    """
    root, sources = _scans_apart(config, record, data)
    report(
        f"fitting the confidence on {PHANTOMS} phantoms and {len(sources)} labeled scans of sites "
        "left out"
    )
    scans = chain(phantom_scans(PHANTOMS), _labeled(sources, root))
    return fit_on_scans(finder(segmenter), scans)


def _scans_apart(
    config: TrainConfig, record: Mapping[str, Any], data: Path | None
) -> tuple[Path, list[Source]]:
    """Return a folder, and the labeled scans in it that neither the model nor its start has seen.

    Where no folder is given and files are missing in the recorded one, there are none.
    """
    unseen = {row["image"] for row in record["scores"] if not row.get("seen_by_start", False)}
    sources = [
        source for source in config.left_out() if source.scored and str(source.image) in unseen
    ]
    root = Path(record.get(DATA_FOLDER, ".")) if data is None else data
    there = all((root / path).is_file() for source in sources for path in source.files)
    return root, sources if there or data is not None else []


def _labeled(sources: list[Source], root: Path) -> Iterator[LabeledScan]:
    for source in sources:
        read = read_source(source, root)
        assert source.image is not None
        assert read.gm is not None
        stack = to_axial(read_volume(root / source.image))
        yield LabeledScan(stack, read.gm.numpy() >= 0.5)
