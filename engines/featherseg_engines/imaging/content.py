"""A name for what an image shows, the same each time it is read, wherever it lies."""

import hashlib
from dataclasses import replace

import numpy as np

from featherseg_engines.imaging.volume import Volume


def with_content(volume: Volume) -> Volume:
    """The volume with the hash of its values, type and shape as its ``content``; 0.1 s for 150 MB."""
    if volume.content:
        return volume
    digest = hashlib.sha256(f"{volume.voxels.dtype} {volume.voxels.shape}".encode())
    for plane in volume.voxels:
        digest.update(np.ascontiguousarray(plane).data)
    return replace(volume, content=digest.hexdigest())
