"""Arrays of an atlas: unpacked with care, and compared with what a method needs.

An ``.npz`` file is a ZIP archive of ``.npy`` files. Each states how large it is; nothing is
unpacked that is larger than it says or than an atlas can be, and nothing is ever unpickled.
"""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scgm.errors import ModelError

MOST_BYTES = 2**29  # of all arrays together
MOST_ARRAYS = 100

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArraySpec:
    """What a method needs of one array.

    Parameters
    ----------
    shape : tuple of int or str
        Lengths along its axes; the same letter means the same length, of 1 or more, in all arrays.
    kind : str
        Kind of its numbers as numpy names it: "f" floating point, "u" whole, "b" true or false.
    least, most : float
        Bounds of its values, both allowed.
    """

    shape: tuple[int | str, ...] = ()
    kind: str = "f"
    least: float = -1e6
    most: float = 1e6


def unpack(content: bytes, source: object) -> dict[str, NDArray[Any]]:
    """Return the arrays of an ``.npz`` file.

    Raises
    ------
    ModelError
        If it is not a file of arrays, or they are too large.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            _check_size(members, source)
            return {each.filename.removesuffix(".npy"): _array(archive, each) for each in members}
    except ModelError:
        raise
    except Exception as error:  # damaged archives raise errors of a dozen classes
        reason = " ".join(str(error).split())[:150] or type(error).__name__
        msg = f"{source}: this is not a file of arrays ({reason}); build it again"
        raise ModelError(msg) from error


def require_arrays(
    arrays: Arrays, specs: Mapping[str, ArraySpec], source: object, method: str
) -> None:
    """Make sure that an atlas has the arrays that a method needs.

    Raises
    ------
    ModelError
        With the first that is missing or different.
    """
    lengths: dict[str, int] = {}
    for name, spec in specs.items():
        found = _difference(arrays[name], spec, lengths) if name in arrays else "there is none"
        if found:
            msg = (
                f"{source}: array {name!r} is missing or not as {method} has it: {found}; "
                "build it again with scgm atlas build"
            )
            raise ModelError(msg)


def _check_size(members: list[zipfile.ZipInfo], source: object) -> None:
    total = sum(each.file_size for each in members)
    if total > MOST_BYTES or len(members) > MOST_ARRAYS:
        msg = (
            f"{source}: it holds {len(members)} arrays of {total / 2**20:.0f} MiB; an atlas has at "
            f"most {MOST_ARRAYS} of {MOST_BYTES >> 20} MiB together"
        )
        raise ModelError(msg)


def _array(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> NDArray[Any]:
    """Read one array; its header must state exactly the values that follow it."""
    content = archive.read(member)
    file = io.BytesIO(content)
    version = np.lib.format.read_magic(file)
    headers = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    if version not in headers:
        msg = f"{member.filename}: version {version} of the format"
        raise ValueError(msg)
    shape, fortran, dtype = headers[version](file)
    held = len(content) - file.tell()
    if dtype.hasobject or dtype.kind not in "biuf" or math.prod(shape) * dtype.itemsize != held:
        msg = f"{member.filename}: {dtype} {shape} in {held} bytes"
        raise ValueError(msg)
    values = np.frombuffer(content, dtype, offset=file.tell())
    shaped = values.reshape(shape, order="F" if fortran else "C")
    return np.ascontiguousarray(shaped, dtype.newbyteorder("=")).reshape(shape)


def _difference(array: NDArray[Any], spec: ArraySpec, lengths: dict[str, int]) -> str:
    """Say what is different; nothing where the array fits."""
    kinds = {"f": "numbers", "u": "whole numbers from 0 on", "b": "true or false"}
    if array.dtype.kind != spec.kind:
        return f"its values are {array.dtype}, not {kinds[spec.kind]}"
    expected = tuple(
        lengths.setdefault(length, size) if isinstance(length, str) else length
        for length, size in zip(spec.shape, array.shape, strict=False)
    )
    if array.ndim != len(spec.shape) or array.shape != expected or not array.size:
        return f"its shape is {array.shape}, not {spec.shape}"
    if not np.isfinite(array).all():
        return "it has values that are not numbers"
    if array.min() < spec.least or array.max() > spec.most:
        return (
            f"its values go from {array.min():g} to {array.max():g}, not within "
            f"{spec.least:g} and {spec.most:g}"
        )
    return ""
