"""Faults in what is measured along cords, and in cords that are laid on each other."""

from experiments.mutations.fault import faults_in

CORDS = (
    *faults_in(
        "measurement/centerline.py",
        "measurement/test_measure.py",
        (
            "the line of a slice far from all others is lost in rounding",
            "(_slope(away, place - place[index], weight) for place in (x, y))",
            "(_slope(s, place, weight) for place in (x, y))",
        ),
        (
            "thick slices are smoothed as thin ones",
            "max(SMOOTHING_MM, plane.distance_mm)",
            "SMOOTHING_MM",
        ),
    ),
    *faults_in(
        "measurement/slices.py",
        "measurement/test_measure.py",
        (
            "areas by probability are not corrected for the angle",
            "pixel = abs(float(np.linalg.det(self._to_mm)))",
            "pixel = self._structures.stack.pixel_area_mm2",
        ),
    ),
    *faults_in(
        "measurement/profile.py",
        None,
        (
            "the angle of the lower slice counts alone",
            "between = (steps[1:] + steps[:-1]) / 2",
            "between = steps[:-1]",
        ),
    ),
    *faults_in(
        "measurement/masks.py",
        "measurement/test_masks.py",
        ("a probability of a half does not count", "_MASK_FROM = 0.5", "_MASK_FROM = 0.500001"),
    ),
    *faults_in(
        "measurement/levels.py",
        None,
        (
            "levels may run the wrong way",
            "if level_number(above, kind) > level_number(below, kind):",
            "if False:",
        ),
    ),
    *faults_in(
        "measurement/level_image.py",
        "measurement/test_levels.py",
        ("levels are taken for discs", "if second >= _SMALLEST_SURFACE_MM:", "if False:"),
        (
            "levels as surfaces may run the wrong way",
            "    require_order(found, meaning.kind, labels.name)\n",
            "",
        ),
    ),
    *faults_in(
        "measurement/controls.py",
        "measurement/test_norms.py",
        (
            "patients of another spelling are healthy",
            'return name.lower().removeprefix("sub-")',
            "return name",
        ),
        ("a list may be of other people", "if measured.isdisjoint(listed):", "if False:"),
        ("people in no list are not told", "if not missing:", "if True:"),
    ),
    *faults_in(
        "registration/along_cord.py",
        None,
        (
            "levels are laid on each other from the head down",
            "for name in reversed(levels)]",
            "for name in levels]",
        ),
    ),
    *faults_in(
        "registration/template.py",
        None,
        (
            "levels of a template are taken for discs",
            'return "vertebral" if show_surfaces(read_labels(levels)) else kind',
            "return kind",
        ),
    ),
    *faults_in(
        "registration/group.py",
        "cli/test_template.py",
        (
            "missing values are zeros",
            "else ~volume.missing",
            "else volume.missing == volume.missing",
        ),
        (
            "people on two templates are one group",
            " or _template(member) != _template(members[0]):",
            ":",
        ),
    ),
    *faults_in(
        "registration/group.py",
        None,
        ("equal people differ by rounding", "_ROUNDING = 1e-6", "_ROUNDING = 0.0"),
    ),
)
