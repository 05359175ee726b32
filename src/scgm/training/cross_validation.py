"""Leave-one-site-out cross-validation: one training for each site, and the table of all scores."""

import json
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from scgm.errors import ConfigError
from scgm.io.atomic import write_text
from scgm.io.tables import table_text
from scgm.training.config.settings import TrainConfig
from scgm.training.engine.checkpoints import RECORD
from scgm.training.engine.state import STATE

TABLE, PAGE = "cross_validation.csv", "cross_validation.md"
COLUMNS = ("site", "image", "slices", "gm_dice", "gm_dice_centred", "cord_dice", "found_3mm")


def cross_validate(
    config: TrainConfig, output: Path, run: Callable[[TrainConfig, Path, bool], None], data: Path
) -> str:
    """Train once for every site with that site left out, and return the table of scores.

    The last weights of each training are kept: a site that chose among them would be scored a
    little too well.

    ``run`` trains a configuration in a folder, or goes on with what is there (third argument).
    Each training has its folder, ``output/without-SITE``. What is finished there is not done again,
    and what was interrupted goes on, so the same call can be repeated until it ends.

    Raises
    ------
    ConfigError
        If there are fewer than two sites with scans that can be scored, sites are left out
        already, or a folder holds a training of another configuration.
    ScgmError
        As from *run*.
    """
    if config.leave_out:
        msg = "cross-validation leaves out each site in turn; set leave_out = []"
        raise ConfigError(msg)
    whole = config.expanded(data)
    sites = sorted({source.site for source in whole.source if source.scored})
    if len(sites) < 2:
        msg = (
            f"cross-validation needs scans with gray matter drawn on them of at least two sites; "
            f"found: {', '.join(sites) or 'none'}"
        )
        raise ConfigError(msg)
    rows: list[dict[str, Any]] = []
    for site in sites:
        last = whole.segmenter.model_copy(update={"keep": "last"})
        fold = whole.model_copy(update={"leave_out": (site,), "segmenter": last})
        rows += _scores(fold, output / f"without-{site}", run)
    page = _page(rows)
    write_text(output / TABLE, _table(rows))
    write_text(output / PAGE, page)
    return page


def _scores(
    fold: TrainConfig, folder: Path, run: Callable[[TrainConfig, Path, bool], None]
) -> list[dict[str, Any]]:
    """Return the scores of a fold on its site; train it where that is still to be done."""
    record = folder / RECORD
    if not record.exists():
        run(fold, folder, (folder / STATE).exists())
    held = json.loads(record.read_text(encoding="utf-8"))
    if TrainConfig.model_validate(held["config"]) != fold:
        msg = f"{folder}: holds a training of another configuration; give another --output"
        raise ConfigError(msg)
    scores: list[dict[str, Any]] = held["scores"]
    return [row for row in scores if "gm_dice" in row]


def _table(rows: Sequence[dict[str, Any]]) -> str:
    return table_text(COLUMNS, ([row.get(column) for column in COLUMNS] for row in rows))


def _page(rows: Sequence[dict[str, Any]]) -> str:
    """Return a Markdown table: every image, and mean and deviation over images and over sites."""
    lines = [
        "| site left out | image | slices | gray matter, 2D Dice | cord Dice |",
        "| --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        cord = f"{row['cord_dice']:.3f}" if "cord_dice" in row else "-"
        cells = (row["site"], Path(row["image"]).name, row["slices"], f"{row['gm_dice']:.3f}", cord)
        lines.append(f"| {' | '.join(map(str, cells))} |")
    by_site = {
        row["site"]: [r["gm_dice"] for r in rows if r["site"] == row["site"]] for row in rows
    }
    images = [row["gm_dice"] for row in rows]
    sites = [statistics.fmean(values) for values in by_site.values()]
    for what, values in (("images", images), ("sites", sites)):
        spread = f" ({statistics.stdev(values):.3f})" if len(values) > 1 else ""
        lines.append(
            f"| all | mean over {len(values)} {what} | | {statistics.fmean(values):.3f}{spread} | |"
        )
    return "\n".join(lines) + "\n"
