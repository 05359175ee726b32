"""The surroundings of the cord in the body: canal, spine, muscles, vessels, airway, skin.

Coordinates as for the cord: mm from its center, x right, y to the front. Positions are typical for
an adult in supine position; random differences are drawn once for a person.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scgm.phantom.cord import CordSection
from scgm.phantom.levels import SEGMENTS, Level, segment_index
from scgm.phantom.shapes import Plane, Point, bent, capsule, ellipse, union
from scgm.phantom.tissues import Tissue

Labels = NDArray[np.uint8]

_NECK_SAC_LIFT_MM, _SAC_LIFT_MM = 2.4, 0.6  # the sac is flat in front
_DURA_MM = 0.3
_ROOT_FALL_MM = 12.0  # descent of a root through the sac


@dataclass(frozen=True, slots=True, eq=False)
class Body:
    """The surroundings of one person's cord.

    Parameters
    ----------
    neck : bool
        A neck with airway; otherwise a trunk, with lungs where *lungs* is set.
    lungs : bool
        Whether lungs lie beside the spine.
    phases : (5,) float32
        Angles that determine the positions of the sheets between muscles.
    moves : (12, 2) float32
        Displacements of vessels and roots from their usual positions, in mm.
    strands : (28, 2) float32
        Positions of descending roots: share of the half turn behind the cord, and of the distance
        from the cord to the dura.
    """

    neck: bool
    lungs: bool
    phases: NDArray[np.float32]
    moves: NDArray[np.float32]
    strands: NDArray[np.float32]

    @classmethod
    def draw(cls, region: str, rng: np.random.Generator) -> Body:
        """Draw the surroundings that go with a region."""
        segment = segment_index(region)
        return cls(
            neck=segment <= SEGMENTS.index("C8"),
            lungs=SEGMENTS.index("T1") <= segment <= SEGMENTS.index("T10"),
            phases=rng.uniform(0, 2 * np.pi, 5).astype(np.float32),
            moves=np.clip(rng.standard_normal((12, 2)), -2, 2).astype(np.float32),
            strands=rng.uniform(0, 1, (28, 2)).astype(np.float32),
        )

    def paint(self, labels: Labels, x: Plane, y: Plane, level: Level, z_mm: float) -> None:
        """Set the labels of all points but the spinal canal's, in place."""
        self._paint_outside(labels, x, y)
        (self._paint_neck if self.neck else self._paint_trunk)(labels, x, y)
        self._paint_spine(labels, x, y, level, z_mm)

    def paint_canal(
        self, labels: Labels, x: Plane, y: Plane, level: Level, sac: tuple[float, float]
    ) -> None:
        """Set the labels of the canal, in place: fat, dura, fluid; *sac* is its half size."""
        lift_mm = _NECK_SAC_LIFT_MM if self.neck else _SAC_LIFT_MM
        straight = bent(x, y - level.sac_y, lift_mm, sac[0])
        depth = ellipse(x, straight, (0, 0), sac)
        canal = depth - _DURA_MM - 0.4
        if not self.neck:
            place = (0, level.sac_y - 0.6 * sac[1])
            behind = ellipse(x, y, place, (0.55 * sac[0], 0.7 * sac[1]))
            canal = union(canal, behind, 2.0)
        labels[canal < 0] = Tissue.FAT
        labels[depth < _DURA_MM] = Tissue.DURA
        labels[depth < 0] = Tissue.CSF

    def roots(self, section: CordSection | None, level: Level, z_mm: float) -> list[Point]:
        """Return the positions of nerve roots at a height; they run outwards and down."""
        width, depth = (section.half_width, section.half_depth) if section else (1.0, 1.0)
        places = []
        for side in (-1, 1):
            for number, front in enumerate((0.75, -0.7)):
                start = 0.8 * width + 0.4, front * depth
                end = 0.95 * level.sac[0], 0.4 * front * depth + 0.8
                for rootlet in (0.0, 0.5):
                    shift = float(self.moves[2 * number + (side > 0), 0]) + rootlet
                    along = (shift - z_mm / _ROOT_FALL_MM) % 1.0
                    px, py = (a + along * (b - a) for a, b in zip(start, end, strict=True))
                    places.append((side * px, py))
        if section is None:
            return _sediment(level, self.strands)
        return places + _bundle(level, width, depth, self.strands)

    def _paint_outside(self, labels: Labels, x: Plane, y: Plane) -> None:
        """Air, skin, fat under the skin, and muscle with sheets of fascia."""
        if self.neck:
            size = 1 + 0.04 * float(self.moves[10, 0])
            nape = ellipse(x, y, (0, -6), (62 * size, 45 * size))
            throat = ellipse(x, y, (0, 24), (50 * size, 42 * size))
            depth = union(nape, throat, 20.0)
            fat_mm = 4.0 - 0.03 * y
        else:
            depth = ellipse(x, y, (0, 52), (165, 112))
            fat_mm = np.full_like(y, 11.0)
        labels[:] = Tissue.AIR
        labels[depth < 0] = Tissue.SKIN
        labels[depth < -1.8] = Tissue.FAT
        muscle = depth < -1.8 - fat_mm
        labels[muscle] = Tissue.MUSCLE
        part = labels[muscle]
        part[self._sheets(x[muscle], y[muscle])] = Tissue.FASCIA
        labels[muscle] = part

    def _sheets(self, x: Plane, y: Plane) -> NDArray[np.bool_]:
        """Mark points between muscles: layers around the spine, and walls across them."""
        sway = np.sin(y / 9 + self.phases[0])
        side = np.abs(x + 2.4 * sway)
        behind = y + 4 + 3.2 * np.sin(x / 9 + self.phases[1])
        away = np.sqrt(side * side + 1.3 * behind * behind)
        turn = np.arctan2(behind, side)
        rings = (away + 6.0 * np.sin(2.0 * turn + self.phases[2])) / 15.0
        layer = np.floor(rings)
        across = np.mod(turn + 2.4 * layer + self.phases[3], 1.1) * away
        sheets = (rings - layer < 0.05) | ((across < 0.75) & (away > 12))
        # Sheets are not visible everywhere.
        faint = np.sin(0.21 * x + 0.13 * y + self.phases[4]) < -0.35
        middle = (np.abs(x + 0.8 * sway) < 0.6) & (behind < 0)
        return np.asarray((sheets & ~faint) | middle)

    def _paint_neck(self, labels: Labels, x: Plane, y: Plane) -> None:
        """Gullet, windpipe, vessels."""
        labels[ellipse(x, y, (0, 44), (20, 13)) < 0] = Tissue.MUSCLE
        labels[ellipse(x, y, (0, 39), (9.5, 6.5)) < 0] = Tissue.FASCIA
        labels[ellipse(x, y, (0, 39), (8.3, 5.4)) < 0] = Tissue.AIR
        for side in (-1, 1):
            for number, (place, radius) in enumerate(
                (((29, 24), 3.0), ((36, 20), 4.4), ((25, 31), 1.8), ((43, 8), 1.6))
            ):
                center = _moved(place, side, self.moves[2 * number + (side > 0)])
                depth = ellipse(x, y, center, (radius, radius * 0.9))
                labels[depth < 0.8] = Tissue.FASCIA
                labels[depth < 0] = Tissue.VESSEL

    def _paint_trunk(self, labels: Labels, x: Plane, y: Plane) -> None:
        """Lungs or fat in front of the spine, aorta, ribs or kidneys' fat beside it."""
        labels[ellipse(x, y, (0, 62), (128, 66)) < 0] = Tissue.FAT
        if self.lungs:
            for side in (-1, 1):
                labels[ellipse(x, y, (side * 76, 48), (55, 62)) < 0] = Tissue.AIR
                rib = capsule(x, y, (side * 20, -2), (side * 95, -25), (4, 4))
                labels[rib < 0] = Tissue.BONE_CORTEX
                labels[rib < -1.3] = Tissue.BONE_MARROW
        else:
            for side in (-1, 1):
                labels[ellipse(x, y, (side * 34, 22), (15, 19)) < 0] = Tissue.MUSCLE
        labels[ellipse(x, y, _moved((14, 44), -1, self.moves[4]), (10.5, 10)) < 0] = Tissue.VESSEL

    def _paint_spine(self, labels: Labels, x: Plane, y: Plane, level: Level, z_mm: float) -> None:
        """Vertebra with its arch, or disc with the joints behind it."""
        near = (np.abs(x) < 2.2 * level.vertebra[0]) & (y < 60) & (y > -45)
        px, py = x[near], y[near]
        part = labels[near]
        bone = np.minimum(
            _arch(px, py, level, neck=self.neck), _joints(px, py, level, neck=self.neck)
        )
        part[bone < 0] = Tissue.BONE_CORTEX
        part[bone < -2.2] = Tissue.BONE_MARROW
        half_width, half_depth = level.vertebra
        middle = level.sac_y + level.sac[1] + 1.0 + half_depth
        hollow = bent(px, py - middle, -2.6, half_width)
        body = ellipse(px, hollow, (0, 0), (half_width, half_depth))
        in_disc = abs(z_mm % level.pitch - level.pitch / 2) < level.disc / 2
        part[body < 0.6] = Tissue.FASCIA
        part[body < 0] = Tissue.DISC if in_disc else Tissue.BONE_CORTEX
        if not in_disc:
            part[body < -1.2] = Tissue.BONE_MARROW
        if self.neck:
            self._paint_foramina(part, px, py, level)
        labels[near] = part

    def _paint_foramina(self, labels: Labels, x: Plane, y: Plane, level: Level) -> None:
        """Vertebral arteries and the ganglia beside them."""
        for side in (-1, 1):
            move = self.moves[8 + (side > 0)]
            outer = level.vertebra[0] + 4.0
            artery = ellipse(x, y, _moved((outer, 11.5), side, 0.5 * move), (2.4, 2.4))
            labels[artery < 0.9] = Tissue.FASCIA
            labels[artery < 0] = Tissue.VESSEL
            ganglion = ellipse(x, y, _moved((outer - 0.5, 6.2), side, 0.3 * move), (3.0, 2.2))
            labels[ganglion < 0.8] = Tissue.FAT
            labels[ganglion < 0] = Tissue.NERVE_ROOT


def _moved(place: Point, side: int, move: NDArray[np.float32]) -> Point:
    """Return a place on one side of the body, moved by some mm."""
    return side * place[0] + float(move[0]), place[1] + float(move[1])


def paint_roots(labels: Labels, x: Plane, y: Plane, places: list[Point]) -> None:
    """Set the labels of nerve roots at some places, in place, but only in the fluid."""
    fluid = labels == Tissue.CSF
    part, px, py = labels[fluid], x[fluid], y[fluid]
    for place in places:
        part[ellipse(px, py, place, (0.55, 0.45)) < 0] = Tissue.NERVE_ROOT
    labels[fluid] = part


def _arch(x: Plane, y: Plane, level: Level, *, neck: bool) -> Plane:
    """Laminae and spinous process."""
    side = np.abs(x)
    back = level.sac_y - level.sac[1]
    tip = back - (20 if neck else 30)
    start = level.sac[0] + (5.5 if neck else 3.0), level.sac_y - 1.0
    lamina = capsule(side, y, start, (0.0, back - (3.4 if neck else 5.0)), (2.8, 3.2))
    process = capsule(side, y, (0.0, back - 6), (2.0 if neck else 0.5, tip), (2.6, 2.2))
    return union(lamina, process, 2.0)


def _joints(x: Plane, y: Plane, level: Level, *, neck: bool) -> Plane:
    """Articular masses, and outside the neck transverse processes."""
    side = np.abs(x)
    inner = level.sac[0] + (3.5 if neck else 2.5)
    mass = capsule(side, y, (inner + 4, 0.5), (inner + (11 if neck else 6), 0.5), (4.6, 5.0))
    if neck:
        return mass
    process = capsule(side, y, (inner + 4, 0), (inner + 24, -6), (4.0, 3.0))
    pedicle = capsule(side, y, (inner + 2, 0), (inner + 2, level.sac[1] + 4), (3.2, 3.2))
    return np.minimum(np.minimum(mass, process), pedicle)


def _sediment(level: Level, strands: NDArray[np.float32]) -> list[Point]:
    """Return the positions of roots below the cord: they lie behind, as people lie on their back.

    How thick their layer is follows from the strands: from a third of the sac to most of it.
    """
    thickness = 0.35 + 0.4 * float(strands[0, 0])
    places = [(0.0, level.sac_y - 0.3 * level.sac[1])]  # the end thread
    for copy in range(3):
        for across, up in np.roll(strands, copy, axis=1).tolist():
            x = (2 * ((across + copy / 3) % 1.0) - 1) * 0.86 * level.sac[0]
            reach = level.sac[1] * float(np.sqrt(1 - (x / level.sac[0]) ** 2))
            y = level.sac_y - reach + 0.6 + 2 * reach * thickness * ((up + copy / 3) % 1.0) ** 1.5
            places.append((x, y))
    return places


def _bundle(level: Level, width: float, depth: float, strands: NDArray[np.float32]) -> list[Point]:
    """Return the positions of descending roots: none in the neck, many beside the last segments."""
    if level.pitch < 26:
        return []
    places = []
    for turn, outwards in strands.tolist():
        away_x = width + 0.8 + outwards * max(level.sac[0] - width - 1.6, 0)
        away_y = depth + 0.8 + outwards * max(level.sac[1] - depth - 1.6, 0)
        angle = np.pi * (1.05 * turn - 0.025)
        places.append((away_x * float(np.cos(angle)), 0.6 - away_y * float(np.sin(angle))))
    return places
