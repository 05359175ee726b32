"""The published dilated network with its published weights, as its authors' tools run it.

The weights are not part of this package: the user names the file. The method marks gray matter and
nothing else, and returns a mask, not probabilities that could be trusted.

References
----------
Perone C.S., Calabrese E., Cohen-Adad J. Scientific Reports 8, 5966 (2018).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from scgm.errors import ModelError, UsageError, missing_library
from scgm.image.orientation import AxialStack
from scgm.io.hashing import sha256_of_file
from scgm.segmenters.base import CordHint, Probabilities
from scgm.segmenters.runtime import thread_count

if TYPE_CHECKING:
    from scgm.networks.ddc import DeepDilatedNetwork

NAME = "ddc-published"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class PublishedNetwork:
    """The network, ready to run; make one with `load_published`."""

    network: DeepDilatedNetwork
    sha256: str

    def __repr__(self) -> str:
        """Name it in one line."""
        return f"<PublishedNetwork {self.name!r}: weights {self.sha256[:12]}>"

    @property
    def name(self) -> str:
        """Name of the method."""
        return NAME

    @property
    def threshold(self) -> float:
        """Any value between those of a mask: the published cut (0.999) was made before."""
        return 0.5

    @property
    def confidence(self) -> Mapping[str, float] | None:
        """None: it cannot be told."""
        return None

    @property
    def provenance(self) -> Mapping[str, str | None]:
        """Checksum of the weights, and what they ran on."""
        import torch  # noqa: PLC0415  (the package starts without it)

        return {"version": "2018", "sha256": self.sha256, "runtime": f"torch {torch.__version__}"}

    def __call__(self, stack: AxialStack, hint: CordHint | None = None) -> Probabilities:
        """Find gray matter in the middle of every slice of *stack*.

        Raises
        ------
        UsageError
            If the center of the cord is given: this method takes that of the image.
        """
        from scgm.networks.published import published_mask  # noqa: PLC0415  (imports torch)

        if hint is not None and hint.centre_px is not None and hint.mask is None:
            msg = (
                f"method {NAME} always looks at the middle of the image and cannot be told the "
                "center of the cord; omit --center, or crop the image around the cord"
            )
            raise UsageError(msg)
        mask = published_mask(self.network, stack.slices, stack.spacing_mm)
        return Probabilities.gray_matter_alone(mask.astype(np.float32))


def load_published(path: str | Path | None, *, threads: int | None = None) -> PublishedNetwork:
    """Read the published weights and start the network.

    Parameters
    ----------
    path : str or Path
        ``challenge_model.hdf5`` as its authors publish it (github.com/neuropoly/gmseg).
    threads : int, optional
        Processor threads of this whole process; by default the variable SCGM_THREADS, else all.

    Raises
    ------
    ModelError
        If no file is named, torch is not installed, or the file is not those weights.
    """
    if path is None:
        msg = (
            f"method {NAME} needs the weights that its authors publish: fetch "
            "challenge_model.hdf5 from github.com/neuropoly/gmseg, and give its path with --model"
        )
        raise ModelError(msg)
    file = _file(path)
    try:
        # Here, because both need torch, without which everything else in this package runs.
        import torch  # noqa: PLC0415

        from scgm.networks.keras_weights import load_published_weights  # noqa: PLC0415

        network = load_published_weights(file)
    except ImportError as error:
        raise ModelError(missing_library(f"method {NAME}", error.name, "train")) from error
    torch.set_num_threads(thread_count(threads))
    return PublishedNetwork(network, sha256_of_file(file))


def _file(path: str | Path) -> Path:
    """Return the file that a user named.

    Raises
    ------
    ModelError
        If it is not a regular file.
    """
    try:
        file = Path(path).expanduser()
        regular = file.is_file()
    except (OSError, ValueError, RuntimeError) as error:
        msg = f"{str(path)[:200]}: the weights cannot be read ({error}); check the path"
        raise ModelError(msg) from error
    if not regular:
        msg = f"{file}: there is no such file of weights; give the path of challenge_model.hdf5"
        raise ModelError(msg)
    return file
