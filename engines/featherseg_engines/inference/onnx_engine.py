"""Proposals through ONNX Runtime on the CPU; knows nothing of torch."""

import time

import numpy as np
import numpy.typing as npt

from featherseg_engines.errors import ModelError
from featherseg_engines.inference.postprocess import probabilities
from featherseg_engines.inference.proposal import FLOOR, CancelToken, Proposal, Request
from featherseg_engines.labels import EMPTY_BOX, Box
from featherseg_engines.models.bundle import ModelBundle

MARGIN = 2
"""Pixels of background kept around a proposal's crop, so that a contour closes."""


class OnnxModel:
    """One bundle's network, loaded, checked against its card.

    Raises
    ------
    ModelError
        A file is missing or damaged, or inputs and outputs do not fit the card.
    """

    def __init__(self, bundle: ModelBundle, threads: int = 2) -> None:
        import onnxruntime

        bundle.verify()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        # Idle threads sleep instead of spinning: the machine stays quiet and sessions do not slow each other.
        options.add_session_config_entry("session.force_spinning_stop", "1")
        try:
            self._session = onnxruntime.InferenceSession(
                str(bundle.onnx), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # ONNX Runtime's errors share no public base class
            raise ModelError(f"The model '{bundle.card.name}' cannot be loaded; install it again.") from error
        self.bundle = bundle
        self._check()

    def _check(self) -> None:
        card, inputs, outputs = self.bundle.card, self._session.get_inputs(), self._session.get_outputs()
        channels = inputs[0].shape[1] if len(inputs) == 1 and len(inputs[0].shape) == card.dims + 2 else None
        if channels != card.preprocessing.channels:
            raise ModelError(
                f"The input of the model '{card.name}' does not fit its card; it cannot be used."
            )
        maps = outputs[0].shape[1] if outputs[0].name == "logits" else -1
        if isinstance(maps, int) and maps != card.outputs:
            raise ModelError(
                f"The output of the model '{card.name}' does not fit its card; it cannot be used."
            )

    def probability(self, pixels: npt.NDArray[np.generic]) -> npt.NDArray[np.float32]:
        """Probability (labels, y, x) of a slice (y, x[, 3]), at its own size."""
        card = self.bundle.card
        batch, placement = card.preprocessing.apply(pixels)
        logits = self._session.run(["logits"], {self._session.get_inputs()[0].name: batch})[0][0]
        if len(logits) != card.outputs:
            raise ModelError(
                f"The model '{card.name}' gave {len(logits)} maps and its card says {card.outputs}."
            )
        if not np.isfinite(logits).all():
            raise ModelError(f"The model '{card.name}' gave values that are not numbers for this image.")
        return card.preprocessing.invert(probabilities(logits, card.activation), placement)


class OnnxEngine:
    """Keeps the models in use loaded and answers requests; used by one thread."""

    def __init__(self, threads: int = 2, keep: int = 2) -> None:
        self._threads, self._keep = threads, keep
        self._models: dict[tuple[str, str], OnnxModel] = {}

    def model(self, bundle: ModelBundle) -> OnnxModel:
        """The loaded model of a bundle; the oldest of more than ``keep`` is dropped."""
        key = (str(bundle.folder), bundle.identity)
        found = self._models.pop(key, None) or OnnxModel(bundle, self._threads)
        self._models[key] = found
        while len(self._models) > self._keep:
            self._models.pop(next(iter(self._models)))
        return found

    def propose(self, request: Request, cancel: CancelToken) -> Proposal:
        """Answer a request; see :class:`~featherseg_engines.inference.proposal.Engine`."""
        model = self.model(request.model)
        cancel.check()
        started = time.perf_counter()
        probability = model.probability(request.volume.slice(request.z))
        seconds = time.perf_counter() - started
        cancel.check()
        box = _crop(probability, request.z)
        y, x = box.slices[1:]
        crop = np.ascontiguousarray(probability[:, y, x])
        card = request.model.card
        return Proposal(request, box, crop, card.name, request.model.identity, seconds)


def _crop(probability: npt.NDArray[np.float32], z: int) -> Box:
    seen = probability.sum(axis=0) >= FLOOR
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    if not rows.size:
        return EMPTY_BOX
    height, width = seen.shape
    return Box(
        (z, max(0, int(rows[0]) - MARGIN), max(0, int(columns[0]) - MARGIN)),
        (z + 1, min(height, int(rows[-1]) + 1 + MARGIN), min(width, int(columns[-1]) + 1 + MARGIN)),
    )
