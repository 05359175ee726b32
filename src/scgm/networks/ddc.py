"""The deep dilated convolution network of Perone, Calabrese and Cohen-Adad (2018).

No pooling and no stride: the map stays at full resolution. Context comes from dilated 3x3
convolutions and from an atrous spatial pyramid (rates 1, 6, 12, 18, 24 and the image's mean).

References
----------
Perone C.S., Calabrese E., Cohen-Adad J. Spinal cord gray matter segmentation using deep dilated
convolutions. Scientific Reports 8, 5966 (2018).
"""

import torch
from torch import Tensor, nn

from scgm.networks.initialization import initialize_as_keras

PYRAMID_RATES = (6, 12, 18, 24)
KERAS_EPSILON = 1e-3
# Keras weights the newest batch statistics by 1 - 0.1; torch calls this weight the momentum.
KERAS_MOMENTUM = 1.0 - 0.1


class Unit(nn.Sequential):
    """Convolution, ReLU, batch normalization, dropout: in this order, the size unchanged."""

    def __init__(
        self, inputs: int, outputs: int, *, kernel: int, rate: int, dropout: float
    ) -> None:
        # Not padding="same": in ONNX that is another mode, without dilation.
        around = rate * (kernel // 2)
        super().__init__(
            nn.Conv2d(inputs, outputs, kernel, padding=around, dilation=rate),
            nn.ReLU(),
            nn.BatchNorm2d(outputs, eps=KERAS_EPSILON, momentum=KERAS_MOMENTUM),
            nn.Dropout(dropout),
        )


class DeepDilatedNetwork(nn.Module):
    """Dilated convolutions and an atrous pyramid; logits at the input's resolution.

    Parameters
    ----------
    filters
        Maps of each layer: 32 in the paper (124,769 weights and biases of convolutions,
        126,177 with those of batch normalization); 64 in the model published later.
    outputs
        Channels of logits; the paper has one, gray matter.
    dropout
        Share of elements set to zero in training; 0.4 in the paper.
    reduced
        Maps of the last layer but one; by default twice *filters*, which is 64 in the paper.
    """

    def __init__(
        self,
        *,
        filters: int = 32,
        outputs: int = 1,
        dropout: float = 0.4,
        reduced: int | None = None,
    ) -> None:
        super().__init__()

        def unit(inputs: int, maps: int = filters, *, kernel: int = 3, rate: int = 1) -> Unit:
            return Unit(inputs, maps, kernel=kernel, rate=rate, dropout=dropout)

        self.stem = nn.Sequential(unit(1), unit(filters))
        self.dilated = nn.Sequential(unit(filters, rate=2), unit(filters, rate=2))
        self.point = nn.Sequential(unit(filters), unit(filters, kernel=1))
        self.pyramid = nn.ModuleList(
            nn.Sequential(unit(filters, rate=rate), unit(filters, rate=rate))
            for rate in PYRAMID_RATES
        )
        joined = filters * (len(PYRAMID_RATES) + 2)
        self.join = nn.Sequential(
            nn.BatchNorm2d(joined, eps=KERAS_EPSILON, momentum=KERAS_MOMENTUM),
            nn.Dropout(dropout),
        )
        reduced = 2 * filters if reduced is None else reduced
        self.reduce = unit(joined, reduced, kernel=1)
        self.predict = nn.Conv2d(reduced, outputs, 1)
        initialize_as_keras(self)

    def forward(self, images: Tensor) -> Tensor:
        """Map images (N, 1, Y, X) to logits (N, outputs, Y, X)."""
        low = self.stem(images)
        features = self.dilated(low)
        *finer, coarsest = (branch(features) for branch in self.pyramid)
        mean = low.mean(dim=(2, 3), keepdim=True).expand_as(low)
        joined = torch.cat([self.point(features), *finer, mean, coarsest], dim=1)
        logits: Tensor = self.predict(self.reduce(self.join(joined)))
        return logits
