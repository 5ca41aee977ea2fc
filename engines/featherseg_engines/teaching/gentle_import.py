"""torch is imported so that the window goes on meanwhile."""

import contextlib
import ctypes
import importlib.util
import os
import sys
from pathlib import Path

LIBRARIES = ("libgomp.so.1", "libc10.so", "libtorch_cpu.so", "libtorch.so", "libtorch_python.so")
"""In the order in which each finds what it needs; names that are not there are passed over."""


def load_torch() -> None:
    """Import torch in this thread; its large libraries are loaded while other threads run.

    Python holds its lock while it loads an extension, which for torch is some 400 ms in which no window could draw; a
    call to the system's own ``dlopen`` through ctypes is made without the lock, and the import then finds the
    libraries there. Where this is not Linux, the import is the ordinary one.
    """
    if "torch" not in sys.modules and sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError, ValueError):
            _load_libraries()
    importlib.import_module("torch")


def _load_libraries() -> None:
    found = importlib.util.find_spec("torch")
    if found is None or found.origin is None:
        return
    system = ctypes.CDLL(None)
    system.dlopen.restype, system.dlopen.argtypes = ctypes.c_void_p, [ctypes.c_char_p, ctypes.c_int]
    for name in LIBRARIES:
        path = Path(found.origin).parent / "lib" / name
        if path.is_file():
            system.dlopen(os.fsencode(path), os.RTLD_LAZY)
