"""Faults that the tests must notice: each breaks something that the program promises."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """A text in a file of ``src/scgm``, and the wrong text that replaces it.

    Parameters
    ----------
    name : str
        What is broken; by default the two texts.
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

    @property
    def title(self) -> str:
        """The name, or the first lines of the two texts."""
        return self.name or f"{self.old.strip().splitlines()[0]} -> {self.new.strip() or 'nothing'}"


_METRICS = ("evaluation/metrics/test_intensity.py",)
_PHANTOM = ("phantom/test_phantom.py",)
_GRAPH = ("networks/test_graph.py",)
_GSBME = ("segmenters/classical/test_gsbme.py",)
_VBEM = ("segmenters/classical/test_vbem.py",)

_SCIENCE: tuple[Fault, ...] = (
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

_EVALUATION: tuple[Fault, ...] = (
    Fault(
        "",
        "benchmark/plan.py",
        '"cord_given": method.cord_given and _cord_identity(case),',
        '"cord_given": method.cord_given,',
    ),
    Fault("", "benchmark/plan.py", "math.isfinite(self.timeout_s) and ", ""),
    Fault(
        "",
        "benchmark/model_selection.py",
        "any(site_key(case.site) in sites for sites in seen)",
        "all(site_key(case.site) in sites for sites in seen)",
    ),
    Fault("", "benchmark/model_selection.py", "or not all(seen):", "or not any(seen):"),
    Fault(
        "",
        "benchmark/model_selection.py",
        "if site_key(case.site) not in map(site_key, _sites(offers[path])):",
        "if case.site not in _sites(offers[path]):",
    ),
    Fault(
        "",
        "benchmark/report.py",
        "suspect.setdefault(job.label, []).append(not left_out)",
        "suspect.setdefault(job.label, []).append(False)",
    ),
    Fault("", "benchmark/scratch.py", "not _is_running(int(named[1]))", "False"),
    Fault("", "benchmark/scratch.py", "not _is_running(int(named[1]))", "True"),
    Fault("", "benchmark/parent.py", "while os.getppid() == parent:", "while True:"),
    Fault(
        "",
        "benchmark/parent.py",
        "ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)",
        "pass",
    ),
    Fault(
        "",
        "benchmark/workflow.py",
        "if os.path.lexists(self.path / name)",
        "if (self.path / name).exists()",
    ),
    Fault("", "benchmark/workflow.py", "while name in used:", "while False:"),
    Fault(
        "",
        "benchmark/worker.py",
        "warnings=np.array(found.volume.warnings, np.str_),",
        "warnings=np.array([], np.str_),",
    ),
    Fault("", "datasets/bids.py", 'rank = 1 if match["manual"] else 2', "rank = 1"),
    Fault(
        "",
        "datasets/bids.py",
        'rank = 1 if match["manual"] else 2',
        'rank = 2 if match["manual"] else 1',
    ),
    Fault(
        "",
        "datasets/bids.py",
        "_TISSUES[tissues[0].lower()], rater, 0)",
        "_TISSUES[tissues[0].lower()], rater, 3)",
    ),
    Fault(
        "", "datasets/table.py", "images.setdefault(image.resolve(),", "images.setdefault(image,"
    ),
    Fault("", "datasets/table.py", 'same = site_key if column == "site" else str', "same = str"),
    Fault("", "datasets/table.py", "except RuntimeError as error:", "except KeyError as error:"),
    Fault("", "datasets/case.py", "except csv.Error as error:", "except KeyError as error:"),
    Fault(
        "", "datasets/case.py", "spelled.setdefault(site_key(case.site), case.site)", "case.site"
    ),
    Fault("", "datasets/download.py", "if error.code == 416 and start:", "if error.code == 416:"),
    Fault("", "datasets/download.py", "if not os.path.lexists(target):", "if not target.exists():"),
    Fault("", "datasets/download.py", "if part.is_symlink():", "if False:"),
    Fault("", "datasets/download.py", "speed.check(len(block))", "pass"),
    Fault(
        "",
        "datasets/download.py",
        "partial(response.read1, _CHUNK)",
        "partial(response.read, _CHUNK)",
    ),
    Fault(
        "",
        "datasets/download.py",
        "if not _is_web_address(request.full_url, address):",
        "if False:",
    ),
    Fault(
        "",
        "datasets/download.py",
        'return "".join(letter if letter.isprintable() else " " for letter in text)',
        "return text",
    ),
    Fault(
        "",
        "evaluation/reading.py",
        "(3, 1, 1, 1)) - 0.5 + _ROUNDING_VOXELS",
        "(3, 1, 1, 1)) - 1 + _ROUNDING_VOXELS",
    ),
    Fault(
        "",
        "evaluation/reading.py",
        "(places >= -0.5 - _ROUNDING_VOXELS)",
        "(places >= 0 - _ROUNDING_VOXELS)",
    ),
    Fault("", "evaluation/compare.py", "{path.resolve() for path in paths}", "set(paths)"),
    Fault("", "evaluation/tables.py", '"; ".join(found.warnings),', '"",'),
)

_TRAINING: tuple[Fault, ...] = (
    Fault(
        "",
        "training/engine/learner.py",
        "self.stage.clip or math.inf",
        "self.stage.clip",
        ("training/test_learner.py",),
    ),
    Fault(
        "",
        "training/engine/learner.py",
        "min(self.stage.average, (step + 1) / (step + 10))",
        "self.stage.average",
        ("training/test_learner.py",),
    ),
    Fault(
        "",
        "training/engine/learner.py",
        "min(self.stage.average, (step + 1) / (step + 10))",
        "max(self.stage.average, (step + 1) / (step + 10))",
        ("training/test_learner.py",),
    ),
    Fault(
        "",
        "training/engine/stages.py",
        '0.0 if stage.loss == "dice" else 5.0',
        "5.0",
        ("training/test_stages.py",),
    ),
    Fault(
        "",
        "training/engine/stages.py",
        "        round_weights(finder)\n",
        "",
        ("training/test_checkpoints.py",),
    ),
    Fault(
        "",
        "training/engine/stages.py",
        "        round_weights(segmenter)\n",
        "",
        ("training/test_checkpoints.py",),
    ),
    Fault(
        "",
        "training/engine/checkpoints.py",
        "isinstance(layer, nn.Conv2d | nn.Linear)",
        "isinstance(layer, nn.Conv2d)",
        ("training/test_learner.py",),
    ),
    Fault(
        "",
        "training/engine/checkpoints.py",
        "layer.weight.half().float()",
        "layer.weight",
        ("training/test_learner.py",),
    ),
    Fault(
        "",
        "training/engine/checkpoints.py",
        "if values.is_floating_point() and not bool(values.isfinite().all()):",
        "if False:",
        ("training/test_checkpoints.py",),
    ),
    Fault(
        "",
        "training/data/cache.py",
        "status.st_size, status.st_mtime_ns",
        "status.st_size",
        ("training/test_cache.py",),
    ),
    Fault(
        "",
        "training/data/cache.py",
        "status.st_size, status.st_mtime_ns",
        "status.st_mtime_ns",
        ("training/test_cache.py",),
    ),
    Fault(
        "",
        "training/data/materials.py",
        "(config.seed, config.phantom_scans), config",
        "(config.phantom_scans,), config",
        ("training/test_cache.py",),
    ),
    Fault(
        "",
        "training/data/examples.py",
        "[:: stack.source.every, 0]",
        "[:, 0]",
        ("training/test_examples.py",),
    ),
    Fault(
        "",
        "training/data/examples.py",
        "weight=torch.full((count,), stack.source.weight / count)",
        "weight=torch.full((count,), 1 / count)",
        ("training/test_examples.py",),
    ),
    Fault(
        "",
        "training/data/examples.py",
        "stack.source.weight / len(kept)",
        "1 / len(kept)",
        ("training/test_examples.py",),
    ),
    Fault(
        "",
        "training/data/examples.py",
        "GM_TO_CORD_MM = 2.5",
        "GM_TO_CORD_MM = 2.0",
        ("training/test_examples.py",),
    ),
    Fault(
        "",
        "training/data/examples.py",
        "GM_TO_CORD_MM = 2.5",
        "GM_TO_CORD_MM = 3.0",
        ("training/test_examples.py",),
    ),
    Fault(
        "",
        "training/engine/compute.py",
        'return Compute(device, precision == "bfloat16")',
        "return Compute(device, False)",
        ("training/test_running.py",),
    ),
    Fault(
        "",
        "training/engine/run.py",
        "compute=choose(us.device, config.precision)",
        'compute=choose(us.device, "float32")',
        ("training/test_running.py",),
    ),
    Fault(
        "",
        "training/engine/files.py",
        "if expected is not None and expected != _checksum(tensors, facts):",
        "if False:",
        ("training/test_checkpoints.py",),
    ),
    Fault(
        "",
        "training/export.py",
        "if not difference <= TOLERANCE:",
        "if difference > TOLERANCE:",
        ("training/test_checkpoints.py",),
    ),
    Fault(
        "",
        "training/engine/start.py",
        "return site_key(source.site) in map(site_key, self.sites)",
        "return source.site in self.sites",
        ("training/test_checkpoints.py",),
    ),
    Fault(
        "",
        "training/engine/start.py",
        "if tensor.data_location == onnx.TensorProto.EXTERNAL:",
        "if False:",
        ("training/test_checkpoints.py",),
    ),
    Fault(
        "",
        "training/cross_validation.py",
        'safe_child(output, f"without-{site}", "site")',
        'output / f"without-{site}"',
        ("training/test_cross_validation.py",),
    ),
    Fault(
        "",
        "training/cross_validation.py",
        'return SEEN[row.get("seen_by_start", False)]',
        'return "no"',
        ("training/test_cross_validation.py",),
    ),
    Fault(
        "",
        "training/engine/losses.py",
        "entropy_weight: float = 5.0",
        "entropy_weight: float = 4.0",
        ("training/test_golden.py",),
    ),
    Fault(
        "",
        "training/engine/estimate.py",
        "    with torch.random.fork_rng(devices):",
        "    if True:",
        ("training/test_estimate.py",),
    ),
)

FAULTS = _SCIENCE + _EVALUATION + _TRAINING
