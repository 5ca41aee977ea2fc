"""All slices of a volume, each way in a process of its own: seconds and peak memory.

``python volumes.py [slices256|slices512|blocks_row|blocks|blocks_half …]``: a seeded phantom of 200 slices of
512 x 512; ``blocks_half`` has 100 of them, to see that the memory does not grow with the depth beyond the volume
itself and its answer. Machines drift: read the ratios. Processor seconds tell how long it takes where nothing else
runs.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

SIDE = 512
MB = 2**20
WAYS = {
    "slices256": ("repsegnet.skin", 256, 200, "RepSegNet, input 256 x 256"),
    "slices512": ("repsegnet.skin", 512, 200, "RepSegNet, input 512 x 512, not resized"),
    "blocks": ("lgmsnet3d.hippocampus", 0, 200, "LGMSNet-3D, blocks of 32 x 64 x 32"),
    "blocks_row": (
        "lgmsnet3d.hippocampus",
        0,
        32,
        "LGMSNet-3D, one row of blocks of the twelve in 200 slices",
    ),
    "blocks_half": ("lgmsnet3d.hippocampus", 0, 100, "LGMSNet-3D, half as many slices"),
}


def phantom(depth: int):
    """A body with organs and noise as a CT shows it, int16, the same each time."""
    import numpy as np

    from featherseg_engines.geometry import Geometry
    from featherseg_engines.imaging.volume import Volume

    dice = np.random.default_rng(7)
    voxels = np.empty((depth, SIDE, SIDE), np.int16)
    y, x = np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j]
    body = (x / 0.8) ** 2 + (y / 0.6) ** 2 < 1
    centres = dice.uniform(-0.45, 0.45, (12, 3))
    for z, height in enumerate(np.linspace(-0.6, 0.6, depth)):
        plane = np.where(body, 40, -1000) + dice.normal(0, 15, body.shape)
        for cz, cy, cx in centres:
            plane[(x - cx) ** 2 + (y - cy) ** 2 + (height - cz) ** 2 < 0.012] += 120
        voxels[z] = plane
    return Volume(voxels, Geometry(voxels.shape, (2.0, 0.8, 0.8)), "CT", "phantom", content="phantom")


def peak() -> int:
    """Largest memory of this process so far, in bytes."""
    memory = psutil.Process().memory_info()
    if hasattr(memory, "peak_wset"):
        return int(memory.peak_wset)
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def measure(way: str, best: bool) -> None:
    """Run one way here, computed as the self-timing says if ``best``, and print its figures as JSON."""
    from featherseg_engines.inference.backends import Choice
    from featherseg_engines.inference.onnx_engine import OnnxEngine
    from featherseg_engines.inference.proposal import CancelToken, Request
    from featherseg_engines.inference.self_timing import time_bundle
    from featherseg_engines.inference.volume_run import whole_volume
    from featherseg_engines.models.catalogue import Catalogue

    name, side, depth, _ = WAYS[way]
    bundle = Catalogue().resolve(name)
    if side:
        pre = replace(bundle.card.preprocessing, long_side=side)
        bundle = replace(bundle, card=replace(bundle.card, preprocessing=pre))
    os.environ["FEATHERSEG_SETTINGS"] = (
        tempfile.mkdtemp()
    )  # nothing is known of this machine: ONNX Runtime, f32
    chosen = time_bundle(bundle, CancelToken()) if best else Choice()
    volume, engine = phantom(depth), OnnxEngine()
    engine.model(bundle)
    before = psutil.Process().memory_info().rss
    request = Request(1, volume, depth // 2, bundle, image=volume.content, whole=True)
    started, busy, longest = time.perf_counter(), time.process_time(), 0.0
    for step in whole_volume(engine, request):
        longest = max(longest, step.seconds)
        answer = step.whole
    seconds, busy = time.perf_counter() - started, time.process_time() - busy
    assert answer is not None
    found = {"seconds": seconds, "busy": busy, "before": before, "peak": peak(), "longest": longest}
    found["chosen"] = str(chosen)
    print(json.dumps({**found, "answer": answer.levels.nbytes, "volume": volume.voxels.nbytes}))


def main(ways: list[str]) -> None:
    """Each way in a process of its own, so that one's memory does not hide another's."""
    print(
        "| 512 x 512 | slices | seconds | processor s | a slice | longest step | peak memory | volume, answer |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for way, best in [(way, best) for way in ways or list(WAYS) for best in (False, True)]:
        words = [sys.executable, __file__, "--best" if best else "--one", way]
        told = subprocess.run(words, capture_output=True, text=True, check=True).stdout
        figures = json.loads(told.splitlines()[-1])
        *_, depth, title = WAYS[way]
        seconds = figures["seconds"]
        known = (figures["volume"] + figures["answer"]) / MB
        print(
            f"| {title}, {figures['chosen']} | {depth} | {seconds:.1f} | {figures['busy']:.1f} | "
            f"{1000 * seconds / depth:.0f} ms | "
            f"{1000 * figures['longest']:.0f} ms | {figures['peak'] / MB:.0f} MB | {known:.0f} MB |",
            flush=True,
        )


if __name__ == "__main__":
    if sys.argv[1:2] in (["--one"], ["--best"]):
        measure(sys.argv[2], sys.argv[1] == "--best")
    else:
        main(sys.argv[1:])
