"""pydicom and highdicom, which an extra installs, kept from talking.

What they say of a damaged value can be the name of a patient, so nothing of it is passed on.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from scgm.errors import ImageReadError, missing_library


def package(name: str) -> Any:
    """Import a module of pydicom or highdicom.

    Raises
    ------
    ImageReadError
        If it is not installed.
    """
    try:
        with silence():
            return import_module(name)
    except ImportError as error:
        msg = missing_library("DICOM", name, "dicom")
        raise ImageReadError(msg) from error


@contextmanager
def silence() -> Iterator[None]:
    """Let the libraries print and log nothing."""
    before = logging.root.manager.disable
    # Each of their modules has a logger of its own, so all are silenced.
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
