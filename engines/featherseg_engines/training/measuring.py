"""How well a torch network does on a data set, through the same path as the deployed form."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from featherseg_engines.datasets import Dataset
from featherseg_engines.evaluation import Evaluation, scored
from featherseg_engines.imaging.preprocess import Preprocessing
from featherseg_engines.inference import whole
from featherseg_engines.inference.postprocess import labels_at, probabilities
from featherseg_engines.networks.spec import deployed_form
from featherseg_engines.training.layout import last_channels


def measure(network: nn.Module, preprocessing: Preprocessing, dataset: Dataset) -> Evaluation:
    """Scores of a torch network on a data set at the original resolution (no surface distances)."""
    return scored(answer_of(network, preprocessing), dataset, surfaces=False)


def answer_of(
    network: nn.Module, preprocessing: Preprocessing
) -> Callable[[npt.NDArray[np.generic]], npt.NDArray[np.uint8]]:
    """What turns voxels (z, y, x[, 3]) into labels (z, y, x) with the network's deployed form."""
    deployed = deployed_form(network)

    @torch.inference_mode()
    def found(batch: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        logits: Tensor = deployed(last_channels(torch.from_numpy(batch)))
        activation = "sigmoid" if logits.shape[1] == 1 else "softmax"
        return probabilities(logits[0].float().numpy(), activation)  # type: ignore[arg-type]

    return lambda voxels: labels_at(whole.of_volume(preprocessing, voxels, found), 0.5)
