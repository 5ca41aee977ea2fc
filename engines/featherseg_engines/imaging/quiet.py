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
"""What third-party decoders were seen to raise on damaged files; the reader's door turns them into a sentence."""

LOGGERS = ("pydicom", "pylibjpeg", "nibabel.global", "tifffile", "PIL")
_native = threading.Lock()


@contextlib.contextmanager
def quiet_python() -> Iterator[None]:
    """Keep the warnings and log lines of decoders off stderr; what matters goes into ``Volume.warnings``."""
    loggers = [logging.getLogger(name) for name in LOGGERS]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for logger in loggers:
            logger.setLevel(logging.CRITICAL + 1)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)


@contextlib.contextmanager
def quiet_native() -> Iterator[None]:
    """Keep what C libraries print themselves off stderr; one thread at a time, for as short as possible."""
    with _native:
        sys.stderr.flush() if sys.stderr is not None else None
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
