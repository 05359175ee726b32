"""Faults in what segments many images."""

from experiments.mutations.fault import faults_in

COHORTS = (
    *faults_in(
        "cohort/derivatives.py",
        "cli/test_cohort.py",
        (
            "a changed image is not segmented again",
            "if sha256 != image_checksum(self.scan.image, self.choices.options.reading()):",
            "if False:",
        ),
        (
            "masks corrected by hand are segmented again",
            'return "done" if same else "edited"',
            'return "done" if same else ""',
        ),
        ("white matter is left out of the label map", "Label.WM: 2}", "Label.WM: 0}"),
        ("seconds are in the record", '            del record["seconds"]\n', ""),
    ),
    *faults_in(
        "cohort/scans.py",
        None,
        ("two contrasts share the names of masks", "if shared[derived[name]] > 1:", "if False:"),
        ("any entity may be in a mask's name", 'if token.partition("-")[0] in _KEPT]', "if token]"),
    ),
    *faults_in(
        "cohort/filters.py",
        None,
        ("a label may lead elsewhere", "if not is_safe_name(plain) or", "if"),
        ("all contrasts are wanted", "if filters.names_suffix:", "if True:"),
    ),
    *faults_in(
        "cohort/output_folder.py",
        "cli/test_cohort.py",
        (
            "results of other choices are mixed",
            "if earlier is not None and earlier != alike and not redo and _has_results(output):",
            "if False:",
        ),
        (
            "another program's folder is taken",
            'if not (output / DESCRIPTION).exists() and not any(output.glob("sub-*")):',
            "if True:",
        ),
        ("results may lie among the images", "    if output == data:\n", "    if False:\n"),
    ),
    *faults_in(
        "cohort/subject_tables.py",
        "cli/test_cohort.py",
        (
            "failures are not in the table",
            "            if failure is not None:\n",
            "            if False:\n",
        ),
        ("the mean is over one label of all", 'if row["label"] == label and', "if"),
    ),
    *faults_in(
        "cohort/pattern.py",
        "cohort/test_images.py",
        (
            "two files may share their results",
            "            if other != scan.source:\n",
            "            if False:\n",
        ),
        ("a pattern may leave the folder", 'set(parts) & {".", "..", "**"}', "False"),
    ),
    *faults_in(
        "cohort/group.py",
        "cli/test_cohort.py",
        (
            "done images are among the failures",
            'if line.split(b"\\t")[_STATE] == b"failed":',
            "if True:",
        ),
        (
            "an image whose session is called failed has failed",
            'if line.split(b"\\t")[_STATE] == b"failed":',
            'if b"\\tfailed\\t" in line:',
        ),
        ("a report shows the best images", "sorted(rows, key=oddness)[:most]", "rows[:most]"),
    ),
)
