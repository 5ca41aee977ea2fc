"""From a network's answer to probabilities and labels."""

from typing import Literal

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]


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
