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

from scgm.errors import ModelError, UsageError
from scgm.image.orientation import AxialStack
from scgm.io.hashing import sha256_of_file
from scgm.segmenters.base import CordHint, Probabilities

if TYPE_CHECKING:
    from scgm.networks.ddc import DeepDilatedNetwork

NAME = "ddc-published"


@dataclass(frozen=True, slots=True, eq=False)
class PublishedNetwork:
    """The network, ready to run; make one with `load_published`."""

    network: DeepDilatedNetwork
    sha256: str

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
                "center of the cord; leave --centre away, or crop the image around the cord"
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
        Processor threads of this whole process; by default torch's choice.

    Raises
    ------
    ModelError
        If no file is named, torch is not installed, or the file is not those weights.
    """
    if path is None:
        msg = (
            f"method {NAME} needs the weights that its authors publish; "
            "give the path of challenge_model.hdf5 with --model"
        )
        raise ModelError(msg)
    file = Path(path).expanduser()
    try:
        # Here, because both need torch, without which everything else in this package runs.
        import torch  # noqa: PLC0415

        from scgm.networks.keras_weights import load_published_weights  # noqa: PLC0415

        network = load_published_weights(file)
    except ImportError as error:
        msg = f"method {NAME} needs {error.name}, which is not installed: pip install 'scgm[train]'"
        raise ModelError(msg) from error
    if threads is not None:
        torch.set_num_threads(threads)
    return PublishedNetwork(network, sha256_of_file(file))
