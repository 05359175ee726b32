"""The first weights of a network, drawn as Keras does, in which those of 2018 were written."""

from torch import nn


def initialize_as_keras(network: nn.Module) -> None:
    """Draw the weights of all convolutions evenly from +-sqrt(6 / (inputs + outputs)); no bias.

    References
    ----------
    Glorot X., Bengio Y. AISTATS 2010, which is Keras's default.
    """
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.xavier_uniform_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
