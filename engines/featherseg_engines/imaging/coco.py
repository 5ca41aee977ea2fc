"""COCO JSON for sets of photographs: images, categories, and a run-length annotation for each island or label."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from featherseg_engines.errors import WriteError
from featherseg_engines.imaging.label_table import table_to_json
from featherseg_engines.imaging.safe_write import write_verified
from featherseg_engines.labels import LabelTable

Json = dict[str, object]


@dataclass(frozen=True, slots=True, eq=False)
class CocoImage:
    """A photograph of the set: the name of its file, and label numbers (y, x)."""

    file_name: str
    labels: npt.NDArray[np.integer]

    def __post_init__(self) -> None:
        """Refuse what is not one plane, and paths, which name people and machines."""
        if self.labels.ndim != 2:
            raise ValueError(f"a photograph's labels are (y, x), got {self.labels.shape}")
        if Path(self.file_name).name != self.file_name:
            raise ValueError("an image goes by its file's name, without folders")


def write_coco(path: Path, images: Sequence[CocoImage], table: LabelTable, islands: bool = True) -> None:
    """Write the masks of a set of photographs as COCO annotations.

    Category ids are the label numbers; names and colours are in the categories, codes under "info". Runs are
    uncompressed counts down the columns, background first, as pycocotools reads them.

    Parameters
    ----------
    islands
        An annotation for each connected island (pixels that touch at a corner are connected), as counting and
        detection want it; else one for each label of an image.

    Raises
    ------
    WriteError
        Two images have one name, or the file cannot be written.
    """
    names = [image.file_name for image in images]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise WriteError(f"'{path.name}' was not written: two images are called '{twice}'; rename one.")
    text = json.dumps(coco(images, table, islands), ensure_ascii=False)
    write_verified(path, lambda p: _write(p, text), lambda p: p.read_text("utf-8") == text)


def coco(images: Sequence[CocoImage], table: LabelTable, islands: bool = True) -> Json:
    """The same as plain values; see :func:`write_coco`. Format: cocodataset.org, "Data format"."""
    for image in images:
        table = table.covering(image.labels)
    annotations: list[Json] = []
    for number, image in enumerate(images, start=1):
        for value, mask in _parts(image.labels, islands):
            annotations.append(_annotation(len(annotations) + 1, number, value, mask))
    return {
        "info": {
            "description": "Segmentation by Featherseg, research use",
            "label_table": table_to_json(table),
        },
        "licenses": [],
        "images": [
            {"id": number, "file_name": i.file_name, "height": i.labels.shape[0], "width": i.labels.shape[1]}
            for number, i in enumerate(images, start=1)
        ],
        "categories": [
            {"id": row.value, "name": row.name, "supercategory": "", "color": row.colour} for row in table
        ],
        "annotations": annotations,
    }


def run_lengths(mask: npt.NDArray[np.bool_]) -> list[int]:
    """Lengths of the runs of (y, x) read down the columns, beginning with background (may be 0)."""
    flat = mask.ravel(order="F")
    changes = np.flatnonzero(np.diff(flat.astype(np.int8))) + 1
    bounds = np.concatenate([[0], changes, [flat.size]])
    runs = np.diff(bounds).tolist()
    return [0, *runs] if flat.size and flat[0] else runs


def _parts(labels: npt.NDArray[np.integer], islands: bool) -> Iterator[tuple[int, npt.NDArray[np.bool_]]]:
    from skimage.measure import label

    for value in sorted({int(v) for v in np.unique(labels)} - {0}):
        mask = labels == value
        if not islands:
            yield value, mask
            continue
        numbered, count = label(mask, connectivity=2, return_num=True)
        for number in range(1, count + 1):
            yield value, numbered == number


def _annotation(number: int, image: int, value: int, mask: npt.NDArray[np.bool_]) -> Json:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    top, left = int(rows[0]), int(columns[0])
    return {
        "id": number,
        "image_id": image,
        "category_id": value,
        "segmentation": {"size": list(mask.shape), "counts": run_lengths(mask)},
        "area": int(np.count_nonzero(mask)),
        "bbox": [left, top, int(columns[-1]) - left + 1, int(rows[-1]) - top + 1],
        "iscrowd": 0,
    }


def _write(path: Path, text: str) -> None:
    path.write_text(text, "utf-8")
