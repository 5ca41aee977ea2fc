"""What of this computer decides how fast a network runs: cores, memory, and what its CPU can compute."""

import os
import platform
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import psutil

FEATURES = ("avx2", "avx512f", "avx512_bf16", "avx512_vnni", "amx_bf16", "amx_int8", "asimd", "bf16")
"""CPU flags that matter, as Linux names them."""
MOST_THREADS = 4
"""More threads than this for one answer bring little and take the machine from its owner."""


@dataclass(frozen=True, slots=True)
class Machine:
    """Cores, memory and CPU features; nothing that names the person or the computer.

    Parameters
    ----------
    features
        Of :data:`FEATURES`, those the CPU has; empty where the system does not say.
    """

    cpu: str
    cores: int
    usable_cores: int
    memory_gb: float
    features: tuple[str, ...]
    system: str

    @property
    def threads(self) -> tuple[int, ...]:
        """The numbers of threads worth trying."""
        return tuple(range(1, max(1, min(self.cores, self.usable_cores, MOST_THREADS)) + 1))

    @property
    def may_have_bf16(self) -> bool:
        """Whether bfloat16 products may be fast here; True where the system does not say."""
        return not self.features or bool({"avx512_bf16", "amx_bf16", "bf16"} & set(self.features))


@lru_cache(maxsize=1)
def this_machine() -> Machine:
    """The computer this runs on."""
    cores = psutil.cpu_count(logical=False) or os.cpu_count() or 1
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    name, flags = _cpu_of_linux()
    return Machine(
        name or platform.processor() or platform.machine(),
        cores,
        usable,
        round(psutil.virtual_memory().total / 2**30, 1),
        tuple(feature for feature in FEATURES if feature in flags),
        f"{platform.system()} {platform.machine()}",
    )


def _cpu_of_linux() -> tuple[str, set[str]]:
    try:
        text = Path("/proc/cpuinfo").read_text("utf-8", errors="replace")
    except OSError:
        return "", set()
    name, flags = "", set[str]()
    for line in text.splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "model name" and not name:
            name = value.strip()
        elif key.strip() in ("flags", "Features") and not flags:
            flags = set(value.split())
    return name, flags
