"""Teaching from the layers of somebody's napari: the labelled slices of the image in hand, nothing else."""

import numpy as np
import pytest

from featherseg.session.case import new_case
from featherseg.session.layer_source import ENOUGH, LayerSource
from featherseg.session.lesson_plan import Wishes
from featherseg_engines.errors import TrainingError
from featherseg_engines.geometry import Geometry
from featherseg_engines.imaging.volume import Volume
from featherseg_engines.labels import Box
from featherseg_engines.teaching.order import Settings


class Patience:
    def between(self):
        pass


@pytest.fixture
def layers(session):
    values = np.random.default_rng(0).integers(0, 255, (8, 20, 24)).astype(np.uint8)
    session.use(new_case(Volume(values, Geometry(values.shape), name="v")))
    return LayerSource(session, lambda in_use: in_use)


def paint(session, z, value=1):
    session.paint("Stroke", Box((z, 2, 2), (z + 1, 9, 9)), np.full((1, 7, 7), value, np.uint8))


def test_without_enough_slices_a_sentence_says_what_to_do(layers, session):
    assert "at least 3 slices" in layers.stock(Wishes()).objection
    for z in range(ENOUGH):
        paint(session, z)
    assert not layers.stock(Wishes()).objection and layers.stock(Wishes()).new == ENOUGH
    session.use(None)
    assert "Choose an image" in layers.stock(Wishes()).objection


def test_a_lesson_gets_copies_of_the_labelled_slices_alone(layers, session):
    for z in (1, 4, 6):
        paint(session, z, 5)
    plan = layers.plan(Wishes())
    session.case.labels.array[...] = 0
    session.case.volume.voxels[...] = 0
    order = plan.gather(Patience())
    (case,) = order.cases
    assert case.labels.shape == (3, 20, 24) and case.labels.sum() == 3 * 49 and case.voxels.any()
    assert order.values == (5,) and order.classes == ("Label 5",)
    assert order.parent is order.in_use is session.model


def test_a_network_of_volumes_gets_the_whole_and_knows_what_nobody_looked_at(layers, session):
    for z in (1, 4, 6):
        paint(session, z)
    order = layers.plan(Wishes(Settings(network="lgmsnet3d"), new_task=True)).gather(Patience())
    labels = order.cases[0].labels
    assert labels.shape[0] == 8 and (labels[0] == 255).all() and (labels[4] != 255).all()
    assert order.parent is None and order.in_use is None


def test_slices_without_the_wanted_label_are_a_sentence(layers, session):
    for z in (1, 4, 6):
        paint(session, z)
    with pytest.raises(TrainingError, match="no label"):
        layers.plan(Wishes(labels=(7,))).gather(Patience())
