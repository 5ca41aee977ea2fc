"""Edits as compressed bytes: kilobytes a stroke, for the journal and for undo."""

import zlib
from dataclasses import dataclass

import numpy as np

from featherseg_engines.labels import Box, Edit, Labels, Source

LEVEL = 1
"""zlib's fastest: masks are runs of equal numbers, slower levels gain a few percent."""


@dataclass(frozen=True, slots=True)
class PackedEdit:
    """An edit with its crops compressed; ``dtype`` is numpy's text for both crops."""

    name: str
    source: Source
    box: Box
    dtype: str
    before: bytes
    after: bytes
    changed: int
    detail: str = ""

    @property
    def size(self) -> int:
        """Bytes of both crops as kept."""
        return len(self.before) + len(self.after)


def pack(edit: Edit) -> PackedEdit:
    """Compress an edit; the crops are read and not kept."""
    before, after = (
        zlib.compress(np.ascontiguousarray(crop).data, LEVEL) for crop in (edit.before, edit.after)
    )
    dtype = edit.after.dtype.str
    return PackedEdit(edit.name, edit.source, edit.box, dtype, before, after, edit.changed, edit.detail)


def unpack(packed: PackedEdit) -> Edit:
    """The edit as it was packed, its crops not to be written to."""
    before, after = (unpack_crop(data, packed.dtype, packed.box) for data in (packed.before, packed.after))
    return Edit(packed.name, packed.source, packed.box, before, after, packed.detail)


def unpack_crop(data: bytes, dtype: str, box: Box) -> Labels:
    """One crop (z, y, x) of a packed edit, read-only."""
    return np.frombuffer(zlib.decompress(data), np.dtype(dtype)).reshape(box.shape)
