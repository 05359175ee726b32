"""Leave-one-site-out cross-validation: one training for each site, and the table of all scores."""

import os
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scgm.datasets.case import site_key
from scgm.errors import ConfigError
from scgm.io.paths import safe_child
from scgm.io.tables import table_text
from scgm.io.transaction import file_set
from scgm.training.config.settings import TrainConfig
from scgm.training.engine.checkpoints import RECORD, read_record
from scgm.training.engine.run import train
from scgm.training.engine.start import StartModel, read_starts, seen_before
from scgm.training.engine.state import STATE

TABLE, PAGE = "cross_validation.csv", "cross_validation.md"
COLUMNS = (
    "site",
    "image",
    "rater",
    "slices",
    "gm_dice",
    "gm_dice_centered",
    "cord_slices",
    "cord_dice",
    "found_3mm",
    "seen_by_start",
)
SEEN = {True: "yes", False: "no", None: "unknown"}


@dataclass(frozen=True, slots=True)
class Runner:
    """Trains one configuration after the other, each in a folder of its own.

    Parameters
    ----------
    data : Path
        Folder that relative paths start from.
    device : str
        "auto", "cpu" or "cuda".
    report, warn : callable
        Are given lines for the user.
    """

    data: Path
    device: str
    report: Callable[[str], None]
    warn: Callable[[str], None]

    def __call__(self, config: TrainConfig, folder: Path) -> None:
        """Train in a folder, or continue what is there."""
        self.report(f"without {', '.join(config.leave_out)}")
        resume = os.path.lexists(folder / STATE)
        train(config, self.data, folder, device=self.device, report=self.report, resume=resume)


def cross_validate(config: TrainConfig, output: Path, runner: Runner) -> str:
    """Train once for every site with that site left out, and return the table of scores.

    The last weights of each training are kept: a site that chose among them would be scored a
    little too well.

    Each training has its folder, ``output/without-SITE``. What is finished there is not done again,
    and what was interrupted continues, so the same call can be repeated until it ends.

    Raises
    ------
    ConfigError
        If there are fewer than two sites with scans that can be scored, sites are left out
        already, scores are to stop a training, or a folder holds a training of another
        configuration.
    UsageError
        If the name of a site cannot be that of a folder.
    ScgmError
        As from `scgm.training.engine.run.train`.
    """
    if config.leave_out:
        msg = "cross-validation leaves out each site in turn; set leave_out = []"
        raise ConfigError(msg)
    if config.segmenter.validates and config.segmenter.patience:
        msg = (
            f"segmenter.patience = {config.segmenter.patience}: the site left out would decide "
            "when the training stops that it is scored with; set segmenter.patience = 0"
        )
        raise ConfigError(msg)
    whole = config.expanded(runner.data, runner.warn)
    sites = scored_sites(whole)
    folders = {site: safe_child(output, f"without-{site}", "site") for site in sites}
    starts = read_starts(whole, runner.data)
    runner.report(f"{len(sites)} trainings, each without one site: {', '.join(sites)}")
    for warning in _seen_sites(whole, sites, starts):
        runner.warn(warning)
    rows: list[dict[str, Any]] = []
    for site in sites:
        last = whole.segmenter.model_copy(update={"keep": "last"})
        fold = whole.model_copy(update={"leave_out": (site,), "segmenter": last})
        rows += _scores(fold, folders[site], runner)
    page = _page(rows)
    with file_set(output, (TABLE, PAGE), overwrite=True) as staging:
        (staging / TABLE).write_text(_table(rows), encoding="utf-8")
        (staging / PAGE).write_text(page, encoding="utf-8")
    return page


def scored_sites(config: TrainConfig) -> list[str]:
    """Return the sites with scans that can be scored, each in its first spelling.

    Raises
    ------
    ConfigError
        If there are fewer than two.
    """
    named: dict[str, str] = {}
    for source in config.source:
        if source.scored:
            named.setdefault(site_key(source.site), source.site)
    if len(named) < 2:
        msg = (
            "cross-validation needs scans with gray matter drawn on them of at least two sites; "
            f"found: {', '.join(named.values()) or 'none'}"
        )
        raise ConfigError(msg)
    return sorted(named.values())


def _seen_sites(
    config: TrainConfig, sites: Sequence[str], starts: Mapping[str, StartModel]
) -> list[str]:
    """Say which sites are not new to the models that the trainings start from."""
    names = ", ".join(sorted({start.name for start in starts.values()}))
    found: list[str] = []
    for site in sites:
        of_site = [source for source in config.source if site_key(source.site) == site_key(site)]
        seen = {seen_before(starts, source) for source in of_site if source.scored}
        if True in seen:
            found.append(
                f"site {site}: the model that every training starts from ({names}) has learned "
                "from it, so its scores are too good; they are marked"
            )
        elif None in seen:
            found.append(
                f"site {site}: the card of the model that every training starts from ({names}) "
                "does not say its sites, so it may have learned from this one; scores are marked"
            )
    return found


def _scores(fold: TrainConfig, folder: Path, runner: Runner) -> list[dict[str, Any]]:
    """Return the scores of a fold on its site; train it where that is still to be done."""
    if not os.path.lexists(folder / RECORD):
        runner(fold, folder)
    held, record = read_record(folder)
    if held != fold:
        msg = f"{folder}: holds a training of another configuration; give another --output"
        raise ConfigError(msg)
    return [row for row in record["scores"] if "gm_dice" in row]


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    told = (
        {
            **row,
            "slices": row.get("gm_slices"),
            "cord_slices": row.get("slices"),
            "seen_by_start": _seen(row),
        }
        for row in rows
    )
    return table_text(COLUMNS, ([row.get(column) for column in COLUMNS] for row in told))


def _seen(row: Mapping[str, Any]) -> str:
    return SEEN[row.get("seen_by_start", False)]


def _page(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return a Markdown table: every image, and mean and deviation over images and over sites.

    An image that several raters drew on has a row for each, and counts once, with their mean. Where
    the model that the trainings started from has learned from some sites, the others have means of
    their own.
    """
    marked = any(_seen(row) != "no" for row in rows)
    raters = any(row.get("rater") for row in rows)
    head = ["site left out", "image", "slices", "gray matter, 2D Dice", "cord Dice"]
    head += ["rater"] * raters + ["seen by the start model"] * marked
    lines = [head, ["---"] * len(head)]
    for row in rows:
        cord = f"{row['cord_dice']:.3f}" if "cord_dice" in row else "-"
        slices = row.get("gm_slices", "")
        cells = [row["site"], Path(row["image"]).name, slices, f"{row['gm_dice']:.3f}", cord]
        cells += [row.get("rater", "")] * raters + [_seen(row)] * marked
        lines.append([str(cell) for cell in cells])
    new = [row for row in rows if _seen(row) == "no"]
    if marked and new:
        lines += _means(new, "new to the start model", len(head))
    lines += _means(rows, "all, too good: some were seen" if marked else "all", len(head))
    page = "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines) + "\n"
    if marked and not new:
        page += "\nNo site is new to the start model: these scores say nothing about new sites.\n"
    return page


def _means(rows: Sequence[Mapping[str, Any]], which: str, columns: int) -> list[list[str]]:
    """Return the rows with mean and deviation over images and over sites.

    An image has the mean of its raters.
    """
    by_image: dict[tuple[str, str], list[float]] = {}
    for row in rows:
        by_image.setdefault((site_key(row["site"]), row["image"]), []).append(row["gm_dice"])
    by_site: dict[str, list[float]] = {}
    for (site, _), values in by_image.items():
        by_site.setdefault(site, []).append(statistics.fmean(values))
    images = [value for values in by_site.values() for value in values]
    sites = [statistics.fmean(values) for values in by_site.values()]
    lines = []
    for what, values in (("images", images), ("sites", sites)):
        spread = f" ({statistics.stdev(values):.3f})" if len(values) > 1 else ""
        mean = f"{statistics.fmean(values):.3f}{spread}"
        line = [which, f"mean over {len(values)} {what}", "", mean]
        lines.append(line + [""] * (columns - len(line)))
    return lines


def _cell(text: str) -> str:
    """Return a text that cannot end a cell of a Markdown table."""
    return " ".join(text.split()).replace("|", "\\|")
