"""What decoders throw at damaged files, and how their chatter is kept off the person's terminal."""

import contextlib
import logging
import os
import struct
import sys
import threading
import warnings
import zlib
from collections.abc import Iterator

DAMAGE: tuple[type[Exception], ...] = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    BufferError,
    EOFError,
    LookupError,
    MemoryError,
    NotImplementedError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)
"""What third-party decoders were seen to raise on damaged files, of Python's own kinds."""

FOREIGN = {
    "PIL.Image": ("DecompressionBombError",),
    "nibabel.filebasedimages": ("ImageFileError",),
    "nibabel.spatialimages": ("HeaderDataError",),
    "pydicom.errors": ("InvalidDicomError", "BytesLengthException"),
    "tifffile": ("TiffFileError",),
}
"""Kinds of their own that the decoders raise, by module."""

LOGGERS = ("pydicom", "pylibjpeg", "nibabel.global", "tifffile", "PIL")
_native = threading.Lock()


def damage() -> tuple[type[Exception], ...]:
    """What says that a file is damaged: Python's own kinds and those of the decoders loaded so far."""
    loaded = [(sys.modules[module], names) for module, names in FOREIGN.items() if module in sys.modules]
    return (*DAMAGE, *(getattr(module, name) for module, names in loaded for name in names))


class _Hush:
    """Decoders are quiet from the first reading that begins to the last that ends, in whichever threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._readings = 0
        self._undo = contextlib.ExitStack()

    def begin(self) -> None:
        with self._lock:
            self._readings += 1
            if self._readings > 1:
                return
            self._undo.enter_context(warnings.catch_warnings())
            warnings.simplefilter("ignore")
            for name in LOGGERS:
                logger = logging.getLogger(name)
                self._undo.callback(logger.setLevel, logger.level)
                logger.setLevel(logging.CRITICAL + 1)

    def end(self) -> None:
        with self._lock:
            self._readings -= 1
            if not self._readings:
                self._undo.close()


_hush = _Hush()


@contextlib.contextmanager
def quiet_python() -> Iterator[None]:
    """Keep the warnings and log lines of decoders off stderr; what matters goes into ``Volume.warnings``."""
    _hush.begin()
    try:
        yield
    finally:
        _hush.end()


@contextlib.contextmanager
def quiet_native() -> Iterator[None]:
    """Keep what C libraries print themselves off stderr; one thread at a time, for as short as possible."""
    with _native:
        if sys.stderr is not None:
            sys.stderr.flush()
        try:
            kept = os.dup(2)
        except OSError:  # a desktop program without a terminal has no stderr at all
            yield
            return
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, 2)
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            os.close(nowhere)
