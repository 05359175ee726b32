"""``scgm phantom``: a synthetic scan whose truth is known, to files."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scgm.cli.console import Messages
from scgm.cli.options import Log, Quiet, Verbose
from scgm.errors import ConfigError

if TYPE_CHECKING:
    from scgm.io.transaction import Claims
    from scgm.phantom import Acquisition, Anatomy, Phantom


class ContrastName(StrEnum):
    """How the scan is weighted."""

    t2star = "t2star"
    mt = "mt"
    psir = "psir"
    t1 = "t1"
    t2 = "t2"
    exvivo = "exvivo"
    mp2rage = "mp2rage"
    spgr = "spgr"


# Names of images as in BIDS.
_SUFFIXES = {
    ContrastName.t2star: "T2starw",
    ContrastName.mt: "mt-on_MTS",
    ContrastName.psir: "PSIR",
    ContrastName.t1: "T1w",
    ContrastName.t2: "T2w",
    ContrastName.exvivo: "acq-exvivo_T2starw",
    ContrastName.mp2rage: "UNIT1",
    ContrastName.spgr: "acq-spgr_T1w",
}


def phantom(
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="FOLDER", help="Folder for the scan and its truth."),
    ] = Path("phantom"),
    region: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="cervical, thoracic, lumbar, or a spinal segment from C1 to S5."
        ),
    ] = "cervical",
    contrast: Annotated[
        ContrastName | None,
        typer.Option(help="Weighting; by default t2star, with --ex-vivo exvivo."),
    ] = None,
    ex_vivo: Annotated[
        bool, typer.Option("--ex-vivo", help="Only the fixed cord, in a tube, at any angle.")
    ] = False,
    pixel: Annotated[
        float | None,
        typer.Option(min=0.01, max=5, metavar="MM", help="Size of a pixel; by default 0.5 (0.08)."),
    ] = None,
    thickness: Annotated[
        float | None,
        typer.Option(min=0.01, max=50, metavar="MM", help="Of a slice; by default 5 (ex vivo 1)."),
    ] = None,
    slices: Annotated[
        int, typer.Option(min=1, max=500, metavar="N", help="Number of slices.")
    ] = 10,
    size: Annotated[
        int | None,
        typer.Option(
            min=8, max=1024, metavar="N", help="Rows and columns; by default 160 (ex vivo 200)."
        ),
    ] = None,
    snr: Annotated[
        float | None,
        typer.Option(
            min=0.1, metavar="NUMBER", help="White matter over noise; by default 20 (ex vivo 30)."
        ),
    ] = None,
    rotation: Annotated[
        float | None,
        typer.Option(metavar="DEGREES", help="From the right to the front; by default by chance."),
    ] = None,
    seed: Annotated[
        int,
        typer.Option(min=0, metavar="N", help="Random seed: another number gives another anatomy."),
    ] = 0,
    no_cord: Annotated[
        bool, typer.Option("--no-cord", help="Leave out the cord and its canal.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an earlier scan of the same name.")
    ] = False,
    verbose: Verbose = False,
    quiet: Quiet = False,
    log: Log = None,
) -> None:
    """Make a synthetic scan of the spinal cord, with its true masks.

    Writes, for example, sub-phantom_T2starw.nii.gz and beside it
    the masks label-GM_seg (gray matter), label-WM_seg (white matter)
    and label-SC_seg (cord), and a .json with all parameters.

    For example:

      scgm phantom

      scgm phantom --region L4 --contrast t2 --pixel 0.6 --thickness 3

      scgm phantom --ex-vivo --rotation 90 --seed 7 --output specimen
    """
    from scgm.io.transaction import check_set
    from scgm.phantom import make_phantom

    messages = Messages(verbose, quiet, log)
    changes = {"rotation_deg": rotation, "cord": not no_cord}
    anatomy = _anatomy(region, seed, changes, ex_vivo=ex_vivo)
    grid = (slices, size, size), (thickness, pixel, pixel)
    acquisition = _acquisition(*grid, contrast and contrast.value, snr, ex_vivo=ex_vivo)
    name = f"sub-phantom_{_SUFFIXES[ContrastName(acquisition.contrast)]}"
    check_set(output, _names(name), overwrite=overwrite, claims=_claims(name))
    messages.detail(f"{anatomy}\n{acquisition}")
    files = _save(make_phantom(anatomy, acquisition, seed=seed), output, name, overwrite=overwrite)
    messages.result(f"{files[0]}: synthetic scan; beside it {len(files) - 1} files with its truth")


def _anatomy(region: str, seed: int, changes: dict[str, Any], *, ex_vivo: bool) -> Anatomy:
    """Choose anatomical parameters by the seed; options of the user take precedence."""
    from dataclasses import replace

    import numpy as np

    from scgm.phantom import draw_anatomy

    try:
        chosen = draw_anatomy(np.random.default_rng(seed), region, ex_vivo=ex_vivo)
        return replace(chosen, **_given(changes))
    except ConfigError as error:
        raise typer.BadParameter(str(error)) from error


def _acquisition(
    shape: tuple[int | None, ...],
    spacing_mm: tuple[float | None, ...],
    contrast: str | None,
    snr: float | None,
    *,
    ex_vivo: bool,
) -> Acquisition:
    """Choose the usual scan; options of the user take precedence."""
    from dataclasses import replace

    from scgm.phantom import EX_VIVO, Acquisition

    usual = EX_VIVO if ex_vivo else Acquisition()
    grid = {
        "shape": tuple(b if a is None else a for a, b in zip(shape, usual.shape, strict=True)),
        "spacing_mm": tuple(
            b if a is None else a for a, b in zip(spacing_mm, usual.spacing_mm, strict=True)
        ),
    }
    changes: dict[str, Any] = {**grid, **_given({"contrast": contrast, "snr": snr})}
    try:
        return replace(usual, **changes)
    except ConfigError as error:
        raise typer.BadParameter(str(error)) from error


def _given(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def _names(name: str) -> tuple[str, ...]:
    """Return the file names: scan, three masks, parameters."""
    masks = (f"{name}_label-{label}_seg.nii.gz" for label in ("GM", "WM", "SC"))
    return (f"{name}.nii.gz", *masks, f"{name}.json")


def _save(phantom: Phantom, folder: Path, name: str, *, overwrite: bool) -> list[Path]:
    """Write all files, or none."""
    import numpy as np

    from scgm.io.atomic import write_text
    from scgm.io.nifti.write import as_nifti, write_nifti
    from scgm.io.transaction import checksums, file_set

    scan, *masks, parameters = _names(name)
    with file_set(folder, _names(name), overwrite=overwrite, claims=_claims(name)) as place:
        image = as_nifti(phantom.volume.voxels, phantom.volume, dtype=np.float32)
        write_nifti(image, place / scan)
        for file, mask in zip(masks, (phantom.gm, phantom.wm, phantom.cord), strict=True):
            write_nifti(as_nifti(mask, phantom.volume, dtype=np.uint8), place / file)
        written = checksums(place / file for file in (scan, *masks))
        write_text(place / parameters, _record(phantom, written))
    return [folder / file for file in _names(name)]


def _claims(name: str) -> Claims:
    """Let only the files of an earlier phantom be replaced that did not change since."""
    from scgm.io.transaction import claims_from

    return claims_from(_names(name)[-1], "Files")


def _record(phantom: Phantom, files: dict[str, str]) -> str:
    """Return all parameters as JSON, which knows no infinity: an SNR of null means no noise."""
    import json
    import math
    from dataclasses import asdict

    from scgm.version import __version__

    acquisition = asdict(phantom.acquisition)
    if math.isinf(acquisition["snr"]):
        acquisition["snr"] = None
    record = {
        "GeneratedBy": [{"Name": "scgm phantom", "Version": __version__}],
        "Seed": phantom.seed,
        "Anatomy": asdict(phantom.anatomy),
        "Acquisition": acquisition,
        "Files": files,
    }
    return json.dumps(record, indent=2, allow_nan=False) + "\n"
