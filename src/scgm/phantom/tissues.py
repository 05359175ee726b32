"""Tissues of the phantom and their signals."""

from __future__ import annotations

from enum import IntEnum, unique

import numpy as np
from numpy.typing import NDArray

from scgm.errors import ConfigError


@unique
class Tissue(IntEnum):
    """Tissue at a point of the phantom."""

    AIR = 0
    SKIN = 1
    FAT = 2
    MUSCLE = 3
    FASCIA = 4
    VESSEL = 5
    BONE_CORTEX = 6
    BONE_MARROW = 7
    DISC = 8
    DURA = 9
    CSF = 10
    NERVE_ROOT = 11
    WHITE_MATTER = 12
    FISSURE = 13
    SEPTUM = 14
    GRAY_MATTER = 15
    GELATINOSA = 16
    CENTRAL_CANAL = 17
    SALINE = 18
    FOMBLIN = 19


# Tissues of the true masks. Raters include the fissure in the cord and the central canal in the
# gray matter.
GRAY_TISSUES = (Tissue.GRAY_MATTER, Tissue.GELATINOSA, Tissue.CENTRAL_CANAL)
CORD_TISSUES = (*GRAY_TISSUES, Tissue.WHITE_MATTER, Tissue.FISSURE, Tissue.SEPTUM)

# Tissues with texture: fibers, fat between them, trabeculae.
UNEVEN_TISSUES = (Tissue.SKIN, Tissue.FAT, Tissue.MUSCLE, Tissue.BONE_MARROW, Tissue.DISC)

CONTRASTS = ("t2star", "mt", "psir", "t1", "t2", "exvivo", "mp2rage", "spgr")

# Signal of each tissue, in arbitrary units, one column for each contrast: typical ratios as seen
# at 3 T, rounded; defaults, not measurements. "t2star": spoiled multi-echo gradient echo. "mt":
# gradient echo with saturation pulse. "psir": inversion recovery, with the sign kept and shifted
# so that it stays positive. "t1": MPRAGE. "t2": turbo spin echo. "exvivo": T2*w of a fixed cord.
# "mp2rage": its uniform image. "spgr": spoiled gradient echo with short TR.
_SIGNAL: dict[Tissue, tuple[float, ...]] = {
    #                      t2star    mt  psir    t1    t2  exvivo  mp2r  spgr
    Tissue.AIR:           (     0,    0,  150,    0,    0,    0,     0,     0),
    Tissue.SKIN:          (   420,  380,  600,  450,  250,    0,   500,   520),
    Tissue.FAT:           (   430,  520,  950,  950,  750,  100,   900,   950),
    Tissue.MUSCLE:        (   560,  300,  650,  480,  180,  300,   620,   520),
    Tissue.FASCIA:        (   260,  250,  500,  350,  150,  150,   450,   350),
    Tissue.VESSEL:        (  1050,  700,  500,  450,   60,   50,   500,   800),
    Tissue.BONE_CORTEX:   (    90,   70,  200,   90,   50,   50,   250,    90),
    Tissue.BONE_MARROW:   (   240,  200,  750,  560,  400,  100,   750,   450),
    Tissue.DISC:          (   450,  330,  550,  330,  420,  300,   450,   450),
    Tissue.DURA:          (   300,  300,  450,  300,  200,  350,   400,   350),
    Tissue.CSF:           (  1000,  740,  250,  150, 1000, 1000,    80,   290),
    Tissue.NERVE_ROOT:    (   640,  400,  700,  560,  500,  500,   700,   480),
    Tissue.WHITE_MATTER:  (   560,  330,  850,  720,  380,  420,   850,   520),
    Tissue.FISSURE:       (   800,  550,  500,  400,  700,  250,   420,   400),
    Tissue.SEPTUM:        (   640,  390,  780,  640,  450,  330,   780,   530),
    Tissue.GRAY_MATTER:   (   700,  390,  700,  620,  470,  720,   720,   585),
    Tissue.GELATINOSA:    (   730,  410,  680,  610,  490,  820,   700,   590),
    Tissue.CENTRAL_CANAL: (   800,  500,  550,  450,  600,  900,   400,   450),
    Tissue.SALINE:        (  1000,  900,  250,  150, 1000, 1000,    80,   290),
    Tissue.FOMBLIN:       (    15,   15,  150,   15,   15,   15,    15,    15),
}  # fmt: skip


def signals(contrast: str, gm_wm_ratio: float | None = None) -> NDArray[np.float32]:
    """Return the signal of every tissue, in the order of `Tissue`.

    Parameters
    ----------
    contrast : str
        One of `CONTRASTS`.
    gm_wm_ratio : float, optional
        Signal of gray over that of white matter, in place of the table's.

    Returns
    -------
    (tissues,) float32
        Arbitrary units.

    Raises
    ------
    ConfigError
        If there is no such contrast.
    """
    if contrast not in CONTRASTS:
        msg = f"contrast {contrast!r} is unknown; choose one of {', '.join(CONTRASTS)}"
        raise ConfigError(msg)
    column = CONTRASTS.index(contrast)
    values = np.array([_SIGNAL[tissue][column] for tissue in Tissue], np.float32)
    if gm_wm_ratio is not None:
        factor = gm_wm_ratio * values[Tissue.WHITE_MATTER] / values[Tissue.GRAY_MATTER]
        values[[Tissue.GRAY_MATTER, Tissue.GELATINOSA]] *= factor
    return values
