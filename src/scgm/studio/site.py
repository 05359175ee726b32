"""The page as a site that needs no server: the models run in the browser."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

from scgm.artifacts.models import model_names, read_model
from scgm.errors import OutputError
from scgm.io.hashing import sha256_of_file
from scgm.segmenters.methods import METHODS
from scgm.studio.page import page_folder
from scgm.studio.sections import packed_sections
from scgm.version import __version__

_MARK = "site.json"
_FILES = "files.json"


def export_site(folder: Path, *, overwrite: bool = False) -> int:
    """Write the page and the shipped models to a folder, all or nothing.

    Parameters
    ----------
    folder : Path
        A folder that does not exist, or, with *overwrite*, an earlier export.
    overwrite : bool
        Replace an earlier export.

    Returns
    -------
    int
        How many files it has.

    Raises
    ------
    OutputError
        If the folder exists and may not be replaced, or cannot be written.
    ScgmError
        If the page is not built.
    """
    page = page_folder()
    _check(folder, overwrite=overwrite)
    try:
        folder.absolute().parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(
            prefix=".scgm-site-", dir=folder.absolute().parent
        ) as work:
            made = Path(work, "new")
            shutil.copytree(page, made)
            _add_models(made)
            (made / "sections.bin").write_bytes(packed_sections())
            count = _list_files(made)
            if folder.exists():
                folder.rename(Path(work, "old"))
            made.rename(folder)
            folder.chmod(0o755)
    except OSError as error:
        msg = f"{folder}: the site cannot be written ({error.strerror or error}); check the folder"
        raise OutputError(msg) from error
    return count


def _check(folder: Path, *, overwrite: bool) -> None:
    if not folder.exists() and not folder.is_symlink():
        return
    if not overwrite:
        msg = f"{folder}: it exists already; give another folder, or --overwrite an earlier export"
        raise OutputError(msg)
    if folder.is_symlink() or not (folder / _MARK).is_file() or not (folder / _FILES).is_file():
        msg = f"{folder}: this is no earlier export of a site; give another folder"
        raise OutputError(msg)


def _add_models(site: Path) -> None:
    """Add the models that find the cord themselves, with their cards."""
    models = site / "models"
    models.mkdir()
    names = []
    for name in model_names():
        model = read_model(name)
        if model.card.method != name or METHODS[name].cord_source != "itself":
            continue  # a model of the user
        (models / f"{name}.onnx").write_bytes(model.graph)
        shutil.copyfile(model.path.with_suffix(".json"), models / f"{name}.json")
        names.append({"name": name, "about": METHODS[name].about})
    described = {"mode": "static", "version": __version__, "models": names}
    (site / _MARK).write_text(json.dumps(described, indent=2) + "\n", encoding="utf-8")


def _list_files(site: Path) -> int:
    """Write which files there are, with checksums: what the page keeps to work offline."""
    files = sorted(path for path in site.rglob("*") if path.is_file())
    listed = {path.relative_to(site).as_posix(): sha256_of_file(path) for path in files}
    (site / _FILES).write_text(json.dumps(listed, indent=2) + "\n", encoding="utf-8")
    return len(files) + 1
