"""Faults in the methods and their networks."""

from experiments.mutations.fault import faults_in

METHODS = (
    *faults_in(
        "segmenters/base.py",
        "segmentation/test_hints.py",
        (
            "gray matter leaves the user's mask",
            "most = np.ones(len(self.gm)) if cord is None else cord",
            "most = np.ones(len(self.gm))",
        ),
    ),
    *faults_in(
        "networks/ddc.py",
        "networks/test_networks.py",
        ("pyramid joined in another order", "*finer, mean, coarsest]", "*finer, coarsest, mean]"),
    ),
    *faults_in(
        "networks/graph.py",
        None,
        (
            "no smoothing along the cord",
            "        probability = along_cord(probability, spacing[0])\n",
            "",
        ),
        ("wider smoothing along the cord", "ALONG_CORD_MM = 5.0", "ALONG_CORD_MM = 8.0"),
        ("larger refinement radius", "REFINE_MM = 4.5", "REFINE_MM = 6.0"),
        ("smaller refinement radius", "REFINE_MM = 4.5", "REFINE_MM = 3.0"),
        ("centroid by the map, not by its square", "weight = cord * cord", "weight = cord"),
        ("presence is not corrected", "present + absent / ABSENT_WEIGHT", "present + absent"),
        ("least area of a cord", "LEAST_CORD_MM2 = 5.0", "LEAST_CORD_MM2 = 4.0"),
    ),
    *faults_in(
        "networks/preparation.py",
        "networks/test_graph.py",
        ("windows are not clipped", ".clamp(-CLIP, CLIP)", ""),
    ),
    *faults_in(
        "networks/resampling.py",
        None,
        (
            "a half-covered corner is divided by too much",
            "share.clamp(min=0.25)",
            "share.clamp(min=0.5)",
        ),
    ),
    *faults_in(
        "segmenters/classical/gsbme/method.py",
        "segmenters/classical/test_gsbme.py",
        ("mean of the windows' thresholds", "found[k] = np.median(", "found[k] = np.mean("),
    ),
    *faults_in(
        "segmenters/classical/gsbme/shapes.py",
        "segmenters/classical/test_gsbme.py",
        (
            "median deviation taken for a standard deviation",
            "spread = 1.4826 * np.median",
            "spread = np.median",
        ),
    ),
    *faults_in(
        "segmenters/classical/sct/intensities.py",
        "segmenters/classical/test_sct.py",
        (
            "noise of slices underestimated",
            "1.4826 * np.median(np.abs(curvature",
            "np.median(np.abs(curvature",
        ),
    ),
    *faults_in(
        "segmenters/classical/vbem/deformation.py",
        "segmenters/classical/test_vbem.py",
        (
            "no anchor in the step of a warp",
            "uphill -= settings.anchor * warp + settings.stiffness",
            "uphill -= settings.stiffness",
        ),
    ),
    *faults_in(
        "segmenters/onnx.py",
        "segmenters/test_onnx.py",
        ("any number of slices is taken", "if values.shape != expected:", "if False:"),
        (
            "a center outside of the image is believed",
            "results[2] = _within(results[2], slices.shape)",
            "pass",
        ),
        ("centers are given to other slices", "centre[seen])", "centre[own])"),
        (
            "chunks see none of their neighbors",
            "context = min(wanted, (most - 1) // 3)",
            "context = 0",
        ),
    ),
    *faults_in(
        "segmenters/runtime.py",
        "segmenters/test_runtime.py",
        ("telemetry is on", 'os.environ["ORT_DISABLE_TELEMETRY"] = "1"', "pass"),
        ("more threads than processors", "min(int(digits), processors())", "int(digits)"),
        (
            "too little memory is a bad graph",
            '("allocate", "bad_alloc", "bad allocation", "out of memory")',
            "()",
        ),
        (
            "the processor in place of CUDA",
            'if device == "cuda" and session.get_providers()[0] != "CUDAExecutionProvider":',
            "if False:",
        ),
    ),
    *faults_in(
        "segmenters/presence.py",
        "segmenters/test_presence.py",
        ("presence does not count", "MIN_PRESENCE = 0.5", "MIN_PRESENCE = 0.0"),
        (
            "the end of a cord needs as little as its middle",
            "np.where(surely, place, -most - 1)",
            "np.where(surely, place, 0)",
        ),
        (
            "slices far from the cord need as little as those within",
            "BETWEEN_MM = 30.0",
            "BETWEEN_MM = 36.0",
        ),
        (
            "between two slices nothing is needed",
            "(after - before <= most) & (presence >= between)",
            "(after - before <= most)",
        ),
    ),
    *faults_in(
        "segmenters/within_cord.py",
        "segmenters/test_within_cord.py",
        ("slices without a cord are shown", "present & (cord", "(cord"),
        ("faint values move the window", "centroids(cord[index] ** 2)", "centroids(cord[index])"),
        (
            "the method's cord replaces the user's",
            "marked.cord is not None and not given",
            "marked.cord is not None",
        ),
        (
            "marks land in other slices",
            "values[index] = put_back(",
            "values[: len(index)] = put_back(",
        ),
    ),
)
