"""Deployed networks against eager torch, and where the time of each node goes: ``bench.py deployed|profile``.

The floor of a network is the sum over its nodes of the longer of two times: its multiply-adds at the rate of a large
fp32 matrix product, and its bytes (inputs, weights, output, each once) at the rate of a copy that does not fit the
inner caches. Nothing that computes node by node in fp32 comes below it; fusing nodes saves bytes, bfloat16 both.
"""

import json
import math
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from featherseg_engines.inference.backends import Choice, choices, open_runner
from featherseg_engines.inference.machine import this_machine
from featherseg_engines.inference.onnx_rewrite import rewritten
from featherseg_engines.inference.runner import onnx_options
from featherseg_engines.models.bundle import ModelBundle, open_bundle
from featherseg_resources import models_folder

THREADS = 2
NETWORKS = ("repsegnet", "med2dsegnet", "reunet_slim8", "lgmsnet")
PRODUCT = 2048


@dataclass(frozen=True, slots=True)
class Rates:
    """What this machine does in the same run: multiply-adds and bytes a millisecond."""

    macs: float
    bytes: float


@dataclass(frozen=True, slots=True)
class Node:
    """One node of a deployed graph as ONNX Runtime ran it."""

    name: str
    kind: str
    ms: float
    macs: int
    bytes: int

    def floor(self, rates: Rates) -> float:
        """The least milliseconds it can take in fp32 by itself."""
        return max(self.macs / rates.macs, self.bytes / rates.bytes)


def in_turn(works: dict[str, Callable[[], object]], runs: int, warm: int = 2) -> dict[str, list[float]]:
    """Milliseconds of each work, run in turn so that drift meets all alike."""
    kept: dict[str, list[float]] = {name: [] for name in works}
    for i in range(warm + runs):
        for name, work in works.items():
            started = time.perf_counter()
            work()
            if i >= warm:
                kept[name].append((time.perf_counter() - started) * 1000)
    return kept


def p95(values: list[float]) -> float:
    """95th percentile."""
    return sorted(values)[math.ceil(0.95 * len(values)) - 1]


def product_and_copy() -> dict[str, Callable[[], object]]:
    """The two works that give the machine's rates."""
    import torch

    large = [torch.randn(PRODUCT, PRODUCT) for _ in range(2)]
    here, there = torch.zeros(2 * [2048]), torch.zeros(2 * [2048])  # 16 MB, as RepSegNet's widest maps
    return {"product": lambda: torch.mm(*large), "copy": lambda: there.copy_(here)}


def rates_of(times: dict[str, list[float]], of: Callable[[list[float]], float] = min) -> Rates:
    """From the times of :func:`product_and_copy`: the best there was, for floors, unless ``of`` says otherwise."""
    return Rates(PRODUCT**3 / of(times["product"]), 2 * 4 * 2048**2 / of(times["copy"]))


def deployed(runs: int = 12) -> None:
    """Each network at 256 x 256: eager training form, MONAI's BasicUNet, ONNX Runtime, the best way there is."""
    import torch

    from featherseg_engines.networks.counting import count
    from featherseg_engines.networks.registry import default_registry

    torch.set_num_threads(THREADS)
    ways = [way for way in choices(this_machine()) if way.threads == THREADS]
    print(
        f"256 x 256, batch 1, {THREADS} threads, {runs} runs each in turn; ways: {', '.join(map(str, ways))}"
    )
    head = "network | computed by | median ms | p95 | x eager training | x BasicUNet | of fp32 product | floor ms"
    print(f"| {head} |\n|{'---|' * (head.count('|') + 1)}")
    for name in NETWORKS:
        bundle = open_bundle(models_folder() / f"{name}.skin")
        times = in_turn(works_of(bundle, ways), runs)
        rates, same_run = rates_of(times), rates_of(times, statistics.median)
        nodes = node_times(bundle, 256)
        floor = sum(node.floor(rates) for node in nodes)
        # As the paper counts it: padding to whole blocks and norms written as convolutions are no useful work.
        macs = count(default_registry().get(name), (256, 256)).gmacs_deployed * 1e9
        eager, unet = (statistics.median(times[key]) for key in ("eager torch, training form", "BasicUNet"))
        for way in list(times)[:-2]:
            ms = statistics.median(times[way])
            share = "" if way == "BasicUNet" else f"{macs / ms / same_run.macs:.0%}"
            cells = f"{ms:.1f} | {p95(times[way]):.1f} | {eager / ms:.1f} | {unet / ms:.1f} | {share} | {floor:.1f}"
            print(f"| {name} | {way} | {cells} |", flush=True)
        print(
            f"| | fp32 product {same_run.macs / 1e6:.0f} GMAC/s, copy {same_run.bytes / 1e6:.1f} GB/s | | | | | | |"
        )
    floors(rates)


def works_of(bundle: ModelBundle, ways: list[Choice]) -> dict[str, Callable[[], object]]:
    """What is timed for one network, the machine's rates last."""
    import torch
    from monai.networks.nets import BasicUNet

    from featherseg_engines.networks.registry import default_registry

    image = torch.randn(1, 3, 256, 256)
    plain = np.ascontiguousarray(image.numpy())
    eager = default_registry().build(bundle.card.network, in_channels=3, classes=2).eval()
    unet = BasicUNet(spatial_dims=2, in_channels=3, out_channels=2).eval()

    def ask(module: Any) -> None:
        with torch.inference_mode():
            module(image)

    works: dict[str, Callable[[], object]] = {
        "eager torch, training form": lambda: ask(eager),
        "BasicUNet": lambda: ask(unet),
    }
    for way in ways:
        runner = open_runner(bundle, way)
        works[str(way)] = lambda runner=runner: runner.run(plain)
    return {**works, **product_and_copy()}


def floors(rates: Rates) -> None:
    """Operations and bytes of each network at both sizes, and what they take at least."""
    print(
        "\n| network | side | GMAC | MB moved | floor ms | of it bound by bytes |\n|---|---|---|---|---|---|"
    )
    for name in NETWORKS:
        for side in (256, 512):
            nodes = node_times(open_bundle(models_folder() / f"{name}.skin"), side, runs=2)
            macs, moved = sum(n.macs for n in nodes) / 1e9, sum(n.bytes for n in nodes) / 1e6
            floor = sum(n.floor(rates) for n in nodes)
            bound = sum(n.floor(rates) for n in nodes if n.bytes / rates.bytes > n.macs / rates.macs)
            print(f"| {name} | {side} | {macs:.2f} | {moved:.0f} | {floor:.1f} | {bound / floor:.0%} |")


def profile(name: str = "", side: int = 256) -> None:
    """Each network's time by kind of node, and its ten slowest nodes with their floors."""
    import torch

    torch.set_num_threads(THREADS)
    rates = rates_of(in_turn(product_and_copy(), 15))
    for network in (name,) if name else NETWORKS:
        nodes = node_times(open_bundle(models_folder() / f"{network}.skin"), side, runs=12)
        total = sum(node.ms for node in nodes)
        print(f"\n{network}, {side} x {side}, ONNX Runtime fp32: {total:.1f} ms in {len(nodes)} nodes")
        print("\n| kind | nodes | ms | share | floor ms |\n|---|---|---|---|---|")
        spent: Counter[str] = Counter()
        for node in nodes:
            spent[node.kind] += node.ms
        for kind, ms in spent.most_common(8):
            same = [node for node in nodes if node.kind == kind]
            least = sum(node.floor(rates) for node in same)
            print(f"| {kind} | {len(same)} | {ms:.1f} | {ms / total:.0%} | {least:.1f} |")
        print("\n| slowest nodes | kind | ms | MMAC | MB | floor ms |\n|---|---|---|---|---|---|")
        for node in sorted(nodes, key=lambda node: -node.ms)[:10]:
            work = f"{node.macs / 1e6:.0f} | {node.bytes / 1e6:.1f} | {node.floor(rates):.2f}"
            print(f"| {node.name[-44:]} | {node.kind} | {node.ms:.2f} | {work} |")


def node_times(bundle: ModelBundle, side: int, runs: int = 5) -> list[Node]:
    """Every node of the deployed graph, its median time, operations and bytes, from ONNX Runtime's own profile."""
    import onnxruntime

    options = onnx_options(THREADS)
    options.enable_profiling = True
    with tempfile.TemporaryDirectory() as folder:
        options.profile_file_prefix = str(Path(folder) / "profile")
        content = rewritten(bundle.onnx.read_bytes()) or str(bundle.onnx)
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        image = np.random.default_rng(0).standard_normal((1, 3, side, side), np.float32)
        for _ in range(1 + runs):
            session.run(None, {session.get_inputs()[0].name: image})
        events = json.loads(Path(session.end_profiling()).read_text("utf-8"))
    times: dict[str, list[float]] = {}
    told: dict[str, Any] = {}
    for event in events:
        if event.get("cat") == "Node" and event["name"].endswith("_kernel_time"):
            name = event["name"].removesuffix("_kernel_time")
            times.setdefault(name, []).append(event["dur"] / 1000)
            told[name] = event["args"]
    return [_node(name, statistics.median(ms[1:]), told[name]) for name, ms in times.items()]


def _node(name: str, ms: float, told: dict[str, Any]) -> Node:
    takes, gives = (
        [next(iter(shape.values())) for shape in told[key]]
        for key in ("input_type_shape", "output_type_shape")
    )
    moved = 4 * sum(math.prod(shape) for shape in (*takes, *gives))
    return Node(name, told["op_name"], ms, _macs(told["op_name"], takes, gives), moved)


def _macs(kind: str, takes: list[list[int]], gives: list[list[int]]) -> int:
    """Multiply-adds of a node from its shapes; 0 for what is no product."""
    if kind in ("Conv", "FusedConv"):
        return math.prod(gives[0]) * math.prod(takes[1][1:])
    if kind == "ConvTranspose":
        return math.prod(takes[0]) * math.prod(takes[1][1:]) if len(takes[1]) > 1 else 0
    if kind in ("MatMul", "FusedMatMul", "Gemm"):
        return math.prod(gives[0]) * takes[0][-1]
    if kind == "MultiHeadAttention":
        return 2 * math.prod(takes[0]) * takes[1][1]
    return 0
