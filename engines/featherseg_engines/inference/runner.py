"""What computes a network: the seam between a model and the library that runs it, and ONNX Runtime behind it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from featherseg_engines.inference.feature_outputs import chosen_output, with_outputs
from featherseg_engines.inference.onnx_rewrite import rewritten

Floats = npt.NDArray[np.float32]
Shape = tuple[int | None, ...]
"""Sides of an array; None where the file leaves one free."""


@dataclass(frozen=True, slots=True)
class Signature:
    """What a network's file says it takes and gives.

    Parameters
    ----------
    inputs
        The shape of each input.
    output
        The shape of the answer that is used: the one named ``logits``, else the first.
    """

    inputs: tuple[Shape, ...]
    output: Shape


class Runner(Protocol):
    """A loaded network. Used by one thread at a time; its own threads sleep between two calls."""

    @property
    def signature(self) -> Signature:
        """What the file says of its input and output."""
        ...

    def run(self, batch: Floats) -> Floats:
        """Logits (n, outputs, *sides) of images (n, channels, *sides), any n from 1 on, any sides.

        Raises whatever the library raises; the caller names the model.
        """
        ...

    def reveal(self, batch: Floats) -> tuple[Floats, list[Floats]]:
        """The logits of one image (1, channels, *sides), and the further outputs the runner was opened with."""
        ...


def in_pieces(batch: Floats, batch_axis: int | None, run: Callable[[Floats], Floats]) -> Floats:
    """Answer a batch through a file that takes only so many images at a time (``batch_axis``; None: any)."""
    if batch_axis is None or batch_axis == len(batch) or batch_axis < 1 or len(batch) % batch_axis:
        return run(batch)
    return np.concatenate([run(batch[i : i + batch_axis]) for i in range(0, len(batch), batch_axis)])


class OnnxRunner:
    """A network in ONNX Runtime on the CPU, fp32: the answer that every other way is measured against.

    Parameters
    ----------
    threads
        Threads one answer is computed with.
    rewrite
        Change the graph in memory where the answer stays the same and comes sooner
        (:mod:`featherseg_engines.inference.onnx_rewrite`).
    further
        Tensors to give besides the answer (:mod:`featherseg_engines.inference.feature_outputs`).
    """

    def __init__(
        self, path: Path, threads: int = 2, *, rewrite: bool = True, further: tuple[str, ...] = ()
    ) -> None:
        import onnxruntime

        content = rewritten(path.read_bytes()) if rewrite else None
        if further:
            content = with_outputs(path.read_bytes(), further, rewriting=rewrite)
        self._session = onnxruntime.InferenceSession(
            str(path) if content is None else content,
            onnx_options(threads),
            providers=["CPUExecutionProvider"],
        )
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        chosen = outputs[chosen_output([out.name for out in outputs])]
        self._input, self._output, self._further = inputs[0].name, chosen.name, further
        self.signature = Signature(tuple(_shape(i.shape) for i in inputs), _shape(chosen.shape))

    def run(self, batch: Floats) -> Floats:
        """See :class:`Runner`."""
        return in_pieces(batch, self.signature.inputs[0][0], self._run)

    def reveal(self, batch: Floats) -> tuple[Floats, list[Floats]]:
        """See :class:`Runner`."""
        logits, *maps = self._session.run([self._output, *self._further], {self._input: batch})
        return np.asarray(logits), maps

    def _run(self, batch: Floats) -> Floats:
        return np.asarray(self._session.run([self._output], {self._input: batch})[0])


def onnx_options(threads: int):  # type: ignore[no-untyped-def]  # ONNX Runtime has no types
    """Session options as measured best on two AVX-512 cores (``python3 dev.py bench deployed``).

    Idle threads sleep: spinning gained nothing that could be told from noise, two live sessions slowed each other
    from 31 to 61 ms by it, and the fan runs. All graph optimisations: without the last level (layout in blocks of 16
    channels) every network takes 1.4 to 2.5 times as long. Fixing the sides at load made RepSegNet 1.5 times
    slower; memory patterns, arena and block size made no difference, so they stay as they come.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    # not session.set_denormal_as_zero: it changes how the calling thread computes everything from then on
    return options


def _shape(sides: list[int | str | None]) -> Shape:
    return tuple(side if isinstance(side, int) and side > 0 else None for side in sides)
