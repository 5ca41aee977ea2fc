"""``python3 dev.py bench halves``: a lesson's step in bfloat16 and float32, on this processor and as if it were less.

The less able ones are asked for by oneDNN's own limit, each in a process of its own; ratios are what to read.
"""

import json
import os
import subprocess
import sys
import time

LIMITS = {"this processor": "", "AVX-512 without bfloat16": "AVX512_CORE", "AVX2": "AVX2"}
STEPS = 3
SIDE, BATCH = 128, 8


def step_seconds(half: bool) -> float:
    """Seconds of the fastest of a few steps of RepSegNet in the form that lessons teach."""
    import torch
    from torch import nn

    from featherseg_engines.networks.registry import default_registry
    from featherseg_engines.training.folded_form import folded_form
    from featherseg_engines.training.layout import last_channels

    torch.manual_seed(0)
    network: nn.Module = folded_form(default_registry().build("repsegnet", in_channels=3, classes=2))
    network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    images = last_channels(torch.randn(BATCH, 3, SIDE, SIDE))
    took = []
    for _ in range(STEPS + 1):
        started = time.perf_counter()
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            answer = network(images)
        answer.float().square().mean().backward()
        took.append(time.perf_counter() - started)
    return min(took[1:])


def here() -> None:
    """Both, and which a lesson would take, as one line of JSON."""
    from featherseg_engines.training.layout import half_is_faster

    print(json.dumps({"chosen": half_is_faster(), "half": step_seconds(True), "full": step_seconds(False)}))


def main() -> int:
    """A row for each kind of processor."""
    print(f"RepSegNet as lessons teach it, {BATCH} x {SIDE} x {SIDE}, seconds of a step\n")
    print("| processor | bfloat16 | float32 | ratio | chosen |\n|---|---|---|---|---|")
    for name, limit in LIMITS.items():
        limited = {**os.environ, **({"ONEDNN_MAX_CPU_ISA": limit} if limit else {})}
        if limit == "AVX2":
            limited["ATEN_CPU_CAPABILITY"] = "avx2"
        told = subprocess.run(
            [sys.executable, __file__, "--here"], env=limited, check=True, capture_output=True, text=True
        )
        row = json.loads(told.stdout.splitlines()[-1])
        ratio, chosen = row["half"] / row["full"], "bfloat16" if row["chosen"] else "float32"
        print(f"| {name} | {row['half']:.2f} | {row['full']:.2f} | {ratio:.2f} | {chosen} |", flush=True)
    return 0


if __name__ == "__main__":
    here() if "--here" in sys.argv else main()
