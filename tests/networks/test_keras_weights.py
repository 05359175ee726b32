"""The published weights: every array in its place, for both sizes of the network."""

from pathlib import Path

import pytest
import torch

from scgm.errors import ModelError
from scgm.networks.keras_weights import load_published_weights
from tests.helpers.keras_file import random_network, write_weights


@pytest.mark.parametrize(("filters", "reduced"), [(2, 4), (32, 64), (64, 64), (64, 128)])
def test_a_network_is_the_same_after_it_was_written_and_read(
    tmp_path: Path, filters: int, reduced: int
) -> None:
    network = random_network(filters, reduced)

    loaded = load_published_weights(write_weights(tmp_path / "w.hdf5", network))

    state = loaded.state_dict()
    for name, values in network.state_dict().items():
        assert torch.equal(values, state[name]), name
    assert not loaded.training


def test_a_file_that_is_no_keras_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "weights.hdf5"
    path.write_text("not weights")

    with pytest.raises(ModelError, match=r"weights\.hdf5: not the published Keras weights"):
        load_published_weights(path)
