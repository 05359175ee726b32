"""Folders that look like data sets; no reader opens an image, so a file holds its own name."""

from pathlib import Path


def put(root: Path, *names: str) -> Path:
    """Write files of these names below *root*, each with a content of its own; return *root*."""
    for name in names:
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name, encoding="utf-8")
    return root


def broken_link(file: Path) -> None:
    """Make what git-annex leaves where the content was not fetched."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.symlink_to("../.git/annex/objects/nowhere")
