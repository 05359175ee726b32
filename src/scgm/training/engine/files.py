"""Tensors in files (safetensors): written whole or not at all, with a checksum."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from scgm.errors import ModelError
from scgm.io.atomic import write_bytes

CHECKSUM = "sha256"


def write_tensors(
    path: Path, tensors: Mapping[str, Tensor], facts: Mapping[str, str] | None = None
) -> None:
    """Write tensors whole or not at all; ``facts`` and a checksum go into the file's header."""
    # Copies, since tensors that share memory are refused.
    plain = {
        key: value.detach().cpu().clone(memory_format=torch.contiguous_format)
        for key, value in tensors.items()
    }
    known = dict(facts or {})
    known[CHECKSUM] = _checksum(plain, known)
    write_bytes(path, save(plain, known), advice="make room, then continue with --resume")


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read tensors and facts that `write_tensors` wrote.

    Raises
    ------
    ModelError
        If the file cannot be read, or anything in it was changed since it was written.
    """
    try:
        with safe_open(path, framework="pt") as file:
            facts = dict(file.metadata() or {})
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - no dict
    except (OSError, SafetensorError, ValueError, RuntimeError) as error:
        msg = f"{path}: not a complete file of weights ({error})"
        raise ModelError(msg) from error
    expected = facts.pop(CHECKSUM, None)
    if expected is not None and expected != _checksum(tensors, facts):
        msg = f"{path}: the file is damaged, its content does not match its checksum"
        raise ModelError(msg)
    return tensors, facts


def _checksum(tensors: Mapping[str, Tensor], facts: Mapping[str, str]) -> str:
    """Return the SHA-256 of names, shapes, types and values, and of the facts."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        values = tensors[name].contiguous()
        digest.update(f"{name} {values.dtype} {tuple(values.shape)}\n".encode())
        digest.update(values.reshape(-1).view(torch.uint8).numpy().tobytes())
    for name in sorted(facts):
        digest.update(f"{name}={facts[name]}\n".encode())
    return digest.hexdigest()
