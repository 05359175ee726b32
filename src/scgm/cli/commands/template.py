"""``scgm template``: segmented cords in the space of a template, and back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scgm.cli.console import Messages
from scgm.cli.level_options import LevelKind
from scgm.cli.level_options import level_at as read_level_at
from scgm.cli.options import Log, Quiet, Verbose
from scgm.errors import UsageError

if TYPE_CHECKING:
    from scgm.measurement.structures import Structures
    from scgm.registration.files import SavedWarp
    from scgm.registration.register import Registration, SegmentedCord

template = typer.Typer(
    no_args_is_help=True, help="Lay segmented cords on a template; maps of groups there."
)

Maps = Annotated[
    list[Path] | None,
    typer.Option("--map", metavar="FILE", readable=False, help="A map to bring along; repeatable."),
]
LabelImages = Annotated[
    list[Path] | None,
    typer.Option(
        "--labels", metavar="FILE", readable=False, help="Labels to bring along; repeatable."
    ),
]
Folder = Annotated[Path, typer.Option("--output", "-o", metavar="FOLDER", help="For the files.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace earlier files.")]


@template.callback()
def group_of_commands() -> None:
    """Lay segmented cords on a template; maps of groups there."""


@template.command("warp")
def warp(
    template_name: Annotated[
        str,
        typer.Option(
            "--template", metavar="FOLDER", help="Folder or name of a template, or a result."
        ),
    ],
    output: Folder,
    result: Annotated[
        Path | None,
        typer.Argument(
            metavar="RESULT", readable=False, help="NAME_seg.json, or a folder with one result."
        ),
    ] = None,
    gm: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", readable=False, help="In place of RESULT: mask of the gray matter,"
        ),
    ] = None,
    cord: Annotated[
        Path | None, typer.Option(metavar="FILE", readable=False, help="and mask of the cord.")
    ] = None,
    levels_from: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", readable=False, help="Label image of levels or discs, or a text file."
        ),
    ] = None,
    level_at: Annotated[
        str | None,
        typer.Option(metavar="SLICE=C3", help="One slice, and the level whose middle it shows."),
    ] = None,
    level_kind: LevelKind = None,
    template_levels: Annotated[
        Path | None,
        typer.Option(metavar="FILE", readable=False, help="Levels of the template, if elsewhere."),
    ] = None,
    maps: Maps = None,
    labels: LabelImages = None,
    back: Annotated[
        bool,
        typer.Option("--back", help="Bring the template, and --map and --labels, to the image."),
    ] = False,
    include_flagged: Annotated[
        bool, typer.Option("--include-flagged", help="Use slices that need a look, too.")
    ] = False,
    overwrite: Overwrite = False,
    verbose: Verbose = False,
    quiet: Quiet = False,
    log: Log = None,
) -> None:
    """Lay a segmented cord on a template or on another time point, both ways.

    For example:

      scgm template warp t2s_seg.json --template AMU7T --levels-from levels.nii.gz -o warped/

      scgm template warp t2s_seg.json --template PAM50 --level-at 7=C3 --back -o warped/

      scgm template warp second_seg.json --template first_seg.json -o warped/
    """
    from scgm.registration.files import Travelers, check_output, read_travelers, write_registration
    from scgm.registration.register import RegisterOptions, register

    messages = Messages(verbose, quiet, log)
    name, structures = _image(result, gm, cord)
    travelers = Travelers(tuple(maps or ()), tuple(labels or ()))
    check_output(output, name, travelers, overwrite=overwrite)
    kind = None if level_kind is None else level_kind.value
    native = _with_levels(structures, levels_from, kind)
    space = _template(template_name, template_levels, kind)
    given = read_travelers(travelers, (space if back else native).geometry)
    for warning in (line for volume, _ in given.values() for line in volume.warnings):
        messages.warning(warning)
    options = RegisterOptions(
        level_at=None if level_at is None else read_level_at(level_at),
        include_flagged=include_flagged,
    )
    with messages.progress(1, "Registering"):
        done = register(native, space, options)
    for warning in done.warnings:
        messages.warning(warning)
    record = write_registration(
        done, (native, space), (output, name), travelers, back=back, overwrite=overwrite
    )
    _show(done, messages)
    messages.result(f"{record}: written, with both displacement fields")


@template.command("apply")
def apply(
    record: Annotated[
        Path,
        typer.Argument(metavar="RECORD", readable=False, help="NAME_template.json of 'warp'."),
    ],
    output: Folder,
    maps: Maps = None,
    labels: LabelImages = None,
    back: Annotated[bool, typer.Option("--back", help="From the template to the image.")] = False,
    overwrite: Overwrite = False,
    verbose: Verbose = False,
    quiet: Quiet = False,
    log: Log = None,
) -> None:
    """Bring more maps and labels along a registration that was saved.

    In the folder of RECORD, 'scgm template group --map' finds them. For example:

      scgm template apply warped/t2s_template.json --labels atlas.nii.gz --back -o regions/
    """
    from scgm.registration.files import Travelers, apply_saved, read_saved

    messages = Messages(verbose, quiet, log)
    if not maps and not labels:
        msg = "there is nothing to bring along; give --map or --labels"
        raise UsageError(msg)
    travelers = Travelers(tuple(maps or ()), tuple(labels or ()))
    paths, warnings = apply_saved(
        read_saved(record), travelers, output, back=back, overwrite=overwrite
    )
    for warning in warnings:
        messages.warning(warning)
    for path in paths:
        messages.result(f"{path}: written")


@template.command("group")
def group(
    results: Annotated[
        list[Path],
        typer.Argument(
            metavar="RESULT", readable=False, help="Folders or records (NAME_template.json)."
        ),
    ],
    output: Folder,
    against: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="RESULT", readable=False, help="A result of the second group; repeatable."
        ),
    ] = None,
    map_name: Annotated[
        str, typer.Option("--map", metavar="NAME", help="gm, cord, or a map brought along.")
    ] = "gm",
    overwrite: Overwrite = False,
    verbose: Verbose = False,
    quiet: Quiet = False,
    log: Log = None,
) -> None:
    """Make the mean map of a group in the space of its template; a t-map of two groups.

    For example:

      scgm template group controls/ -o maps/

      scgm template group patients/ --against controls/ --map mtr -o maps/
    """
    from scgm.io.paths import safe_name
    from scgm.registration.group import common_grid, group_map, write_group

    messages = Messages(verbose, quiet, log)
    name = safe_name(map_name, "map")
    members, others = _members(results), _members(against or [])
    common_grid([*members, *others])  # nobody is in both groups, and there is one template
    first = group_map(members, name)
    second = group_map(others, name) if others else None
    if second is not None and min(len(members), len(others)) < 2:
        messages.warning("a group has a single person: there is no t-map, all of it is NaN")
    for path in write_group(output, name, (first, second), overwrite=overwrite):
        messages.result(f"{path}: written")


def _members(paths: list[Path]) -> list[SavedWarp]:
    from scgm.registration.files import saved_in

    return [member for path in paths for member in saved_in(path)]


def _image(result: Path | None, gm: Path | None, cord: Path | None) -> tuple[str, Structures]:
    """Return how the names of files begin, and what was segmented."""
    from scgm.io.read import read_labels
    from scgm.measurement.masks import structures_from_masks

    if (result is None) == (gm is None and cord is None):
        msg = "give either a result of scgm segment, or masks with --gm and --cord"
        raise UsageError(msg)
    if result is not None:
        return _result(result)
    if gm is None or cord is None:
        msg = "registration needs both masks; give --gm and --cord"
        raise UsageError(msg)
    name = gm.name.removesuffix(".gz").removesuffix(".nii")
    return name, structures_from_masks(str(gm), read_labels(gm), read_labels(cord))


def _result(path: Path) -> tuple[str, Structures]:
    from scgm.segmentation.saved import record_paths, saved_result, structures_of_saved

    records = record_paths(path)
    if len(records) > 1:
        msg = f"{path}: it holds {len(records)} results; give one NAME_seg.json"
        raise UsageError(msg)
    saved = saved_result(records[0])
    return saved.name, structures_of_saved(saved)


def _template(name: str, levels: Path | None, kind: str | None) -> SegmentedCord:
    """Return a template, or another result in its place."""
    from scgm.registration.template import kind_of_levels, read_template, template_folder

    kind = kind_of_levels(levels, kind)
    path = Path(name)
    is_folder = path.is_dir()
    if path.is_file() or (is_folder and any(path.glob("*_seg.json"))):
        return _with_levels(_result(path)[1], levels, kind)
    return read_template(template_folder(name), levels, kind)


def _with_levels(structures: Structures, levels: Path | None, kind: str | None) -> SegmentedCord:
    from scgm.measurement.level_source import levels_for
    from scgm.measurement.options import MeasureOptions
    from scgm.registration.register import SegmentedCord

    options = MeasureOptions(levels_from=levels, level_kind=kind)
    return SegmentedCord(structures, levels_for(structures, options))


def _show(done: Registration, messages: Messages) -> None:
    from scgm.registration.register import NAMES

    rows = [
        [NAMES[label], f"{dice:.3f}", f"{distance:.2f}"]
        for label, (dice, distance) in done.scores.items()
    ]
    messages.table([["after registration", "Dice", "surface distance mm"], *rows])
