"""The version of this package: written once, in pyproject.toml."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("scgm")
except PackageNotFoundError:  # run from the source tree without an installation
    __version__ = "0+unknown"
