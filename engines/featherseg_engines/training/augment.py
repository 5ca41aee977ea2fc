"""Random changes of a training sample, after the paper of RepSegNet, through MONAI's transforms.

Source: Juraev et al. 2026: horizontal flip, shift-scale-rotate, brightness and contrast, each with
probability 0.25, and coarse dropout; widened here (vertical flip, free rotation, colour) because measured on
the validation images it generalises better from few epochs.
"""

from typing import Any

import numpy as np
import torch
from monai.transforms import (
    Compose,
    RandAdjustContrastd,
    RandAffined,
    RandCoarseDropoutd,
    RandFlipd,
    RandScaleIntensityd,
    RandShiftIntensityd,
)

from featherseg_engines.training.samples import IGNORE, Sample


def augmentation(seed: int, size: tuple[int, int]) -> Compose:
    """A random transform of ``{"image": (c, h, w) in 0..1, "labels": (1, h, w)}``, repeatable by its seed."""
    both = ["image", "labels"]
    affine: dict[str, Any] = {
        "prob": 0.5,
        "rotate_range": np.pi,
        "translate_range": (size[0] * 0.06, size[1] * 0.06),
        "scale_range": 0.15,
        "mode": ("bilinear", "nearest"),
        "padding_mode": "reflection",
    }
    transform = Compose(
        [
            RandFlipd(both, prob=0.5, spatial_axis=1),
            RandFlipd(both, prob=0.5, spatial_axis=0),
            RandAffined(both, **affine),
            RandScaleIntensityd("image", factors=0.2, prob=0.25, channel_wise=True),
            RandShiftIntensityd("image", offsets=0.1, prob=0.25, channel_wise=True),
            RandAdjustContrastd("image", prob=0.25, gamma=(0.7, 1.4)),
            RandCoarseDropoutd(
                "image", holes=1, max_holes=4, spatial_size=max(4, min(size) // 16), fill_value=0.5, prob=0.2
            ),
        ],
        map_items=False,
    )
    transform.set_random_state(seed)
    return transform


def augmented(transform: Compose, sample: Sample) -> tuple[torch.Tensor, torch.Tensor]:
    """Image (c, h, w) float in 0..1 and labels (h, w) long of one randomly changed sample."""
    item = {
        "image": torch.from_numpy(sample.image).float() / 255.0,
        "labels": torch.from_numpy(sample.labels).float()[None],
    }
    changed = transform(item)
    image = torch.as_tensor(changed["image"]).clamp(0.0, 1.0)
    labels = torch.as_tensor(changed["labels"])[0].round().long().clamp(0, IGNORE)
    return image, labels
