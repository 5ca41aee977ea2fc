"""A network in OpenVINO on the CPU: an optional package, and the one door through which it is imported.

``import openvino`` imports ``openvino_telemetry`` where that is installed, and this writes an analytics id into the
person's home and sends events. Here it is shut out before: nothing of Featherseg may import openvino elsewhere.
"""

import importlib.util
import sys
from collections import OrderedDict
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from featherseg_engines.errors import MissingPackageError
from featherseg_engines.inference.runner import Shape, Signature, chosen_output, in_pieces

Floats = npt.NDArray[np.float32]
Precision = Literal["f32", "bf16"]
TELEMETRY = "openvino_telemetry"
KEPT_SHAPES = 2
"""Networks compiled for one shape that are kept; each holds its own copy of the weights."""
OFTEN = 8
"""A shape that came so often in a row is worth half a second of compiling: it then runs about a tenth faster."""


def installed() -> bool:
    """Whether the package is there; imports nothing."""
    return importlib.util.find_spec("openvino") is not None


def import_openvino() -> ModuleType:
    """The package openvino, its telemetry shut out.

    Raises
    ------
    MissingPackageError
        It is not installed, or does not fit this system.
    """
    if sys.modules.get(TELEMETRY) is None:
        # Python answers an import of None with ImportError, and OpenVINO then takes its own empty stand-in.
        sys.modules[TELEMETRY] = None  # type: ignore[assignment]
    try:
        import openvino
    except ImportError as error:
        raise MissingPackageError(
            "OpenVINO is not installed or does not fit this system; the models run without it, or: "
            "pip install --no-deps openvino."
        ) from error
    return openvino  # type: ignore[no-any-return]


class OpenVinoRunner:
    """A network in OpenVINO on the CPU.

    Parameters
    ----------
    threads
        Threads one answer is computed with.
    precision
        ``bf16``: products in bfloat16 (8 bits of mantissa), sums in fp32; fast only on a CPU that has it.
    shape
        A shape (n, channels, *sides) that will come most: compiled at once for it. Others run through a network
        compiled for any shape, made at the first of them.
    """

    def __init__(
        self, path: Path, threads: int = 2, precision: Precision = "f32", shape: tuple[int, ...] = ()
    ) -> None:
        self._core = import_openvino().Core()
        self._path = path
        self._options = {
            "INFERENCE_PRECISION_HINT": precision,
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": 1,
            "ENABLE_CPU_PINNING": False,  # two programs pinned to the same core wait for each other
        }
        model = self._core.read_model(str(path))
        names = [next(iter(sorted(out.get_names())), "") for out in model.outputs]
        self._answer = chosen_output(names)
        self.signature = Signature(
            tuple(_shape(i.get_partial_shape()) for i in model.inputs),
            _shape(model.outputs[self._answer].get_partial_shape()),
        )
        self._free: Any = None
        self._fixed: OrderedDict[tuple[int, ...], Any] = OrderedDict()
        self._last: tuple[tuple[int, ...], int] = ((), 0)
        if shape:
            self._fix(shape)
        else:
            self._any()

    def run(self, batch: Floats) -> Floats:
        """See :class:`~featherseg_engines.inference.runner.Runner`."""
        return in_pieces(batch, self.signature.inputs[0][0], self._run)

    def _run(self, batch: Floats) -> Floats:
        request = self._fixed.get(batch.shape) or self._for(batch.shape)
        answer = request.infer([np.ascontiguousarray(batch)], share_inputs=True, share_outputs=True)
        return np.array(
            answer[self._answer], np.float32
        )  # the request's own memory is written over next time

    def _for(self, shape: tuple[int, ...]) -> Any:
        """The request for a shape that has none of its own (yet)."""
        times = self._last[1] + 1 if shape == self._last[0] else 1
        self._last = (shape, times)
        return self._fix(shape) if times > OFTEN else self._any()

    def _fix(self, shape: tuple[int, ...]) -> Any:
        model = self._core.read_model(str(self._path))
        model.reshape(list(shape))
        self._fixed[shape] = self._core.compile_model(model, "CPU", self._options).create_infer_request()
        while len(self._fixed) > KEPT_SHAPES:
            self._fixed.popitem(last=False)
        return self._fixed[shape]

    def _any(self) -> Any:
        if self._free is None:
            model = self._core.read_model(str(self._path))
            self._free = self._core.compile_model(model, "CPU", self._options).create_infer_request()
        return self._free


def computes_bf16() -> bool:
    """Whether OpenVINO says that this CPU computes in bfloat16."""
    return "BF16" in import_openvino().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def _shape(partial: Any) -> Shape:
    return tuple(side.get_length() if side.is_static else None for side in partial)
