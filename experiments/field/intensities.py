"""Situations whose gray values are odd: scale, padding, spikes, contrast."""

from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
from scipy import ndimage

from experiments.evidence import DATA
from experiments.field.situation import (
    CORDS,
    Situation,
    Values,
    cord_of,
    save_like,
    values_of,
)

SEED = 20


def _changed(
    key: str, change: Callable[[Values], Values], dtype: type = np.float32
) -> Callable[[Path], None]:
    """Return a builder of an image whose gray values *change* maps, 1000 being bright."""

    def build(folder: Path) -> None:
        save_like(folder, key, change(values_of(key)), dtype)

    return build


def _brightest(level: float) -> Callable[[Values], Values]:
    return lambda values: values / values.max() * level


def _padded(pad: float) -> Callable[[Values], Values]:
    """Return a change that puts a constant outside of the largest circle."""

    def change(values: Values) -> Values:
        x, y = np.ogrid[: values.shape[0], : values.shape[1]]
        radius = min(values.shape[:2]) / 2
        away = np.hypot(x - (values.shape[0] - 1) / 2, y - (values.shape[1] - 1) / 2)
        return np.where((away > 0.98 * radius)[..., None], pad, values)

    return change


def _spiked(count: float) -> Callable[[Values], Values]:
    """Return a change that sets a number, or a share, of voxels to both ends of int16."""

    def change(values: Values) -> Values:
        number = count if isinstance(count, int) else int(count * values.size)
        spoiled = values.ravel().copy()
        where = np.random.default_rng(SEED).permutation(values.size)[:number]
        spoiled[where] = np.resize([-32767, 32516], number)
        return spoiled.reshape(values.shape)

    return change


def _wrapped(values: Values) -> Values:
    """Read unsigned numbers up to 40,000 as signed ones."""
    return np.asarray((values * 40).clip(0, 65535).astype(np.uint16).view(np.int16))


def _inner_contrast(share: float, snr: float) -> Callable[[Path], None]:
    """Return a builder that keeps a share of the contrast inside of the cord, with noise."""

    def build(folder: Path) -> None:
        rng = np.random.default_rng(SEED)
        values, cord = values_of("9418"), cord_of("9418")
        inside = ndimage.binary_erosion(cord, np.ones((3, 3, 1)))
        weight = ndimage.gaussian_filter(inside.astype(np.float64), (0.7, 0.7, 0))
        for z in np.flatnonzero(inside.any(axis=(0, 1))):
            level = float(np.median(values[..., z][inside[..., z]]))
            flat = level + share * (values[..., z] - level)
            flat = flat + rng.normal(0, level / snr, flat.shape)
            values[..., z] += weight[..., z] * (flat - values[..., z])
        save_like(folder, "9418", values)

    return build


def _ratio() -> tuple[Values, Values]:
    """Return the magnetization transfer ratio in percent, and which of its voxels are air."""
    off, on = (
        np.asarray(nib.load(DATA / f"sct-testing/mt/{name}.nii.gz").dataobj, np.float64)
        for name in ("mt0", "mt1")
    )
    ratio = 100 * (off - on) / np.where(off == 0, 1, off)
    return ratio, off < np.percentile(off, 15)


def _ratio_as_computed(folder: Path) -> None:
    """Write the ratio with noise divided by noise in air."""
    rng = np.random.default_rng(SEED)
    ratio, air = _ratio()
    ratio[air] = -np.abs(rng.standard_cauchy(int(air.sum()))) * 300
    ratio.ravel()[np.flatnonzero(air)[::50]] = -np.inf
    save_like(folder, "mt", ratio)


def _ratio_clipped(folder: Path) -> None:
    """Write the ratio from 0 to 100, and 0 in air."""
    ratio, air = _ratio()
    save_like(folder, "mt", np.where(air, 0, ratio).clip(0, 100))


def _noise_around(values: Values) -> Values:
    """Make of an image what MP2RAGE gives: 0 to 4095, uniform noise where there is no signal."""
    noise = np.random.default_rng(SEED).uniform(0, 4095, values.shape)
    smooth = ndimage.gaussian_filter(values, (2, 2, 0))
    share = np.clip(smooth / 100, 0, 1)
    return np.asarray(share * np.clip(values * 2.5, 0, 4095) + (1 - share) * noise)


def _high_passed(values: Values) -> Values:
    return np.asarray(values - ndimage.gaussian_filter(values, (15, 15, 0)))


def _label_as_image(folder: Path) -> None:
    (folder / "scan.nii.gz").write_bytes((DATA / CORDS["cropped"]).read_bytes())


def _levels_as_image(folder: Path) -> None:
    file = DATA / "sct-testing/t2s/MNI-Poly-AMU_level_crop.nii.gz"
    (folder / "scan.nii.gz").write_bytes(file.read_bytes())


_FAINT = "spinalcordtoolbox#701"
_HMRI = "hMRI-group/hMRI-toolbox#57"
_PAD = "dgobbi/vtk-dicom#173"
_LOSSY = "ANTsX/ANTs#822, brainchop-cli#26"

SITUATIONS = (
    Situation(
        number="3",
        name="no contrast inside of the cord",
        report=_FAINT,
        before="wrong, silent",
        build=_inner_contrast(0, 20),
        scan="9418",
        wanted="doubt",
    ),
    Situation(
        number="3",
        name="a tenth of the contrast",
        report=_FAINT,
        before="wrong, silent",
        build=_inner_contrast(0.1, 20),
        scan="9418",
        wanted="doubt",
    ),
    Situation(
        number="3",
        name="half of the contrast",
        report=_FAINT,
        before="right",
        build=_inner_contrast(0.5, 20),
        scan="9418",
    ),
    Situation(
        number="4",
        name="mask as the image",
        report="Slicer/Slicer#1503",
        before="wrong, silent",
        build=_label_as_image,
        scan=None,
        wanted="doubt",
    ),
    Situation(
        number="4",
        name="map of levels as the image",
        report="Slicer/Slicer#1503",
        before="wrong, silent",
        build=_levels_as_image,
        scan=None,
        wanted="doubt",
    ),
    *(
        Situation(
            number="10",
            name=f"brightest value {level:g}",
            report=_HMRI,
            before="right" if level == 1e-3 else "wrong, loud",
            build=_changed("9418", _brightest(level)),
            scan="9418",
        )
        for level in (1e-30, 1e-8, 1e-6, 1e-3, 1e20, 1e30)
    ),
    *(
        Situation(
            number="11",
            name=f"padding of {pad:g}",
            report=_PAD,
            before="right" if pad == -1000 else "wrong, loud",
            build=_changed(key, _padded(pad)),
            scan=key,
        )
        for key, pad in (
            ("9418", -32768),
            ("9418", -9999),
            ("whole", -2000),
            ("whole", -1000),
            ("whole", 65535),
        )
    ),
    Situation(
        number="12",
        name="ratio of magnetization transfer, not clipped",
        report="sct_testing_data",
        before="not listed",
        build=_ratio_as_computed,
        scan=_ratio_clipped,
    ),
    Situation(
        number="13",
        name="60 spikes in a large image",
        report="model_seg_sci#59",
        before="right",
        build=_changed("9418", _spiked(60)),
        scan="9418",
    ),
    Situation(
        number="13",
        name="60 spikes in a small image",
        report="model_seg_sci#59",
        before="wrong, flagged",
        build=_changed("mt", _spiked(60)),
        scan="mt",
    ),
    Situation(
        number="13",
        name="2 % spikes",
        report="model_seg_sci#59",
        before="wrong, flagged",
        build=_changed("9418", _spiked(0.02)),
        scan="9418",
    ),
    Situation(
        number="14",
        name="uint16 read as int16",
        report="rordenlab/dcm2niix#215, CMRR-C2P/MB#2",
        before="wrong, silent",
        build=_changed("whole", _wrapped, np.int16),
        scan="whole",
        wanted="doubt",
        says=r"(?i)wrap|int16|unsigned",
    ),
    Situation(
        number="15",
        name="clipped at half of the range",
        report="rordenlab/dcm2niix#343",
        before="wrong, flagged",
        build=_changed("9418", lambda values: np.minimum(values, 400)),
        scan="9418",
        wanted="doubt",
        says=r"(?i)cut off|clipped|saturated",
    ),
    Situation(
        number="32",
        name="noise all around, 0 to 4095",
        report="spinalcordtoolbox#3637, #3737",
        before="right",
        build=_changed("9418", _noise_around),
        scan="9418",
    ),
    Situation(
        number="33",
        name="inverted contrast, negative",
        report="seg-sc-ms-lesion-multicontrast#9",
        before="right",
        build=_changed("9418", np.negative),
        scan="9418",
    ),
    Situation(
        number="33",
        name="zero mean",
        report="seg-sc-ms-lesion-multicontrast#9",
        before="right",
        build=_changed("9418", _high_passed),
        scan="9418",
    ),
    Situation(
        number="38",
        name="z-scores",
        report=_LOSSY,
        before="right",
        build=_changed("9418", lambda values: (values - values.mean()) / values.std()),
        scan="9418",
    ),
    Situation(
        number="38",
        name="8 bits",
        report=_LOSSY,
        before="right",
        build=_changed("9418", lambda values: (values / 4).clip(0, 255), np.uint8),
        scan="9418",
    ),
    Situation(
        number="38",
        name="logarithm",
        report=_LOSSY,
        before="right",
        build=_changed("whole", lambda values: np.log1p(values)),
        scan="whole",
    ),
    Situation(
        number="38",
        name="offset of 10,000",
        report=_LOSSY,
        before="right",
        build=_changed("whole", lambda values: values + 10_000),
        scan="whole",
    ),
)
