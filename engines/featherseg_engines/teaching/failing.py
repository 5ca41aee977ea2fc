"""What goes wrong in a lesson, each told in one sentence that says that nothing was lost."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from featherseg_engines.errors import FeathersegError, TrainingError

UNTOUCHED = "The model in use and your labels are untouched."
NO_MEMORY = (
    f"There is not enough memory for teaching; close other programs, or teach with fewer cases. {UNTOUCHED}"
)
NO_ROOM = f"The disk is full, so the lesson cannot be kept; make room and teach again. {UNTOUCHED}"
NO_DISK = f"The disk refused what was learnt; check it and teach again. {UNTOUCHED}"


@contextmanager
def told_in_a_sentence() -> Iterator[None]:
    """Turn what the machine lacks into a TrainingError; our own errors and a cancel pass."""
    try:
        yield
    except FeathersegError as error:
        if _disk_is_full(error):
            raise TrainingError(NO_ROOM) from error
        raise
    except MemoryError as error:
        raise TrainingError(NO_MEMORY) from error
    except OSError as error:
        raise TrainingError(NO_ROOM if _disk_is_full(error) else NO_DISK) from error
    except RuntimeError as error:  # torch has no class of its own for memory on the CPU
        if "alloc" in str(error).lower() or "not enough memory" in str(error).lower():
            raise TrainingError(NO_MEMORY) from error
        raise


def _disk_is_full(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        error = error.__cause__
    return False
