"""Images painted from labels alone, so that label shapes can be slices of an atlas.

Gray and white matter, a ring of fluid and what lies beyond it have the signals that the phantom has
in a T2*-weighted scan; a Gaussian blurs the edges, and noise is added. The shapes were drawn by
hand on images that are not public (7 T), or are those of the template AMU7T. PAM50, whose
repository names no license, is left out, as an atlas contains what it is made from.
"""

import csv
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from experiments.evidence import DATA
from scgm.phantom.tissues import Tissue, signals
from scgm.training.config.read import DEFAULT_RECIPE, read_config
from scgm.training.config.sources import Source

# Sites whose shapes are painted, and which of their slices.
EVERY = {"mount-sinai": 1, "oxford": 3, "amu": 12}
LEVELS = {"amu": "templates/AMU7T/AMU7T_levels.nii.gz"}
FLUID_MM, BLUR_MM = 2.5, 0.25
NOISE, NOISE_MM = 1 / 30, 0.5  # of white matter, on pixels of this size

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class PaintedImage:
    """Files of an image that was painted, with its labels."""

    image: Path
    gm: Path
    cord: Path
    levels: Path | None
    site: str
    subject: str


def painted_images(folder: Path) -> list[PaintedImage]:
    """Paint an image for each source of the recipe that has labels alone, and write them."""
    folder.mkdir(parents=True, exist_ok=True)
    shapes = [
        source
        for source in read_config(DEFAULT_RECIPE).source
        if source.image is None and source.site in EVERY
    ]
    return [_painted(source, folder) for source in shapes]


def paint(gm: Floats, cord: Floats, pixel_mm: tuple[float, float], seed: int) -> Floats:
    """Paint slices (i, j, k) of shares of gray matter and cord, k along the cord."""
    table = signals("t2star")
    gray, white, fluid, beyond = (
        float(table[tissue])
        for tissue in (Tissue.GRAY_MATTER, Tissue.WHITE_MATTER, Tissue.CSF, Tissue.DISC)
    )
    rng = np.random.default_rng(seed)
    noise = NOISE * white * NOISE_MM / np.sqrt(pixel_mm[0] * pixel_mm[1])
    blur = [BLUR_MM / mm for mm in pixel_mm]
    image = np.empty(gm.shape, np.float32)
    for k in range(gm.shape[2]):
        inside, share = cord[..., k], np.minimum(gm[..., k], cord[..., k])
        away = ndimage.distance_transform_edt(inside < 0.5, sampling=pixel_mm)
        around = np.where(away <= FLUID_MM, fluid, beyond)
        signal = gray * share + white * (inside - share) + around * (1 - inside)
        signal = ndimage.gaussian_filter(signal, blur)
        image[..., k] = signal + rng.normal(0, noise, signal.shape)
    return image


def _painted(source: Source, folder: Path) -> PaintedImage:
    """Paint every so many slices of a source; affine and names are those of its labels."""
    assert source.gm is not None
    step = EVERY[source.site]
    gm, affine = _read(source.gm, step)
    cord, _ = _read(source.cord[0], step)
    shown = np.flatnonzero((gm >= 0.5).any(axis=(0, 1)) & (cord >= 0.5).any(axis=(0, 1)))
    gm, cord = gm[..., shown], cord[..., shown]
    affine[:3, 3] += affine[:3, 2] * shown[0]
    sizes = np.linalg.norm(affine[:3, :2], axis=0)
    name = source.gm.name.split("_")[0]
    image = paint(gm, cord, (sizes[0], sizes[1]), seed=len(name))
    values = {"image": image, "gm": gm, "cord": cord}
    files = {what: folder / f"{name}-{what}.nii.gz" for what in values}
    for what, voxels in values.items():
        nib.save(nib.Nifti1Image(voxels, affine), files[what])
    levels = _levels(source.site, step, shown, folder / f"{name}-levels.txt")
    return PaintedImage(**files, levels=levels, site=source.site, subject=name.split("Ses")[0])


def _read(path: Path, step: int) -> tuple[Floats, NDArray[np.float64]]:
    image = nib.load(DATA / path)
    affine = image.affine.copy()
    affine[:, 2] *= step
    return np.asarray(image.dataobj, np.float32)[..., ::step], affine


def _levels(site: str, step: int, shown: NDArray[np.intp], path: Path) -> Path | None:
    """Write the level of each slice, from a label image on the same grid."""
    if site not in LEVELS:
        return None
    numbers = np.asarray(nib.load(DATA / LEVELS[site]).dataobj)[..., ::step][..., shown]
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, delimiter=" ")
        for k in range(len(shown)):
            rows.writerow((k, int(np.bincount(numbers[..., k][numbers[..., k] > 0]).argmax())))
    return path
