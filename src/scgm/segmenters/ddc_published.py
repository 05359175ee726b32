"""The published dilated network with its published weights, as its authors' program runs it.

The weights are not part of this package: the user names the file. The method marks gray matter and
nothing else, and returns a mask, not probabilities that could be trusted. There are three variants:

- ``ddc-published`` looks at the middle of the image and standardizes by the scan itself;
- ``ddc-published-constants`` standardizes by the two constants that are published with the weights;
- ``ddc-published-found`` looks at the cord that another model has found.

References
----------
Perone C.S., Calabrese E., Cohen-Adad J. Scientific Reports 8, 5966 (2018).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from scgm.errors import ModelError, missing_library
from scgm.image.orientation import AxialStack
from scgm.io.hashing import sha256_of_file
from scgm.segmenters.base import CordHint, Probabilities, Segmenter
from scgm.segmenters.presence import is_present
from scgm.segmenters.runtime import thread_count

if TYPE_CHECKING:
    from scgm.networks.ddc import DeepDilatedNetwork
    from scgm.networks.published import Constants

NAME = "ddc-published"
WITH_CONSTANTS = "ddc-published-constants"
FOUND = "ddc-published-found"


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class PublishedNetwork:
    """The network, ready to run; make one with `load_published`.

    Parameters
    ----------
    name
        Name of the method.
    network
        With the published weights.
    sha256
        Checksum of the file of weights.
    constants
        What scans are standardized with; by default each with its own mean and deviation.
    cord_finder
        What tells where to look; by default nothing, and it looks at the middle of the image.
    """

    network: DeepDilatedNetwork
    sha256: str
    name: str = NAME
    constants: Constants | None = None
    cord_finder: Segmenter | None = None

    def __repr__(self) -> str:
        """Name it in one line."""
        return f"<PublishedNetwork {self.name!r}: weights {self.sha256[:12]}>"

    @property
    def method_name(self) -> str:
        """Name of the method."""
        return self.name

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
        """Checksum of the weights, what they ran on, and what looked for the cord."""
        import torch  # noqa: PLC0415  (the package starts without it)

        known: dict[str, str | None] = {
            "version": "2018",
            "sha256": self.sha256,
            "runtime": f"torch {torch.__version__}",
        }
        if self.constants is not None:
            known["standardized_by"] = f"{self.constants.mean:g}, {self.constants.deviation:g}"
        if self.cord_finder is not None:
            known["cord_finder"] = self.cord_finder.name
            known["cord_sha256"] = self.cord_finder.provenance.get("sha256")
        return known

    def __call__(self, stack: AxialStack, hint: CordHint | None = None) -> Probabilities:
        """Find gray matter in a window of 50 mm of every slice of *stack*.

        The window lies around the center that the user gives, else around the cord that was found,
        else in the middle of the image. Slices in which no cord was found have no gray matter.
        """
        from scgm.networks.published import published_mask  # noqa: PLC0415  (imports torch)

        centers = None if hint is None else hint.centre_px
        shown = np.ones(len(stack.slices), bool)
        if centers is None and self.cord_finder is not None:
            found = self.cord_finder(stack)
            centers, shown = found.centre_px, is_present(found.presence, stack.spacing_mm[0])
        mask = published_mask(
            self.network,
            stack.slices,
            stack.spacing_mm,
            centers_px=centers,
            constants=self.constants,
        )
        return Probabilities.gray_matter_alone((mask & shown[:, None, None]).astype(np.float32))


def load_published(
    path: str | Path | None,
    *,
    name: str = NAME,
    cord_finder: Segmenter | None = None,
    threads: int | None = None,
) -> PublishedNetwork:
    """Read the published weights and start the network.

    Parameters
    ----------
    path : str or Path
        ``challenge_model.hdf5`` as its authors publish it (github.com/neuropoly/gmseg).
    name : str
        Which of the three variants; ``ddc-published-constants`` reads the file of the same name
        that ends in ``.json``, too.
    cord_finder : Segmenter, optional
        What tells where to look.
    threads : int, optional
        Processor threads of this whole process; by default the variable SCGM_THREADS, else all.

    Raises
    ------
    ModelError
        If no file is named, torch is not installed, or a file is not what it should be.
    """
    if path is None:
        msg = (
            f"method {name} needs torch and the weights that its authors publish: fetch them by "
            "'scgm data get gmseg', and give the path of challenge_model.hdf5 with --model"
        )
        raise ModelError(msg)
    file = _file(path)
    try:
        # Here, because both need torch, without which everything else in this package runs.
        import torch  # noqa: PLC0415

        from scgm.networks.keras_weights import load_published_weights  # noqa: PLC0415

        network = load_published_weights(file)
    except ImportError as error:
        raise ModelError(missing_library(f"method {name}", error.name, "train")) from error
    constants = _constants(file.with_suffix(".json")) if name == WITH_CONSTANTS else None
    torch.set_num_threads(thread_count(threads))
    return PublishedNetwork(
        network=network,
        sha256=sha256_of_file(file),
        name=name,
        constants=constants,
        cord_finder=cord_finder,
    )


def _constants(file: Path) -> Constants:
    """Read the mean and the standard deviation of the images that the weights were trained on.

    Raises
    ------
    ModelError
        If the file is not there or holds anything else.
    """
    from scgm.networks.published import Constants  # noqa: PLC0415  (imports torch)

    try:
        known = json.loads(file.read_text("utf-8"))
        mean, deviation = float(known["mean_train"]), float(known["std_train"])
        usable = math.isfinite(mean) and math.isfinite(deviation) and deviation > 0
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        msg = (
            f"{file}: method {WITH_CONSTANTS} needs this file with mean_train and std_train beside "
            f"the weights ({error}); 'scgm data get gmseg' fetches both"
        )
        raise ModelError(msg) from error
    if not usable:
        msg = f"{file}: mean {mean:g} and deviation {deviation:g} cannot be; fetch the file anew"
        raise ModelError(msg)
    return Constants(mean, deviation)


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
