"""A small look at a whole picture: what kind it is can be seen from its colours and texture alone."""

from torch import nn

SEEN = 32
"""Numbers that a look gives of a picture."""


def whole_look(in_channels: int) -> nn.Sequential:
    """Two convolutions and a mean over the picture: (b, in_channels, h, w) to (b, SEEN, 1, 1)."""
    return nn.Sequential(
        nn.Conv2d(in_channels, SEEN // 2, 3, stride=4, padding=1),
        nn.ReLU(),
        nn.Conv2d(SEEN // 2, SEEN, 3, stride=4, padding=1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
    )


def kind_look(in_channels: int) -> nn.Sequential:
    """Pictures (b, in_channels, h, w) to (b, 1, 1, 1): above 0 where one is of the kind that was taught."""
    return nn.Sequential(*whole_look(in_channels), nn.Conv2d(SEEN, 1, 1))
