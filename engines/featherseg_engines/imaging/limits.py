"""How much a file may claim before memory is given to it."""

from pathlib import Path

from featherseg_engines.errors import ReadError

MAX_PIXELS = 200_000_000
"""Photographs with more pixels than this are refused rather than filling the memory."""

MAX_BYTES = 1 << 36
DEFLATE_RATIO = 1032
"""The most that deflate can pack into one byte (zlib's technical notes)."""


def check_claim(path: Path, claimed: int, there: int, packed: bool) -> None:
    """Refuse a header that claims more voxel bytes than its file can hold.

    Raises
    ------
    ReadError
        It does; or it claims more than any image has.
    """
    if claimed > MAX_BYTES:
        raise ReadError(f"'{path.name}' claims {claimed >> 30} GB of voxels, more than is read.")
    if packed and claimed > there * DEFLATE_RATIO + 65536:
        raise ReadError(
            f"'{path.name}' is cut off: {there} packed bytes cannot hold {claimed} bytes of voxels."
        )
    if not packed and claimed > there:
        raise ReadError(f"'{path.name}' is cut off: {there} bytes of voxels, and {claimed} are needed.")
