"""Writing a labels layer of plain napari on its image's grid, verified, through the same code as the window."""

from pathlib import Path
from typing import Any

import numpy as np

from featherseg_napari.layers import geometry_of


def write_labels(path: str, data: Any, meta: dict[str, Any]) -> list[str]:
    """Write label numbers to NIfTI, NRRD, MetaImage, PNG or TIFF; the ending of ``path`` decides.

    Raises
    ------
    WriteError
        With one sentence; napari shows it. What stood at ``path`` is untouched.
    """
    from featherseg_engines.errors import WriteError
    from featherseg_engines.imaging.writers import write_mask

    labels = np.asarray(data)
    if labels.ndim not in (2, 3):
        name = Path(path).name
        raise WriteError(f"'{name}' cannot hold labels of {labels.ndim} dimensions; 2 and 3 are written.")
    geometry = geometry_of(labels.shape, meta)
    write_mask(Path(path), labels.reshape(geometry.shape), geometry)
    return [path]
