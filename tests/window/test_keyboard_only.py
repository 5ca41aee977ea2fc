"""A folder of images to the last accepted case with nothing but keys: no mouse, no dialog."""

import shutil

import numpy as np
import pytest
from PIL import Image
from support.hand import Hand, settle, wait
from support.paths import SHARED, TINY

from featherseg.session.gathering import gather

MANY = SHARED / "isic2017_lesion" / "dev" / "images"


def all_by_keys(window, images):
    work, session = window.work, window.session
    bench, hand = work.bench, Hand(window)
    assert bench.open(images)
    gather(bench, [images])
    wait(lambda: bench.current is not None)
    count = len(bench.cases)
    expected = {}
    for _ in range(count):
        case = bench.current
        hand.key("space")
        wait(lambda: session.proposal is not None)
        hand.key("space")
        wait(lambda: session.proposal is None)
        expected[case.name] = session.case.labels.array[0].copy()
        hand.key("Return")
        wait(lambda case=case: bench.current.id != case.id or len(expected) == count)
    assert work.cases.progress.text() == f"{count} of {count} accepted"
    assert window.notices.text() == "Every case of this list is accepted."
    masks = {case.name: images / case.mask for case in bench.cases}
    assert bench.close()
    for name, path in masks.items():
        assert np.array_equal(np.asarray(Image.open(path)), expected[name]), name
    return expected


def test_four_photographs_from_folder_to_masks_by_keys_alone(window, tmp_path):
    folder = tmp_path / "Läsionen"
    shutil.copytree(TINY / "dev" / "images", folder)
    found = all_by_keys(window, folder)
    assert len(found) == 4 and any(mask.any() for mask in found.values())


@pytest.mark.skipif(not MANY.is_dir(), reason="the shared data set is not here")
@pytest.mark.slow
def test_twenty_photographs_from_folder_to_masks_by_keys_alone(window, tmp_path):
    folder = tmp_path / "twenty"
    folder.mkdir()
    for path in sorted(MANY.iterdir())[:20]:
        shutil.copy(path, folder)
    found = all_by_keys(window, folder)
    settle()
    assert len(found) == 20 and sum(mask.any() for mask in found.values()) >= 18
