"""``python3 dev.py bench int8``: what whole numbers of 8 bits would give each RepSegNet bundle here.

Static quantisation of ONNX Runtime, a scale per channel, calibrated on train images seen through the bundle's own
preprocessing; beside it the shipped file in single precision, in the same run: dev Dice of both, and milliseconds
of an answer in turn. Worth shipping is what loses less than 0.005 and is faster.

    python3 dev.py bench int8 [--models repsegnet.skin,repsegnet.nuclei] [--images 48]
"""

import argparse
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from onnx import TensorProto, numpy_helper

from featherseg_engines.datasets import Dataset
from featherseg_engines.evaluation import scored
from featherseg_engines.inference import whole
from featherseg_engines.inference.postprocess import labels_at, probabilities
from featherseg_engines.models.bundle import ONNX, ModelBundle
from featherseg_engines.models.catalogue import Catalogue
from featherseg_engines.training.rows import data_of, read_rows
from featherseg_resources import models_folder, recipes_file

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
MAY_LOSE = 0.005
TIMES = 25
Floats = npt.NDArray[np.float32]


def in_single(content: bytes) -> onnx.ModelProto:
    """The model with its half-precision kernels as single ones, the Casts behind them gone."""
    model = onnx.load_from_string(content)
    graph = model.graph
    halves = {t.name: t for t in graph.initializer if t.data_type == TensorProto.FLOAT16}
    kept = []
    for node in graph.node:
        if node.op_type == "Cast" and node.input[0] in halves:
            values = numpy_helper.to_array(halves[node.input[0]]).astype(np.float32)
            graph.initializer.remove(halves[node.input[0]])
            graph.initializer.append(numpy_helper.from_array(values, node.output[0]))
        else:
            kept.append(node)
    del graph.node[:]
    graph.node.extend(kept)
    return model


def seen(bundle: ModelBundle, train: Dataset, count: int) -> list[Floats]:
    """Up to ``count`` inputs of the network, from images spread over the train part."""
    inputs: list[Floats] = []

    def keep(batch: Floats) -> Floats:
        inputs.append(batch.copy())
        return np.zeros((len(bundle.card.labels) + 1, *batch.shape[2:]), np.float32)

    for case in train.cases[:: max(1, len(train.cases) // count)][:count]:
        whole.of_volume(bundle.card.preprocessing, train.read(case)[0].voxels, keep)
    return inputs[:: max(1, len(inputs) // count)][:count]


def quantised(single: Path, inputs: list[Floats], folder: Path) -> Path:
    """The file in 8 bits."""
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self._left: Iterator[Floats] = iter(inputs)

        def get_next(self) -> dict[str, Floats] | None:
            batch = next(self._left, None)
            return None if batch is None else {"image": batch}

    ready, done = folder / "ready.onnx", folder / "int8.onnx"
    quant_pre_process(str(single), str(ready), skip_symbolic_shape=True)
    quantize_static(
        str(ready),
        str(done),
        Reader(),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
    )
    return done


def runner(path: Path, bundle: ModelBundle) -> Callable[[Floats], Floats]:
    """Network input to probabilities, on two threads."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 2, 3
    session = onnxruntime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])

    def run(batch: Floats) -> Floats:
        return probabilities(session.run(["logits"], {"image": batch})[0][0], bundle.card.activation)

    return run


def line(bundle: ModelBundle, train: Dataset, dev: Dataset, images: int) -> str:
    """A row of the table."""
    pre, inputs = bundle.card.preprocessing, seen(bundle, train, images)
    with tempfile.TemporaryDirectory() as name:
        single = Path(name) / "single.onnx"
        onnx.save(in_single((bundle.folder / ONNX).read_bytes()), single)
        runs = [runner(p, bundle) for p in (single, quantised(single, inputs, Path(name)))]
    dice = [
        scored(lambda v, r=run: labels_at(whole.of_volume(pre, v, r), 0.5), dev, surfaces=False)
        .summary()
        .dice
        for run in runs
    ]
    taken: list[list[float]] = [[], []]
    for _ in range(TIMES):
        for run, times in zip(runs, taken, strict=True):
            started = time.perf_counter()
            run(inputs[0])
            times.append(1000 * (time.perf_counter() - started))
    slow, fast = (statistics.median(t) for t in taken)
    worth = "yes" if dice[0] - dice[1] < MAY_LOSE and fast < slow else "no"
    name = bundle.card.name
    return f"| {name} | {dice[0]:.3f} | {dice[1]:.3f} | {slow:.1f} | {fast:.1f} | {slow / fast:.2f} x | {worth} |"


def main(arguments: list[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", default="")
    parser.add_argument("--images", type=int, default=48)
    chosen = parser.parse_args(arguments)
    warnings.simplefilter("ignore")
    rows = read_rows(recipes_file())
    bundles = [b for b in Catalogue([models_folder()]).bundles() if b.card.name.startswith("repsegnet.")]
    wanted = chosen.models.split(",") if chosen.models else [b.card.name for b in bundles]
    sys.stdout.write("| model | Dice, fp32 | Dice, int8 | ms, fp32 | ms, int8 | faster | worth shipping |\n")
    sys.stdout.write("|---|---|---|---|---|---|---|\n")
    for bundle in (b for b in bundles if b.card.name in wanted):
        row = rows[bundle.card.name]
        train, dev = (data_of(row, DATA, split) for split in ("train", "dev"))
        sys.stdout.write(line(bundle, train, dev, chosen.images) + "\n")
        sys.stdout.flush()
    return 0
