"""What ``scgm train --method NAME`` can train: a recipe with another network."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from scgm.errors import ConfigError, UsageError
from scgm.networks.preparation import WINDOW_PIXEL_MM
from scgm.segmenters.methods import METHODS
from scgm.training.config.read import DEFAULT_RECIPE, find_recipe, read_config
from scgm.training.config.settings import TrainConfig
from scgm.training.config.sources import Labeled

# What "deepseg" does not have, and recipes may set.
_NOT_OF_DEEPSEG = (
    f"segmenter.finest_mm={WINDOW_PIXEL_MM}",
    "segmenter.fine_share=0",
    "segmenter.along_mm=0",
)
# Name of a method -> network of its segmentation. A further network has its class in
# checkpoints.build_segmenter.
TRAINABLE: Mapping[str, str] = MappingProxyType(
    {name: method.train for name, method in METHODS.items() if method.train is not None}
)


def changes_of(method: str) -> tuple[str, ...]:
    """Return what a method changes in a configuration, as --set takes it.

    Raises
    ------
    ConfigError
        If there is no such method.
    """
    if method not in TRAINABLE:
        msg = f"there is no method {method!r} to train; known: {', '.join(TRAINABLE)}"
        raise ConfigError(msg)
    changes = (f"name={method}", f"segmenter.network={TRAINABLE[method]}")
    return (*changes, *_NOT_OF_DEEPSEG) if method == "deepseg" else changes


def method_of(config: TrainConfig) -> str:
    """Return the method whose network a configuration trains."""
    return next(name for name, net in TRAINABLE.items() if net == config.segmenter.network)


def configured(
    config: Path | None,
    recipe: str | None,
    method: str | None,
    changes: Sequence[str],
    datasets: Sequence[Path],
) -> TrainConfig:
    """Return the configuration that a command line asks for.

    Data sets that are named replace those of the configuration; what the user sets comes last.

    Raises
    ------
    UsageError
        If both a file and a recipe are named.
    ConfigError
        If there is no such recipe or method, or the configuration makes no sense.
    """
    if config is not None and recipe is not None:
        msg = "--config and --recipe exclude each other; give one of them"
        raise UsageError(msg)
    path = config or (find_recipe(recipe) if recipe else DEFAULT_RECIPE)
    settings = read_config(path, (*(changes_of(method) if method else ()), *changes))
    if not datasets:
        return settings
    named = tuple(Labeled(path=dataset.resolve()) for dataset in datasets)
    return settings.model_copy(update={"source": (), "folder": (), "dataset": named})


def data_folder(config: TrainConfig, data: Path | None) -> Path:
    """Return the folder that the relative paths of a configuration start from.

    Raises
    ------
    ConfigError
        If there is no such folder, or none was given and a path needs one.
    """
    if data is not None:
        folder = Path(os.path.expanduser(data))  # noqa: PTH111 - never fails, without a home either
        if not folder.is_dir():
            msg = f"--data {data}: there is no such folder; name the one that holds the images"
            raise ConfigError(msg)
        return folder
    relative = config.relative_paths()
    if relative:
        fetch = ""
        if config.downloads:
            sets = ", ".join(sorted({name.split("/")[0] for name in config.downloads.values()}))
            fetch = f"; 'scgm data get NAME --output FOLDER' fetches its public data sets ({sets})"
        msg = (
            f"the configuration names {len(relative)} files by relative paths, such as "
            f"{relative[0]}; say with --data in which folder they are, or name a DATASET to learn "
            f"from instead{fetch}"
        )
        raise ConfigError(msg)
    return Path()
