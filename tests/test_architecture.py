"""Who may import whom, and what a start must not cost; drawn in docs/architecture.md."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import scgm

PACKAGE = Path(scgm.__file__).parent
PAGE = (Path(__file__).parents[1] / "docs" / "architecture.md").read_text(encoding="utf-8")

# What each package may import of ours, beside `errors` and `version`, which all may.
ALLOWED: dict[str, set[str]] = {
    "errors": set(),
    "version": set(),
    "image": set(),
    "io": {"image"},
    "artifacts": {"io"},
    "datasets": {"image", "io"},
    "networks": set(),
    "segmenters": {"image", "io", "artifacts", "datasets", "networks", "measurement"},
    "measurement": {"image", "io"},
    "segmentation": {"image", "io", "segmenters", "measurement"},
    "report": {"image", "io", "artifacts", "segmentation"},
    "cohort": {"image", "io", "datasets", "segmenters", "segmentation", "report"},
    "registration": {"image", "io", "measurement", "evaluation"},
    "evaluation": {"image", "io"},
    "benchmark": {
        *("image", "io", "artifacts", "datasets", "segmenters", "segmentation", "evaluation"),
    },
    "phantom": {"image"},
    "synthesis": {"networks"},
    "training": {
        *("image", "io", "artifacts", "datasets", "networks", "segmenters", "phantom"),
        *("segmentation", "synthesis"),
    },
    "studio": {
        *("image", "io", "artifacts", "segmenters", "segmentation", "report", "phantom"),
    },
}
EVERYTHING = {"cli", "__init__", "__main__"}

HEAVY = (
    *("torch", "pandas", "SimpleITK", "matplotlib", "starlette", "uvicorn", "h5py", "skimage"),
    *("pydicom", "highdicom"),
)
MODULES = sorted(PACKAGE.rglob("*.py"))


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


def package_of(path: Path) -> str:
    """Return the part of the package that a file belongs to, as "segmenters"."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def module_of(path: Path) -> str:
    """Return the dotted name of a file's module."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


def ours(path: Path) -> set[str]:
    """Return all that a file imports of ours, inside functions, too."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {name for name in imports(tree, inside_functions=True) if name.split(".")[0] == "scgm"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_arrows_point_one_way(path: Path) -> None:
    own = package_of(path)
    if own in EVERYTHING:
        return

    assert {name.split(".")[1] for name in ours(path)} <= {*ALLOWED[own], own, "errors", "version"}


def test_every_permission_is_used() -> None:
    used: dict[str, set[str]] = {own: set() for own in ALLOWED}
    for path in MODULES:
        if package_of(path) in used:
            used[package_of(path)] |= {name.split(".")[1] for name in ours(path)}

    assert {own: names - used[own] for own, names in ALLOWED.items()} == {
        own: set() for own in ALLOWED
    }


@pytest.mark.parametrize("own", [name for name in ALLOWED if (PACKAGE / name).is_dir()])
def test_the_page_names_the_files_of_each_package(own: str) -> None:
    (row,) = [line for line in PAGE.splitlines() if line.startswith(f"| `{own}/` |")]
    files = {path.stem for path in (PACKAGE / own).glob("*.py")} - {"__init__"}

    assert files - set(re.findall("`([a-z_]+)`", row)) == set()


def test_no_module_imports_itself_through_others() -> None:
    """Also where the import waits inside a function."""
    modules = {module_of(path): path for path in MODULES}
    arrows = {
        name: {
            imported if imported in modules else imported.rpartition(".")[0]
            for imported in ours(path)
        }
        - {name}
        for name, path in modules.items()
    }

    assert list(TopologicalSorter(arrows).static_order())


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_are_absolute(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))

    assert not any(isinstance(node, ast.ImportFrom) and node.level for node in ast.walk(tree))


@pytest.mark.parametrize(
    "name",
    [
        *("torch", "matplotlib", "nibabel", "onnxruntime", "typer", "rich", "jinja2", "PIL"),
        *("pydicom", "highdicom", "uvicorn"),
    ],
)
def test_each_library_has_its_place(name: str) -> None:
    places = {
        "torch": {"networks", "synthesis", "training"},
        "matplotlib": {"segmentation", "benchmark"},
        "nibabel": {"io"},
        "onnxruntime": {"segmenters"},
        "typer": {"cli"},
        "rich": {"cli"},
        "jinja2": {"report"},
        "PIL": {"report"},
        "pydicom": set(),
        "highdicom": set(),
        "uvicorn": {"studio"},
    }

    users = {
        package_of(path)
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
    program = (
        "import scgm.segmentation.segmentation, scgm.segmentation.pipeline, scgm.segmenters.onnx"
    )

    assert loaded_by(program, *HEAVY, "scipy.ndimage", "scipy.sparse") == set()
