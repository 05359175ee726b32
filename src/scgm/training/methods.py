"""What ``scgm train --method NAME`` can train, in one table.

A method is a recipe with some values changed; the user's own ``--set`` comes after and wins.
"""

from collections.abc import Mapping
from types import MappingProxyType

from scgm.errors import ConfigError

# Name -> changes of the configuration, as --set takes them. A further network is one more line, and
# its class in checkpoints.build_segmenter.
METHODS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "default": (),
        "ddc": ("name=ddc", "segmenter.network=ddc"),
        "unet": ("name=unet", "segmenter.network=unet-paper"),
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
