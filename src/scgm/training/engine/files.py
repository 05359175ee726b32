"""Tensors in files (safetensors), written whole or not at all."""

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save
from torch import Tensor

from scgm.io.atomic import write_bytes


def write_tensors(
    path: Path, tensors: Mapping[str, Tensor], facts: Mapping[str, str] | None = None
) -> None:
    """Write tensors whole or not at all; ``facts`` go into the file's head."""
    # Copies, since tensors that share memory are refused.
    plain = {
        key: value.detach().cpu().clone(memory_format=torch.contiguous_format)
        for key, value in tensors.items()
    }
    content = save(plain, dict(facts) if facts else None)
    write_bytes(path, content, advice="make room, then go on with --resume")
