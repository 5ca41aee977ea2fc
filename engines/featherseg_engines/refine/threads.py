"""One thread for small linear algebra: waking more takes longer than the work, ten times longer on a busy machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController


@contextmanager
def one_thread() -> Iterator[None]:
    """While this is open, numpy's and scipy's linear algebra compute on the calling thread.

    It holds for the process; torch and ONNX Runtime have threads of their own, which stay as they are.
    """
    with _libraries().limit(limits=1, user_api="blas"):
        yield


@lru_cache(maxsize=1)
def _libraries() -> "ThreadpoolController":
    """The libraries of numpy and scipy, found once; scipy's is loaded first so that it is among them."""
    import scipy.linalg
    from threadpoolctl import ThreadpoolController

    assert scipy.linalg.__name__
    return ThreadpoolController()
