"""From a trained network to the file that is deployed, and the proof that both answer the same."""

import copy
import io
import statistics
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from featherseg_engines.errors import ModelError
from featherseg_engines.imaging.safe_write import write_verified
from featherseg_engines.networks.spec import deployed_form

if TYPE_CHECKING:
    import onnx

    _Stored = tuple[list[onnx.TensorProto], list[onnx.NodeProto]]

TOLERANCE = 3e-3
"""Largest difference between ONNX Runtime and torch in double precision, relative to the largest answer; on noise,
sums in another order have come to 8e-4 (repsegnet.blood_cells), a fault in the export is a hundred times that."""


def export_onnx(network: nn.Module, path: Path, in_channels: int, sides: tuple[int, ...]) -> None:
    """Write the deployed form of ``network`` with dynamic batch and sides, verified against torch.

    Parameters
    ----------
    network
        Training form; it is not changed.
    sides
        Height and width (or depth, height, width) of the example, multiples of the network's stride.

    Raises
    ------
    ModelError
        ONNX Runtime's answer differs from torch's.
    WriteError
        The file cannot be written.
    """
    deployed = deployed_form(network)
    example = torch.randn(1, in_channels, *sides, generator=torch.Generator().manual_seed(0))
    content = onnx_bytes(deployed, example)
    stride = int(getattr(network, "stride", 16))
    probe = torch.randn(
        2, in_channels, *(s + stride for s in sides), generator=torch.Generator().manual_seed(1)
    )
    difference = onnx_difference(content, deployed, probe)
    if not difference < TOLERANCE:
        raise ModelError(
            f"The exported model differs from the trained one by {difference:.2g}; it was not saved."
        )
    write_verified(path, lambda p: _put(p, content), lambda p: p.read_bytes() == content)


def _put(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def onnx_bytes(deployed: nn.Module, example: torch.Tensor) -> bytes:
    """The module as an ONNX file: input ``image``, output ``logits``, batch and all sides dynamic."""
    names = {0: "batch", **{i + 2: f"side{i}" for i in range(example.ndim - 2)}}
    buffer = io.BytesIO()
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            deployed.eval(),
            (example,),
            buffer,  # type: ignore[arg-type]
            input_names=["image"],
            output_names=["logits"],
            dynamic_axes={"image": names, "logits": names},
            opset_version=17,
            dynamo=False,
        )
    return buffer.getvalue()


def onnx_difference(content: bytes, deployed: nn.Module, probe: torch.Tensor) -> float:
    """Largest absolute difference of both answers to ``probe``, relative to the largest answer.

    torch computes in double precision: in single, its own answer to noise was as far off as what is to be judged.
    Not for volumes: in double precision torch unfolds them, and a patch of 48³ took more than 5 GB.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    answer = session.run(["logits"], {"image": probe.numpy()})[0]
    with torch.no_grad():
        exact = torch.float64 if probe.ndim == 4 else torch.float32
        expected = copy.deepcopy(deployed).eval().to(exact)(probe.to(exact)).numpy()
    return float(np.abs(answer - expected).max() / max(float(np.abs(expected).max()), 1e-6))


def with_half_kernels(content: bytes, smallest: int = 256) -> bytes:
    """The same ONNX file with its kernels stored in half precision and a Cast behind each.

    ONNX Runtime folds the Casts when it loads the file and computes in single precision as before; tensors of
    fewer than ``smallest`` values stay as they are.
    """
    from onnx import TensorProto, helper, numpy_helper

    def halved(tensor: "onnx.TensorProto") -> "_Stored | None":
        values = numpy_helper.to_array(tensor)
        if tensor.data_type != TensorProto.FLOAT or values.size < smallest:
            return None
        name = f"{tensor.name}_half"
        stored = numpy_helper.from_array(values.astype(np.float16), name)
        return [stored], [helper.make_node("Cast", [name], [tensor.name], to=TensorProto.FLOAT)]

    return _stored_as(content, halved)


LEVELS = "byte_levels"
"""Name of what the bytes of an ONNX file stand for."""


def with_byte_kernels(content: bytes, smallest: int = 4096) -> bytes:
    """The same ONNX file with each large kernel stored as bytes, 127 steps to either side of zero a row.

    Computed in single precision as before: what the bytes stand for is looked up and multiplied out when the file is
    loaded (looked up, not converted: OpenVINO takes a converted byte for a network in 8 bits, and ends the program).
    Kernels in half precision are taken too; vectors, and tensors of fewer than ``smallest`` values, stay.
    """
    from onnx import TensorProto, helper, numpy_helper

    def in_bytes(tensor: "onnx.TensorProto") -> "_Stored | None":
        wide, name = numpy_helper.to_array(tensor), tensor.name
        kinds = (TensorProto.FLOAT, TensorProto.FLOAT16)
        if tensor.data_type not in kinds or wide.ndim < 2 or wide.size < smallest:
            return None
        wide = wide.astype(np.float32)
        step = np.abs(wide).max(axis=tuple(range(1, wide.ndim)), keepdims=True) / 127
        step = np.where(step > 0, step, 1).astype(np.float32)
        stored = [
            numpy_helper.from_array((np.round(wide / step) + 127).astype(np.uint8), f"{name}_byte"),
            numpy_helper.from_array(step, f"{name}_step"),
        ]
        return stored, [
            helper.make_node("Cast", [f"{name}_byte"], [f"{name}_at"], to=TensorProto.INT32),
            helper.make_node("Gather", [LEVELS, f"{name}_at"], [f"{name}_whole"]),
            helper.make_node("Mul", [f"{name}_whole", f"{name}_step"], [name]),
        ]

    levels = numpy_helper.from_array(np.arange(-127, 128, dtype=np.float32), LEVELS)
    return _stored_as(content, in_bytes, [levels])


def _stored_as(
    content: bytes,
    store: "Callable[[onnx.TensorProto], _Stored | None]",
    further: "Sequence[onnx.TensorProto]" = (),
) -> bytes:
    """The file with some tensors stored otherwise, and the nodes that make them of it; ``further`` tensors beside."""
    import onnx

    model = onnx.load_from_string(content)
    graph = model.graph
    kept, nodes = list(further), []
    for tensor in graph.initializer:
        stored, made = store(tensor) or ([tensor], [])
        kept += stored
        nodes += made
    nodes += graph.node
    del graph.initializer[:], graph.node[:]
    graph.initializer.extend(kept)
    graph.node.extend(nodes)
    return bytes(model.SerializeToString())


def milliseconds(content: bytes, image: npt.NDArray[np.float32], times: int = 15) -> float:
    """Median time of one answer of an ONNX file on two threads of ONNX Runtime."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 2, 3
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        session.run(["logits"], {"image": image})
        taken.append(1000 * (time.perf_counter() - started))
    return round(statistics.median(taken), 1)
