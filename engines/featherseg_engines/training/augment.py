"""Random changes of a training sample, after the paper of RepSegNet, through MONAI's transforms.

Source: Juraev et al. 2026: horizontal flip, shift-scale-rotate, brightness and contrast, each with
probability 0.25, and coarse dropout; widened here (vertical flip, free rotation, colour) because measured on
the validation images it generalises better from few epochs.
"""

from collections.abc import Callable
from typing import Any, TypeAlias, cast

import numpy as np
import torch

from featherseg_engines.training.samples import IGNORE, Sample

Transform: TypeAlias = Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]]
"""What changes ``{"image", "labels"}`` at random."""


def augmentation(seed: int, size: tuple[int, ...]) -> Transform:
    """A random transform of ``{"image": (c, h, w) in 0..1, "labels": (1, h, w)}``, repeatable by its seed."""
    from monai import transforms

    both = ["image", "labels"]
    affine: dict[str, Any] = {
        "prob": 0.5,
        "rotate_range": np.pi,
        "translate_range": (size[0] * 0.06, size[1] * 0.06),
        "scale_range": 0.15,
        "mode": ("bilinear", "nearest"),
        "padding_mode": "reflection",
    }
    transform = transforms.Compose(
        [
            transforms.RandFlipd(both, prob=0.5, spatial_axis=1),
            transforms.RandFlipd(both, prob=0.5, spatial_axis=0),
            transforms.RandAffined(both, **affine),
            transforms.RandScaleIntensityd("image", factors=0.2, prob=0.25, channel_wise=True),
            transforms.RandShiftIntensityd("image", offsets=0.1, prob=0.25, channel_wise=True),
            transforms.RandAdjustContrastd("image", prob=0.25, gamma=(0.7, 1.4)),
            transforms.RandCoarseDropoutd(
                "image", holes=1, max_holes=4, spatial_size=max(4, min(size) // 16), fill_value=0.5, prob=0.2
            ),
        ],
        map_items=False,
    )
    transform.set_random_state(seed)
    return cast(Transform, transform)


def volume_augmentation(seed: int) -> Transform:
    """The same for volumes: flips along each axis and intensity, each with a small probability.

    Source: the BTCV protocol of LGMSNet's trainer (flips 0.2 an axis, intensity factor and offset 0.1).
    """
    from monai import transforms

    transform = transforms.Compose(
        [
            *(transforms.RandFlipd(["image", "labels"], prob=0.2, spatial_axis=axis) for axis in range(3)),
            transforms.RandScaleIntensityd("image", factors=0.1, prob=0.3),
            transforms.RandShiftIntensityd("image", offsets=0.1, prob=0.3),
            transforms.RandAdjustContrastd("image", prob=0.2, gamma=(0.7, 1.4)),
        ],
        map_items=False,
    )
    transform.set_random_state(seed)
    return cast(Transform, transform)


def _plain(value: torch.Tensor) -> torch.Tensor:
    """Without MONAI's metadata, whose bookkeeping every operation of the network would pay for."""
    return value.as_tensor() if hasattr(value, "as_tensor") else value


def augmented(transform: Transform, sample: Sample) -> tuple[torch.Tensor, torch.Tensor]:
    """Image (c, ...) float in 0..1 and labels (...) long of one randomly changed sample."""
    item = {
        "image": torch.from_numpy(sample.image).float() / 255.0,
        "labels": torch.from_numpy(sample.labels).float()[None],
    }
    changed = transform(item)
    image = _plain(changed["image"]).clamp(0.0, 1.0)
    labels = _plain(changed["labels"])[0].round().long().clamp(0, IGNORE)
    return image, labels
