"""Which way of computing a network is fastest on the person's own machine: measured once, kept in a small file.

Until it is measured, ONNX Runtime answers; nothing here runs before somebody asks (``featherseg doctor``, or the
window in idle time). Two things are kept apart: the time, which the graph decides, so models of one network share
it; and whether bfloat16 gives the same mask, which the weights decide.
"""

import contextlib
import hashlib
import json
import os
import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from platformdirs import user_cache_path

from featherseg_engines.errors import WriteError
from featherseg_engines.imaging.safe_write import write_verified
from featherseg_engines.inference import whole
from featherseg_engines.inference.backends import Choice, choices, open_runner, usual_shape, versions
from featherseg_engines.inference.machine import this_machine
from featherseg_engines.inference.postprocess import labels_at, probabilities
from featherseg_engines.inference.proposal import CancelToken
from featherseg_engines.inference.runner import Runner
from featherseg_engines.models.bundle import ModelBundle

PLACE = "FEATHERSEG_SETTINGS"
"""Environment variable that names another folder (the session's settings lie there too)."""
FILE = "speed.json"
FORMAT = 1
MOST_ENTRIES = 300
RUNS = 5
AGREES = 0.99
"""Dice with the fp32 mask from which on a bfloat16 answer is as good."""
AS_FAST = 1.05
"""A plainer way is taken while it needs at most this much of the fastest's time."""


@dataclass(frozen=True, slots=True)
class Timed:
    """What was measured for one bundle: milliseconds an image by way, and the Dice of bfloat16 (None: no bf16)."""

    ms: dict[str, float]
    dice: float | None


def choice_for(bundle: ModelBundle) -> Choice | None:
    """The fastest way to compute this bundle here, or None where that was not measured yet."""
    timed = timed_for(bundle)
    return None if timed is None else _fastest(timed)


def timed_for(bundle: ModelBundle) -> Timed | None:
    """What was measured for this bundle with these versions on this CPU, if anything."""
    kept = _read()
    ms, dice = kept["ms"].get(_graph_key(bundle)), kept["dice"].get(_weights_key(bundle), False)
    return None if ms is None or dice is False else Timed(ms, dice)


def time_bundle(bundle: ModelBundle, cancel: CancelToken, again: bool = False) -> Choice:
    """Measure what is not known yet, keep it, and say which way is fastest.

    Takes some seconds for a network not met before, one for the weights of a known one. A folder that cannot be
    written is no error: it is then measured again next time.

    Raises
    ------
    Cancelled
        Somebody asked to stop; nothing is kept.
    ModelError
        The bundle's file is missing or damaged.
    """
    bundle.verify()
    kept = _read()
    ms = None if again else kept["ms"].get(_graph_key(bundle))
    if ms is None:
        ms = _times(bundle, cancel)
    fastest_bf16 = min((way for way in _ways(ms) if way.precision == "bf16"), key=_time_in(ms), default=None)
    dice = None if fastest_bf16 is None else _agreement(bundle, fastest_bf16, cancel)
    _keep({"ms": {_graph_key(bundle): ms}, "dice": {_weights_key(bundle): dice}})
    return _fastest(Timed(ms, dice))


def _fastest(timed: Timed) -> Choice:
    exact = timed.dice is not None and timed.dice >= AGREES
    ways = [way for way in _ways(timed.ms) if way.precision == "f32" or exact]
    if not ways:
        return Choice()
    limit = min(timed.ms[str(way)] for way in ways) * AS_FAST
    return next(way for way in ways if timed.ms[str(way)] <= limit)


def _ways(ms: dict[str, float]) -> list[Choice]:
    """The ways that were timed and are there now, the plainest first."""
    return [way for way in choices(this_machine()) if str(way) in ms]


def _time_in(ms: dict[str, float]) -> Any:
    return lambda way: ms[str(way)]


def _times(bundle: ModelBundle, cancel: CancelToken) -> dict[str, float]:
    """Median milliseconds an image of each way that can load the network."""
    image = np.random.default_rng(0).standard_normal(usual_shape(bundle), np.float32)
    found = {}
    for way in choices(this_machine()):
        cancel.check()
        # A way that cannot load or run this network is no candidate; the libraries' errors share no base class.
        with contextlib.suppress(RuntimeError, ValueError, TypeError, MemoryError):
            found[str(way)] = _median_ms(open_runner(bundle, way), image, cancel)
    return found


def _median_ms(runner: Runner, image: npt.NDArray[np.float32], cancel: CancelToken) -> float:
    seconds = []
    for i in range(2 + RUNS):
        cancel.check()
        started = time.perf_counter()
        runner.run(image)
        if i >= 2:
            seconds.append(time.perf_counter() - started)
    return round(statistics.median(seconds) * 1000, 2)


# -- bfloat16 against fp32 -------------------------------------------------------------------------------


def _agreement(bundle: ModelBundle, way: Choice, cancel: CancelToken) -> float:
    """Dice of the masks of ``way`` with those of fp32 over the built-in images; 1 where all are empty."""
    exact, other = open_runner(bundle, Choice(threads=way.threads)), open_runner(bundle, way)
    both = total = 0
    for pixels in _images(bundle):
        masks = []
        for runner in (exact, other):
            cancel.check()
            masks.append(_mask(bundle, runner, pixels))
        both += 2 * int(np.count_nonzero((masks[0] == masks[1]) & (masks[0] > 0)))
        total += int(np.count_nonzero(masks[0])) + int(np.count_nonzero(masks[1]))
    return round(both / total, 4) if total else 1.0


def _mask(bundle: ModelBundle, runner: Runner, pixels: npt.NDArray[np.generic]) -> npt.NDArray[np.uint8]:
    pre, activation = bundle.card.preprocessing, bundle.card.activation

    def answer(batch: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        return probabilities(runner.run(batch)[0], activation)

    find = whole.of_volume if pre.dims == 3 else whole.of_slice
    return labels_at(find(pre, pixels, answer), 0.5)


def _images(bundle: ModelBundle) -> list[npt.NDArray[np.generic]]:
    """The sample images; for networks that take volumes a block with a bright ball in noise."""
    pre = bundle.card.preprocessing
    if pre.dims == 3:
        axes = np.meshgrid(*(np.linspace(-1, 1, n) for n in pre.patch), indexing="ij")
        ball = np.where(sum(axis**2 for axis in axes) < 0.3, 700, 300)
        noise = np.random.default_rng(0).normal(0, 60, pre.patch)
        return [np.asarray(ball + noise, np.int16)]
    from PIL import Image

    from featherseg_resources import samples_folder

    paths = sorted(samples_folder().glob("*.jpg"))
    return [np.asarray(Image.open(path).convert("RGB")) for path in paths]


# -- the file --------------------------------------------------------------------------------------------


def _folder() -> Path:
    named = os.environ.get(PLACE)
    return Path(named) if named else user_cache_path("featherseg", False)


def _read() -> dict[str, dict[str, Any]]:
    """The file's two tables; empty where it is missing, damaged or of another format."""
    empty: dict[str, dict[str, Any]] = {"ms": {}, "dice": {}}
    try:
        plain = json.loads((_folder() / FILE).read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return empty
    if not isinstance(plain, dict) or plain.get("format") != FORMAT:
        return empty
    ms, dice = plain.get("ms"), plain.get("dice")
    if not isinstance(ms, dict) or not isinstance(dice, dict):
        return empty
    return {
        "ms": {key: row for key, row in ms.items() if _are_times(row)},
        "dice": {key: d for key, d in dice.items() if d is None or isinstance(d, int | float)},
    }


def _are_times(row: object) -> bool:
    return isinstance(row, dict) and all(isinstance(t, int | float) and t > 0 for t in row.values())


def _keep(new: dict[str, dict[str, Any]]) -> None:
    kept = _read()
    for table, rows in new.items():
        for key, row in rows.items():
            kept[table].pop(key, None)  # the newest stands last and is dropped last
            kept[table][key] = row
        kept[table] = dict(list(kept[table].items())[-MOST_ENTRIES:])
    text = json.dumps({"format": FORMAT, **kept}, indent=1)
    path = _folder() / FILE
    with contextlib.suppress(OSError, WriteError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_verified(path, lambda p: _put(p, text), lambda p: p.read_text("utf-8") == text)


def _put(path: Path, text: str) -> None:
    path.write_text(text, "utf-8")


def _graph_key(bundle: ModelBundle) -> str:
    """All that decides the time: the graph (network, size of its file, input), libraries, CPU."""
    size = bundle.onnx.stat().st_size >> 16 if bundle.onnx.is_file() else 0
    return _digest(f"{bundle.card.network} {size} {usual_shape(bundle)}")


def _weights_key(bundle: ModelBundle) -> str:
    """All that decides whether two ways give the same mask: weights, libraries, CPU."""
    return _digest(bundle.identity)


def _digest(what: str) -> str:
    machine = this_machine()
    where = f"{versions()} {machine.cpu} {machine.cores} {machine.usable_cores}"
    return hashlib.sha256(f"{what} {where}".encode()).hexdigest()[:16]
