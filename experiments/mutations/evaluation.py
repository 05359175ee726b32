"""Faults in data sets, metrics and benchmarks."""

from experiments.mutations.fault import faults_in

EVALUATION = (
    *faults_in(
        "evaluation/metrics/overlap.py",
        None,
        (
            "Dice counts false negatives twice",
            "share(2 * n.tp, 2 * n.tp + n.fp + n.fn,",
            "share(2 * n.tp, 2 * n.tp + n.fp + 2 * n.fn,",
        ),
        (
            "two empty masks do not conform",
            "return 1.0 if n.both_empty else -math.inf",
            "return -math.inf",
        ),
        ("precision is sensitivity", "n.tp + n.fp, both_empty", "n.tp + n.fn, both_empty"),
    ),
    *faults_in(
        "evaluation/metrics/surface.py",
        None,
        ("the tolerance itself is too far", "tolerance_mm + _ROUNDING_MM", "tolerance_mm - 1e-9"),
        (
            "percentiles of pooled distances",
            "max(np.percentile(there, 95), np.percentile(back, 95))",
            "np.percentile(distances.pooled, 95)",
        ),
        (
            "the direction with more points counts more",
            "(there.mean() + back.mean()) / 2",
            "distances.pooled.mean()",
        ),
    ),
    *faults_in(
        "evaluation/metrics/calibration.py",
        None,
        ("one bin less", "BINS = 15", "BINS = 14"),
        ("bins count alike", "(bins.count[filled] * gaps).sum() / total", "gaps.mean()"),
        (
            "soft Dice of squares",
            "predicted.sum() + true.sum()",
            "predicted @ predicted + true.sum()",
        ),
    ),
    *faults_in(
        "evaluation/metrics/case.py",
        None,
        (
            "slices without the structure are missed",
            '"n_missed": int((in_reference & ~in_prediction)',
            '"n_missed": int((~in_prediction)',
        ),
        (
            "areas of a sheared grid are too large",
            "spacing[1] * spacing[2] if pixel_area_mm2 is None else pixel_area_mm2",
            "spacing[1] * spacing[2]",
        ),
    ),
    *faults_in(
        "evaluation/metrics/summary.py",
        "evaluation/metrics/test_case.py",
        (
            "cases of one summary may be scored in different ways",
            "if len({(case.mode, case.tolerance_mm) for case in rows}) != 1:",
            "if not rows:",
        ),
    ),
    *faults_in(
        "evaluation/metrics/intensity.py",
        "evaluation/metrics/test_intensity.py",
        ("the published window is not moved to whole pixels", "edge = round(", "edge = ("),
    ),
    *faults_in(
        "benchmark/plan.py",
        None,
        (
            "the cord file is not part of what names a result",
            '"cord_given": method.cord_given and _cord_identity(case),',
            '"cord_given": method.cord_given,',
        ),
        ("a timeout may be infinite", "math.isfinite(self.timeout_s) and ", ""),
    ),
    *faults_in(
        "benchmark/model_selection.py",
        None,
        (
            "one of two models has seen the site: not said",
            "any(site_key(case.site) in sites for sites in seen)",
            "all(site_key(case.site) in sites for sites in seen)",
        ),
        (
            "some models have not seen the site: said of all",
            "or not all(seen):",
            "or not any(seen):",
        ),
        (
            "sites are told apart by their spelling",
            "if site_key(case.site) not in map(site_key, [*_sites(card), *_deciding_sites(card)]):",
            "if case.site not in [*_sites(card), *_deciding_sites(card)]:",
        ),
    ),
    *faults_in(
        "benchmark/report.py",
        None,
        (
            "cases in doubt count as if they were sound",
            "suspect.setdefault(job.label, []).append(not left_out)",
            "suspect.setdefault(job.label, []).append(False)",
        ),
    ),
    *faults_in(
        "benchmark/scratch.py",
        None,
        ("a living process's scratch folder is removed", "not _is_running(int(named[1]))", "False"),
        ("a dead process's scratch folder stays", "not _is_running(int(named[1]))", "True"),
    ),
    *faults_in(
        "io/parent.py",
        None,
        (
            "a worker outlives its parent where nothing but polling tells",
            "while os.getppid() == parent:",
            "while True:",
        ),
        (
            "a worker outlives its parent",
            "ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)",
            "pass",
        ),
    ),
    *faults_in(
        "benchmark/workflow.py",
        None,
        (
            "a dangling link is overwritten",
            "if os.path.lexists(self.path / name)",
            "if (self.path / name).exists()",
        ),
        ("two methods write into one folder", "while name in used:", "while False:"),
    ),
    *faults_in(
        "benchmark/worker.py",
        None,
        (
            "warnings of a worker are lost",
            "warnings=np.array(found.volume.warnings, np.str_),",
            "warnings=np.array([], np.str_),",
        ),
    ),
    *faults_in(
        "datasets/bids.py",
        None,
        (
            "manual labels come no earlier than others",
            'rank = 1 if match["manual"] else 2',
            "rank = 1",
        ),
        (
            "manual labels come last",
            'rank = 1 if match["manual"] else 2',
            'rank = 2 if match["manual"] else 1',
        ),
        (
            "labels of a rater come last",
            "_TISSUES[tissues[0].lower()], rater, 0)",
            "_TISSUES[tissues[0].lower()], rater, 3)",
        ),
    ),
    *faults_in(
        "datasets/table.py",
        None,
        (
            "one image under two paths is two cases",
            "images.setdefault(image.resolve(),",
            "images.setdefault(image,",
        ),
        (
            "a site has as many names as spellings",
            'same = site_key if column == "site" else str',
            "same = str",
        ),
        (
            "a loop of links is a fault of the program",
            "except RuntimeError as error:",
            "except KeyError as error:",
        ),
    ),
    *faults_in(
        "datasets/case.py",
        "datasets/test_table.py",
        (
            "a table that is no CSV is a fault of the program",
            "except csv.Error as error:",
            "except KeyError as error:",
        ),
    ),
    *faults_in(
        "datasets/case.py",
        None,
        (
            "a map of several labels is a mask",
            "if value is None and len(held) > 1:",
            "if False:",
        ),
        (
            "sites of a data set are spelled differently",
            "spelled.setdefault(site_key(case.site), case.site)",
            "case.site",
        ),
    ),
    *faults_in(
        "datasets/download.py",
        None,
        (
            "a range that was refused at the first byte is asked for again",
            "if error.code == 416 and start:",
            "if error.code == 416:",
        ),
        (
            "a dangling link is downloaded onto",
            "if not os.path.lexists(target):",
            "if not target.exists():",
        ),
        ("a part that is a link is continued", "if part.is_symlink():", "if False:"),
        ("a slow server holds the download for ever", "speed.check(len(block))", "pass"),
        (
            "a block is waited for until it is full",
            "partial(response.read1, _CHUNK)",
            "partial(response.read, _CHUNK)",
        ),
        (
            "a server redirects to a file",
            "if not _is_web_address(request.full_url, address):",
            "if False:",
        ),
        (
            "control letters of a server reach the terminal",
            'return "".join(letter if letter.isprintable() else " " for letter in text)',
            "return text",
        ),
    ),
    *faults_in(
        "evaluation/reading.py",
        None,
        (
            "half a voxel outside is an edge to extrapolate",
            "(3, 1, 1, 1)) - 0.5 + _ROUNDING_VOXELS",
            "(3, 1, 1, 1)) - 1 + _ROUNDING_VOXELS",
        ),
        (
            "half a voxel at the edge is outside",
            "(places >= -0.5 - _ROUNDING_VOXELS)",
            "(places >= 0 - _ROUNDING_VOXELS)",
        ),
    ),
    *faults_in(
        "evaluation/compare.py",
        None,
        (
            "one file under two paths is compared with itself",
            "{path.resolve() for path in paths}",
            "set(paths)",
        ),
    ),
    *faults_in(
        "cli/commands/models.py",
        None,
        (
            "scores of what was seen are evidence",
            'return score.get("seen_by_start", False) is False and not score.get("decided", False)',
            "return True",
        ),
    ),
    *faults_in(
        "benchmark/model_selection.py",
        None,
        (
            "a model whose weights a site has chosen is new to it",
            "if case.site is not None and site_key(case.site) in deciding:",
            "if False:",
        ),
    ),
    *faults_in(
        "evaluation/tables.py",
        None,
        ("warnings are not in the table", '"; ".join(found.warnings),', '"",'),
    ),
)
