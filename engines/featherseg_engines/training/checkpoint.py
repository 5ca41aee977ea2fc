"""A training run on disk: tensors in safetensors, the rest in JSON, replaced only by what is readable."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from featherseg_engines.errors import TrainingError
from featherseg_engines.imaging.safe_write import write_verified
from featherseg_engines.models.taught import UNFINISHED

MEASURED = "measured.json"
"""What a contestant reached, measured where it was taught."""
LAST_LAYER = 2
"""Tensors (kernel and bias) whose shape may differ between a parent and a network for other classes."""


def training_folder(folder: Path) -> Path:
    """Where the run is kept whose bundle goes to ``folder``: beside it."""
    return folder.with_name(f"{folder.name}{UNFINISHED}")


def save_tensors(path: Path, tensors: dict[str, Tensor]) -> None:
    """Write named tensors; what stood at ``path`` stays until the new file is proven readable."""
    plain = {name: tensor.detach().contiguous().cpu() for name, tensor in tensors.items()}
    content = save(plain)
    write_verified(path, lambda p: _put(p, content), lambda p: set(load_file(str(p))) == set(plain))


def save_json(path: Path, value: Any) -> None:
    """Write JSON; what stood at ``path`` stays until the new file is proven readable."""
    text = json.dumps(value, indent=1, ensure_ascii=False)
    write_verified(
        path,
        lambda p: _put(p, (text + "\n").encode()),
        lambda p: bool(json.loads(p.read_text("utf-8")) == json.loads(text)),
    )


def _put(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The optimizer's state as ``<parameter index>/<name>`` tensors."""
    state = optimizer.state_dict()["state"]
    return {
        f"{index}/{name}": torch.as_tensor(value)
        for index, entries in state.items()
        for name, value in entries.items()
    }


def restore_optimizer(optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    """Put back what :func:`optimizer_tensors` took."""
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        index, name = key.split("/", 1)
        state.setdefault(int(index), {})[name] = value
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def load_weights(module: nn.Module, path: Path) -> None:
    """Load ``weights.safetensors`` into a network of the same shape.

    A last layer for other classes is left as it was drawn: it has other things to say.

    Raises
    ------
    TrainingError
        The file is damaged or belongs to another network.
    """
    try:
        stored = {k: v.float() if v.is_floating_point() else v for k, v in load_file(str(path)).items()}
        own = module.state_dict()
        other = [k for k in stored if k in own and stored[k].shape != own[k].shape]
        if len(other) <= LAST_LAYER:
            stored.update({k: own[k] for k in other})
        module.load_state_dict(stored)
    except (OSError, RuntimeError, ValueError, KeyError) as error:
        raise TrainingError(f"'{path.name}' does not hold the weights of this network.") from error
    except Exception as error:  # safetensors raises its own class, which derives from Exception alone
        raise TrainingError(f"'{path.name}' is damaged.") from error


def half_kernels(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Kernels in half precision, everything small (biases, BatchNorm) as it is: half the file."""
    return {k: v.half() if v.is_floating_point() and v.ndim > 1 else v for k, v in tensors.items()}


def finished(folder: Path) -> bool:
    """Whether a course in this folder has ended."""
    path = folder / "state.json"
    return path.exists() and bool(json.loads(path.read_text("utf-8")).get("finished"))


def load_best(network: nn.Module, folder: Path) -> nn.Module:
    """Give ``network`` the best weights of a finished course.

    Raises
    ------
    TrainingError
        There is none in ``folder``, or it is of another network.
    """
    try:
        stored = load_file(str(folder / "state.safetensors"))
        own = network.state_dict()
        best = {k.split(":", 1)[1]: v for k, v in stored.items() if k.startswith("best:")}
        network.load_state_dict({k: v.to(own[k].dtype) for k, v in best.items()})
    except (OSError, RuntimeError, KeyError, SafetensorError) as error:
        raise TrainingError(f"'{folder.name}' does not hold a finished run of this network.") from error
    return network
