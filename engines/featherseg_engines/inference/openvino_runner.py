"""A network in OpenVINO on the CPU: an optional package, and the one door through which it is imported.

``import openvino`` imports ``openvino_telemetry`` where that is installed, and this writes an analytics id into the
person's home and sends events. Here it is shut out before: nothing of Featherseg may import openvino elsewhere.
"""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from featherseg_engines.errors import MissingPackageError
from featherseg_engines.inference.feature_outputs import chosen_output
from featherseg_engines.inference.runner import Shape, Signature, in_pieces

Floats = npt.NDArray[np.float32]
Precision = Literal["f32", "bf16"]
TELEMETRY = "openvino_telemetry"


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
    # Python answers an import of None with ImportError, and OpenVINO then takes its own empty stand-in.
    somebodys = sys.modules.get(TELEMETRY)
    sys.modules[TELEMETRY] = None  # type: ignore[assignment]
    try:
        import openvino
    except ImportError as error:
        raise MissingPackageError(
            "OpenVINO is not installed or does not fit this system; the models run without it, or: "
            "pip install --no-deps openvino."
        ) from error
    finally:
        if somebodys is not None:  # another plugin's own import stays that plugin's affair
            sys.modules[TELEMETRY] = somebodys
    return openvino  # type: ignore[no-any-return]


class OpenVinoRunner:
    """A network in OpenVINO on the CPU.

    Parameters
    ----------
    threads
        Threads one answer is computed with.
    precision
        ``bf16``: products in bfloat16 (8 bits of mantissa), sums in fp32; fast only on a CPU that has it.
    further
        Tensors to give besides the answer (:mod:`featherseg_engines.inference.feature_outputs`).
    """

    def __init__(
        self,
        path: Path,
        threads: int = 2,
        precision: Precision = "f32",
        *,
        further: tuple[str, ...] = (),
    ) -> None:
        core = import_openvino().Core()
        options = {
            "INFERENCE_PRECISION_HINT": precision,
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": 1,
            "ENABLE_CPU_PINNING": False,  # two programs pinned to the same core wait for each other
        }
        model = core.read_model(str(path))
        names = [next(iter(sorted(out.get_names())), "") for out in model.outputs]
        self._answer = chosen_output(names)
        self.signature = Signature(
            tuple(_shape(i.get_partial_shape()) for i in model.inputs),
            _shape(model.outputs[self._answer].get_partial_shape()),
        )
        if further:
            model.add_outputs(list(further))
        self._further = range(len(model.outputs) - len(further), len(model.outputs))
        # compiled for any shape: for one shape alone it is no faster, and takes half a second at each new one
        self._request = core.compile_model(model, "CPU", options).create_infer_request()

    def run(self, batch: Floats) -> Floats:
        """See :class:`~featherseg_engines.inference.runner.Runner`."""
        return in_pieces(batch, self.signature.inputs[0][0], self._run)

    def reveal(self, batch: Floats) -> tuple[Floats, list[Floats]]:
        """See :class:`~featherseg_engines.inference.runner.Runner`."""
        answer = self._request.infer([np.ascontiguousarray(batch)], share_inputs=True, share_outputs=True)
        logits, *maps = (np.array(answer[i], np.float32) for i in (self._answer, *self._further))
        return logits, maps

    def _run(self, batch: Floats) -> Floats:
        answer = self._request.infer([np.ascontiguousarray(batch)], share_inputs=True, share_outputs=True)
        return np.array(
            answer[self._answer], np.float32
        )  # the request's own memory is written over next time


def computes_bf16() -> bool:
    """Whether OpenVINO says that this CPU computes in bfloat16."""
    return "BF16" in import_openvino().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def _shape(partial: Any) -> Shape:
    return tuple(side.get_length() if side.is_static else None for side in partial)
