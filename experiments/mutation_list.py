"""Faults that tests once did not notice: each is a promise of the program, broken."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """A text in a file of ``src/scgm`` and the wrong one that takes its place.

    Parameters
    ----------
    name : str
        What is broken.
    file : str
        Path below ``src/scgm``.
    old, new : str
        *old* stands in the file exactly once.
    tests : tuple of str
        Paths below ``tests`` that should notice; by default those that mirror the file.
    """

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...] = ()


_METRICS = ("evaluation/metrics/test_intensity.py",)
_PHANTOM = ("phantom/test_phantom.py",)
_GRAPH = ("networks/test_graph.py",)
_GSBME = ("segmenters/classical/test_gsbme.py",)
_VBEM = ("segmenters/classical/test_vbem.py",)

FAULTS: tuple[Fault, ...] = (
    Fault(
        "pyramid joined in another order",
        "networks/ddc.py",
        "*finer, mean, coarsest]",
        "*finer, coarsest, mean]",
        ("networks/test_networks.py",),
    ),
    Fault(
        "no smoothing along the cord",
        "networks/graph.py",
        "        probability = along_cord(probability, spacing[0])\n",
        "",
    ),
    Fault(
        "wider smoothing along the cord",
        "networks/graph.py",
        "ALONG_CORD_MM = 5.0",
        "ALONG_CORD_MM = 8.0",
    ),
    Fault("larger refinement radius", "networks/graph.py", "REFINE_MM = 4.5", "REFINE_MM = 6.0"),
    Fault("smaller refinement radius", "networks/graph.py", "REFINE_MM = 4.5", "REFINE_MM = 3.0"),
    Fault(
        "centroid by the map, not by its square",
        "networks/graph.py",
        "weight = cord * cord",
        "weight = cord",
    ),
    Fault(
        "least area of a cord",
        "networks/graph.py",
        "LEAST_CORD_MM2 = 5.0",
        "LEAST_CORD_MM2 = 4.0",
    ),
    Fault(
        "windows are not clipped",
        "networks/preparation.py",
        ".clamp(-CLIP, CLIP)",
        "",
        _GRAPH,
    ),
    Fault(
        "a half-covered corner is divided by too much",
        "networks/resampling.py",
        "share.clamp(min=0.25)",
        "share.clamp(min=0.5)",
    ),
    Fault(
        "no mirror images",
        "synthesis/deformation.py",
        "draw.chance(0.5, count), 1.0, -1.0)",
        "draw.chance(0.5, count), 1.0, 1.0)",
    ),
    Fault(
        "no bias field",
        "synthesis/acquisition.py",
        "(scanner.bias * draw.field(count, size, 2))",
        "(0 * draw.field(count, size, 2))",
    ),
    Fault(
        "no ghost",
        "synthesis/acquisition.py",
        "signal + strength * signal.roll",
        "signal + 0 * strength * signal.roll",
    ),
    Fault(
        "noise grows with the bandwidth",
        "synthesis/acquisition.py",
        "1 / (snr[:, None, None] * passed.sqrt())",
        "1 / snr[:, None, None]",
    ),
    Fault("no padded views", "synthesis/scenes.py", "PADDED = 0.4", "PADDED = 0.0"),
    Fault(
        "an empty slice counts as much as a full one",
        "synthesis/scenes.py",
        "ABSENT_WEIGHT = 0.35",
        "ABSENT_WEIGHT = 1.0",
    ),
    Fault(
        "no fine bends of painted windows",
        "synthesis/windows.py",
        "PAINTED = Deformation(elastic_cells=(3, 6, 12)",
        "PAINTED = Deformation(elastic_cells=(3, 6)",
        ("synthesis/test_deformation.py",),
    ),
    Fault(
        "no fine bends of real crops",
        "synthesis/windows.py",
        "elastic_mm=0.2, elastic_cells=(3, 6, 12)",
        "elastic_mm=0.2, elastic_cells=(3, 6)",
        ("synthesis/test_deformation.py",),
    ),
    Fault(
        "a half-covered corner of a window is divided by too much",
        "image/patches.py",
        "np.maximum(share, 0.25)",
        "np.maximum(share, 0.5)",
    ),
    Fault(
        "splines where the window is coarser",
        "image/patches.py",
        "if order > 1 and window_mm < min(pixel_mm):",
        "if order > 1:",
    ),
    Fault(
        "splines where the window is coarser along one axis",
        "image/patches.py",
        "window_mm < min(pixel_mm)",
        "window_mm < max(pixel_mm)",
    ),
    Fault(
        "the published window is not moved to whole pixels",
        "evaluation/metrics/intensity.py",
        "edge = round(",
        "edge = (",
        _METRICS,
    ),
    Fault(
        "no nerve roots beside the cord",
        "phantom/body.py",
        "return places + _bundle(",
        "return _bundle(",
        _PHANTOM,
    ),
    Fault(
        "no nerve roots beside the last segments",
        "phantom/body.py",
        "level.pitch < 26",
        "level.pitch < 99",
        _PHANTOM,
    ),
    Fault("nerve roots run up", "phantom/body.py", "(shift - z_mm", "(shift + z_mm", _PHANTOM),
    Fault(
        "no discs",
        "phantom/body.py",
        "Tissue.DISC if in_disc else",
        "Tissue.BONE_CORTEX if in_disc else",
        _PHANTOM,
    ),
    Fault("thick discs", "phantom/body.py", "level.disc / 2", "level.disc", _PHANTOM),
    Fault(
        "mean of the windows' thresholds",
        "segmenters/classical/gsbme/method.py",
        "found[k] = np.median(",
        "found[k] = np.mean(",
        _GSBME,
    ),
    Fault(
        "median deviation taken for a standard deviation",
        "segmenters/classical/gsbme/shapes.py",
        "spread = 1.4826 * np.median",
        "spread = np.median",
        _GSBME,
    ),
    Fault(
        "noise of slices underestimated",
        "segmenters/classical/sct/intensities.py",
        "1.4826 * np.median(np.abs(curvature",
        "np.median(np.abs(curvature",
        ("segmenters/classical/test_sct.py",),
    ),
    Fault(
        "no anchor in the step of a warp",
        "segmenters/classical/vbem/deformation.py",
        "uphill -= settings.anchor * warp + settings.stiffness",
        "uphill -= settings.stiffness",
        _VBEM,
    ),
)
