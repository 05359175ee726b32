"""Who may import whom, and what a start must not cost; drawn in docs/architecture.md."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import scgm

PACKAGE = Path(scgm.__file__).parent

# What each part may import of ours, beside `errors`, `version` and `home`, which all may.
ALLOWED: dict[str, set[str]] = {
    "errors": set(),
    "version": set(),
    "home": set(),
    "volume": set(),
    "nifti": {"volume"},
    "axial": {"volume"},
    "windows": set(),
    "atlases": {"axial", "nifti", "datasets", "windows"},
    "classical": {"windows", "atlases", "datasets"},
    "segmenters": {"axial", "models", "networks", "windows", "atlases", "classical"},
    "models": set(),
    "segmentation": {"volume", "nifti", "axial"},
    "confidence": set(),
    "pipeline": {"volume", "nifti", "axial", "segmenters", "segmentation", "confidence"},
    "measurements": {"volume", "segmentation"},
    "figures": {"segmentation", "axial"},
    "outputs": {"nifti", "segmentation", "measurements", "figures"},
    "metrics": set(),
    "raters": {"metrics"},
    "evaluation": {"volume", "nifti", "axial", "metrics", "raters"},
    "benchmark": {
        *("nifti", "axial", "models", "segmenters", "segmentation", "pipeline"),
        *("metrics", "raters", "datasets", "figures", "atlases"),
    },
    "datasets": {"volume", "nifti", "axial"},
    "phantom": {"volume"},
    "networks": set(),
    "synthesis": {"networks", "nifti", "axial"},
    "training": {
        *("networks", "synthesis", "axial", "nifti", "metrics", "phantom", "datasets", "models"),
    },
}
EVERYTHING = {"cli", "__init__", "__main__"}
# Modules with a shared first word are one part: nifti_bytes belongs to nifti.
WITHIN = {"nifti_bytes": "nifti", "nifti_header": "nifti"}
# A result saves, measures and draws itself through modules that stand on it.
METHODS_OF_A_RESULT = {"segmentation": {"measurements", "outputs", "figures"}}

HEAVY = ("torch", "pandas", "SimpleITK", "matplotlib", "fastapi", "h5py", "skimage")
MODULES = sorted(PACKAGE.rglob("*.py"))


def part(name: str) -> str:
    """Return the part of the package that a module belongs to, as "segmenters"."""
    return WITHIN.get(name, name)


def imports(tree: ast.AST, *, inside_functions: bool) -> Iterator[str]:
    """Name the modules that are imported when a module is loaded, or when its functions run."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            if inside_functions:
                yield from imports(node, inside_functions=True)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        else:
            yield from imports(node, inside_functions=inside_functions)


def ours(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = (name.split(".") for name in imports(tree, inside_functions=True))
    return {part(name[1]) for name in names if name[0] == "scgm"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_arrows_point_one_way(path: Path) -> None:
    own = part(path.relative_to(PACKAGE).parts[0].removesuffix(".py"))
    if own in EVERYTHING:
        return
    allowed = (
        ALLOWED[own] | {own, "errors", "version", "home"} | METHODS_OF_A_RESULT.get(own, set())
    )

    assert ours(path) <= allowed


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_are_absolute(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))

    assert not any(isinstance(node, ast.ImportFrom) and node.level for node in ast.walk(tree))


@pytest.mark.parametrize("name", ["torch", "matplotlib", "nibabel", "onnxruntime", "typer", "rich"])
def test_each_library_has_its_place(name: str) -> None:
    places = {
        "torch": {"networks", "synthesis", "training"},
        "matplotlib": {"figures", "benchmark"},
        "nibabel": {"nifti"},
        "onnxruntime": {"segmenters", "training"},
        "typer": {"cli"},
        "rich": {"cli"},
    }

    users = {
        part(path.relative_to(PACKAGE).parts[0].removesuffix(".py"))
        for path in MODULES
        for module in imports(ast.parse(path.read_text("utf-8")), inside_functions=False)
        if module.split(".")[0] == name
    }

    assert users <= places[name]


def loaded_by(program: str, *names: str) -> set[str]:
    """Run a program in a fresh Python; return which of *names* it has imported at the end."""
    code = f"import sys\n{program}\nprint(*(set(sys.modules) & set({names!r})), file=sys.stderr)"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    return set(run.stderr.split())


def test_importing_the_package_loads_nothing() -> None:
    names = (*HEAVY, "numpy", "scipy", "nibabel", "onnxruntime", "pydantic", "typer", "rich")

    assert loaded_by("import scgm", *names) == set()


@pytest.mark.parametrize("command", ["", "segment", "demo", "models"])
def test_help_loads_neither_numpy_nor_its_users(command: str) -> None:
    program = f"""
from scgm.cli.main import main
try:
    main({[command, "--help"] if command else ["--help"]!r})
except SystemExit as end:
    assert end.code == 0
"""
    names = (*HEAVY, "numpy", "scipy", "nibabel", "onnxruntime")

    assert loaded_by(program, *names) == set()


def test_segmenting_loads_nothing_heavy() -> None:
    program = "import scgm.pipeline, scgm.outputs, scgm.segmenters.onnx_model"

    assert loaded_by(program, *HEAVY, "scipy.ndimage", "scipy.sparse") == set()
