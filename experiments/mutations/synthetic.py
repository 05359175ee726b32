"""Faults in phantoms and in images that are made up for training."""

from experiments.mutations.fault import faults_in

SYNTHETIC = (
    *faults_in(
        "synthesis/deformation.py",
        None,
        (
            "no mirror images",
            "draw.chance(0.5, count), 1.0, -1.0)",
            "draw.chance(0.5, count), 1.0, 1.0)",
        ),
    ),
    *faults_in(
        "synthesis/acquisition.py",
        None,
        (
            "no bias field",
            "(scanner.bias * draw.field(count, size, 2))",
            "(0 * draw.field(count, size, 2))",
        ),
        ("no ghost", "signal + strength * signal.roll", "signal + 0 * strength * signal.roll"),
        (
            "noise grows with the bandwidth",
            "1 / (snr[:, None, None] * passed.sqrt())",
            "1 / snr[:, None, None]",
        ),
    ),
    *faults_in(
        "synthesis/scenes.py",
        None,
        ("no padded views", "PADDED = 0.4", "PADDED = 0.0"),
        ("no cord is taken out", "EMPTIED, FADED = 0.2, 0.2", "EMPTIED, FADED = 0.0, 0.2"),
        (
            "an empty slice counts as much as a full one",
            "ABSENT_WEIGHT * (share <= HIDDEN)",
            "1.0 * (share <= HIDDEN)",
        ),
        (
            "contrasts go on beyond the brightest value",
            ".clamp(0, 1) * (KNOTS",
            ".clamp(0, 4) * (KNOTS",
        ),
    ),
    *faults_in(
        "synthesis/canal.py",
        None,
        ("no roots", "there = lying &", "there = ~lying & lying &"),
        ("fluid fades at the border of the cord alone", "_grown(shown, FADED_PX) > 0", "shown > 0"),
        ("fluid is always bright", "torch.where(bright, high, low)", "high"),
        ("a cord like its fluid is taken out", "DISTINCT = 0.2", "DISTINCT = 0.0"),
        ("roots lie in front", "lying = up[", "lying = -up["),
    ),
    *faults_in(
        "synthesis/windows.py",
        "synthesis/test_deformation.py",
        (
            "no fine bends of painted windows",
            "PAINTED = Deformation(elastic_mm=0.45, elastic_cells=(3, 6, 12)",
            "PAINTED = Deformation(elastic_mm=0.45, elastic_cells=(3, 6)",
        ),
        (
            "no fine bends of real crops",
            "elastic_mm=0.2, elastic_cells=(3, 6, 12)",
            "elastic_mm=0.2, elastic_cells=(3, 6)",
        ),
    ),
    *faults_in(
        "phantom/body.py",
        "phantom/test_phantom.py",
        ("no nerve roots beside the cord", "return places + _bundle(", "return _bundle("),
        ("no nerve roots beside the last segments", "level.pitch < 26", "level.pitch < 99"),
        ("nerve roots run up", "(shift - z_mm", "(shift + z_mm"),
        ("no discs", "Tissue.DISC if in_disc else", "Tissue.BONE_CORTEX if in_disc else"),
        ("thick discs", "level.disc / 2", "level.disc"),
    ),
)
