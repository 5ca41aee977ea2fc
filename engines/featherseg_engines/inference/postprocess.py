"""From a network's answer to probabilities, levels and labels."""

from typing import Literal

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Levels = npt.NDArray[np.uint8]


def probabilities(logits: Floats, activation: Literal["softmax", "sigmoid"]) -> Floats:
    """Probability of each label above the background, (labels, ...), from logits (outputs, ...)."""
    if activation == "sigmoid":
        return np.asarray(0.5 * (1.0 + np.tanh(0.5 * logits)), np.float32)
    if len(logits) == 2:
        return np.asarray(0.5 * (1.0 + np.tanh(0.5 * (logits[1:] - logits[:1]))), np.float32)
    shifted = np.exp(logits - logits.max(axis=0, keepdims=True))
    return np.asarray(shifted[1:] / shifted.sum(axis=0, keepdims=True), np.float32)


def labels_at(probability: Floats, threshold: float) -> npt.NDArray[np.uint8]:
    """Label numbers 1, 2, … where all labels together reach ``threshold``, the likeliest of them; else 0."""
    if len(probability) == 1:
        return np.asarray(probability[0] >= threshold, np.uint8)
    likeliest = probability.argmax(axis=0).astype(np.uint8) + np.uint8(1)
    return np.where(probability.sum(axis=0) >= threshold, likeliest, np.uint8(0)).astype(np.uint8)


def levels_of(probability: Floats) -> Levels:
    """Probabilities in steps of 1/255."""
    return np.asarray(probability * np.float32(255) + np.float32(0.5), np.uint8)


def labels_at_levels(levels: Levels, threshold: float) -> npt.NDArray[np.uint8]:
    """As :func:`labels_at`, from levels."""
    least = threshold * 255
    if len(levels) == 1:
        return np.asarray(levels[0] >= least, np.uint8)
    likeliest = levels.argmax(axis=0).astype(np.uint8) + np.uint8(1)
    return np.where(levels.sum(axis=0, dtype=np.uint16) >= least, likeliest, np.uint8(0)).astype(np.uint8)
