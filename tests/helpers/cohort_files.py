"""Folders of images for the stand-in, and folders of results, byte by byte."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.helpers.standin import cord_voxels, save_scan

SCANS = ("sub-01/anat/sub-01_T2starw", "sub-02/anat/sub-02_T2starw")


def bids_folder(root: Path, names: tuple[str, ...] = SCANS, slices: int = 3) -> Path:
    """Make a folder with an image for the stand-in under each of the names, of a few kinds."""
    for number, name in enumerate(names):
        path = root / f"{name}.nii.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        voxels = cord_voxels(slices)
        voxels[34 + number % 4, 14:18, -1] = 1
        voxels[30 + number % 3, 10:26, -1] = 0.9
        save_scan(path, voxels)
    return root


def tree(root: Path) -> dict[str, bytes]:
    """Return every file of a folder, hidden ones, too, with its content."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def differing(found: Mapping[str, bytes], wanted: Mapping[str, bytes]) -> list[str]:
    """Say in a line each which files are missing, too many, or of other content, and from where."""
    lines = [f"missing: {name}" for name in wanted.keys() - found.keys()]
    lines += [f"too many: {name}" for name in found.keys() - wanted.keys()]
    for name in found.keys() & wanted.keys():
        if found[name] != wanted[name]:
            pairs = enumerate(zip(found[name], wanted[name], strict=False))
            shorter = min(len(found[name]), len(wanted[name]))
            place = next((n for n, (here, there) in pairs if here != there), shorter)
            here, there = (each[name][max(place - 60, 0) : place + 60] for each in (found, wanted))
            lines.append(f"different: {name} at byte {place}: {here!r} instead of {there!r}")
    return sorted(lines)


def names_of(files: Mapping[str, bytes], start: str) -> set[str]:
    """Return the files below a folder, without it."""
    return {name.removeprefix(start) for name in files if name.startswith(start)}
