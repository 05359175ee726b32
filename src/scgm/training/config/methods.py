"""What ``scgm train --method NAME`` can train, in one table.

A method is a recipe with some values changed; the user's own ``--set`` comes after and wins.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from scgm.errors import ConfigError, UsageError
from scgm.training.config.settings import DEFAULT_RECIPE, TrainConfig, find_recipe, read_config
from scgm.training.config.sources import Labeled

# Name -> changes of the configuration, as --set takes them. A further network is one more line, and
# its class in checkpoints.build_segmenter.
METHODS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "default": (),
        "ddc": ("name=ddc", "segmenter.network=ddc"),
        "unet": ("name=unet", "segmenter.network=unet-paper"),
        "deepseg": ("name=deepseg", "segmenter.network=deepseg"),
    }
)


def changes_of(method: str) -> tuple[str, ...]:
    """Return what a method changes in a configuration.

    Raises
    ------
    ConfigError
        If there is no such method.
    """
    if method not in METHODS:
        msg = f"there is no method {method!r} to train; known: {', '.join(METHODS)}"
        raise ConfigError(msg)
    return METHODS[method]


def method_of(config: TrainConfig) -> str:
    """Return the method whose network a configuration trains."""
    return {"ddc": "ddc", "unet-paper": "unet", "deepseg": "deepseg"}.get(
        config.segmenter.network, "default"
    )


def configured(
    config: Path | None,
    recipe: str | None,
    method: str | None,
    changes: Sequence[str],
    datasets: Sequence[Path],
) -> TrainConfig:
    """Return the configuration that a command line asks for.

    Data sets that are named take the place of what the configuration would learn from.

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
    settings = read_config(path, (*changes_of(method or "default"), *changes))
    if not datasets:
        return settings
    named = tuple(Labeled(path=dataset.resolve()) for dataset in datasets)
    return settings.model_copy(update={"source": (), "folder": (), "dataset": named})
