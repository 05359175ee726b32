"""What is refused before training starts: missing files, impossible labels, splits that leak."""

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from scgm.errors import ConfigError
from scgm.io.hashing import sha256_of_unpacked
from scgm.training.config.sources import Source, person_of_path
from scgm.training.data.examples import LabeledStack

LEAST_CORD_MM2, MOST_CORD_MM2 = 10.0, 400.0  # of a whole section, from the conus to a wide cord


def check_files(sources: Sequence[Source], root: Path, downloads: Mapping[str, str]) -> None:
    """Refuse a configuration whose files are not all there.

    Parameters
    ----------
    downloads
        As in `TrainConfig`: which public data sets hold missing files.

    Raises
    ------
    ConfigError
        Naming the first that is missing, how many are, and how to get them.
    """
    named = dict.fromkeys(path for source in sources for path in source.files)
    missing = [path for path in named if not os.path.isfile(root / path)]  # noqa: PTH113
    if not missing:
        return
    sets = {
        other.split("/")[0]
        for folder, other in downloads.items()
        if any(path.is_relative_to(folder) for path in missing)
    }
    fetch = "".join(f"; scgm data get {name}" for name in sorted(sets))
    advice = f"fetch what is missing with{fetch[1:]}" if sets else "check path and --data"
    more = f" (and {len(missing) - 1} more of {len(named)} files)" if missing[1:] else ""
    msg = f"{root / missing[0]}: there is no such file{more}; {advice}"
    raise ConfigError(msg)


def subject_of(source: Source, root: Path) -> str:
    """Return the person whom a source shows: as it says, or as its path does, or else the path.

    >>> subject_of(Source(site="a", image="sub-01/anat/sub-01_T2starw.nii.gz"), Path("/data/set"))
    '/data/set/sub-01'
    """
    if source.subject:
        return source.subject
    path = next(iter(source.files), Path(source.site))
    return person_of_path(path, root) or (root / path).resolve().as_posix()


def check_splits(splits: Mapping[str, Sequence[Source]], root: Path) -> None:
    """Refuse people, images and labels that are in two splits: their scores would be too good.

    Parameters
    ----------
    splits
        Name of a split, as "learned from", to its sources.

    Raises
    ------
    ConfigError
        Naming the subject or file and both splits.
    """
    if sum(bool(sources) for sources in splits.values()) < 2:
        return
    where: dict[tuple[str, str], tuple[str, Path]] = {}
    for split, sources in splits.items():
        for source in sources:
            for kind, mark, file in _marks(source, root):
                before, other = where.setdefault((kind, mark), (split, file))
                if before != split:
                    named = f"{kind} {Path(mark).name}" if kind == "subject" else kind
                    msg = (
                        f"{file}: it shows what {other} shows ({named}), but one is {before} and "
                        f"the other {split}; give both the same site, or leave one out"
                    )
                    raise ConfigError(msg)


def _marks(source: Source, root: Path) -> Iterable[tuple[str, str, Path]]:
    """Return what must not be in two splits, with the file: person, content of image and labels."""
    first = next(iter(source.files), None)
    if first is not None:
        yield "subject", subject_of(source, root), first
    for file in source.files:
        if (root / file).is_file():
            kind = "image content" if file == source.image else "label content"
            yield kind, sha256_of_unpacked(root / file), file


def check_labels(stack: LabeledStack) -> None:
    """Refuse labels that cannot be labels of gray matter and cord.

    Raises
    ------
    ConfigError
        If gray matter or cord is empty, gray matter lies mostly outside of the cord, or a cord has
        no possible size.
    """
    source = stack.source
    for what, values in (("gray matter", stack.gm), ("cord", stack.cord)):
        if values is not None and not bool((values >= 0.5).any()):
            name = source.gm if what == "gray matter" else source.cord[0]
            msg = f"{name}: no voxel of it is {what}; give the right file, or omit it"
            raise ConfigError(msg)
    if stack.cord is None:
        return
    pixel_mm2 = float(stack.pixel.prod())
    areas = (stack.cord >= 0.5).sum(dim=(1, 2)) * pixel_mm2
    middle = float(areas[areas > 0].median())
    if not LEAST_CORD_MM2 <= middle <= MOST_CORD_MM2:
        msg = (
            f"{source.cord[0]}: its sections have {middle:.0f} mm2 in the middle, and a cord has "
            f"{LEAST_CORD_MM2:.0f} to {MOST_CORD_MM2:.0f}; check the label and the voxel size"
        )
        raise ConfigError(msg)
    if stack.gm is not None:
        gray = stack.gm >= 0.5
        outside = float((gray & (stack.cord < 0.5)).sum() / gray.sum())
        if outside > 0.5:
            msg = (
                f"{source.gm}: {outside:.0%} of its gray matter lies outside of the cord in "
                f"{source.cord[0]}; do both belong to the same image?"
            )
            raise ConfigError(msg)
