"""SimpleITK, which is an extra of the package and slow to load."""

from __future__ import annotations

from types import ModuleType

from scgm.errors import ModelError, missing_library


def simpleitk(method: str) -> ModuleType:
    """Return SimpleITK for a method.

    Raises
    ------
    ModelError
        If it is not installed.
    """
    try:
        import SimpleITK  # noqa: PLC0415
    except ImportError as error:
        raise ModelError(missing_library(f"method {method}", "SimpleITK", "classical")) from error
    return SimpleITK  # type: ignore[no-any-return]
