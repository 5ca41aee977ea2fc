"""Every bundle that ships keeps the bundle contract."""

import re

import numpy as np
import pytest
from support.paths import ROOT

from featherseg.cli_rows import text_of_models
from featherseg_engines.inference.onnx_engine import OnnxModel
from featherseg_engines.models.catalogue import Catalogue
from featherseg_engines.networks.registry import default_registry
from featherseg_engines.training.checkpoint import load_weights
from featherseg_engines.training.folded_form import folded_form
from featherseg_engines.training.rows import read_rows
from featherseg_resources import models_folder, recipes_file

SHIPPED = Catalogue([models_folder()]).bundles()
TASKS = [
    "skin",
    "polyp",
    "breast_us",
    "nuclei",
    "glands",
    "blood_cells",
    "vessels",
    "membranes",
    "hippocampus",
    "lesion",
]
FREE = {"isic2017_lesion", "dsb2018_nuclei", "msd_hippocampus"}
FREE_TASKS = {"", "skin", "nuclei", "hippocampus"}
"""Of a parent: what it learned from may be used freely."""

each_bundle = pytest.mark.parametrize("bundle", SHIPPED, ids=lambda bundle: bundle.card.name)


def test_all_folders_are_bundles_within_200_mb():
    assert SHIPPED and not Catalogue([models_folder()]).problems()
    assert sum(p.stat().st_size for p in models_folder().rglob("*") if p.is_file()) < 200e6


@each_bundle
def test_the_card_says_what_made_it_how_good_it_is_and_what_it_is_not_for(bundle):
    card = bundle.card
    network, task = card.name.split(".")
    assert task in TASKS and network == card.network == default_registry().get(network).name
    assert "not a medical device" in card.note and card.not_for and card.name in read_rows(recipes_file())
    training, measured = card.training, card.measured[0]
    assert training.licence != "not stated" and training.train_cases > 0 and training.settings["curve"]
    low, high = measured.dice_interval
    assert 0 < low <= measured.dice <= high <= 1 and measured.n >= 2 and measured.hd95
    short = measured.dice < read_rows(recipes_file())[card.name].target
    assert ("Short schedule" in card.note) == short
    assert len(card.worst) == min(3, measured.n) and card.worst[0][1] <= measured.dice and card.speed_ms > 0
    parent_task = card.parent.split(" ")[0].split(".")[-1]
    free = set(re.split(r" \+ ", training.dataset)) <= FREE and parent_task in FREE_TASKS
    assert free or "research only" in training.permits


@each_bundle
def test_its_files_are_whole_and_it_answers_on_the_image_s_own_grid(bundle):
    for name in ("model.onnx", "weights.safetensors"):
        bundle.verify(name)
    shape = (35, 51, 35) if bundle.card.dims == 3 else (1, 97, 140, 3)
    voxels = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    probability = OnnxModel(bundle).volume_probability(voxels)
    assert probability.shape == (len(bundle.card.labels), *shape[:3])
    assert np.isfinite(probability).all() and probability.min() >= 0 and probability.max() <= 1


@each_bundle
def test_its_weights_can_be_taught_on(bundle):
    card = bundle.card
    network = default_registry().build(
        card.network, in_channels=card.preprocessing.channels, classes=card.outputs
    )
    if card.training.settings.get("form") == "folded":
        network = folded_form(network)
    load_weights(network, bundle.weights)


def test_the_table_of_models_is_the_one_the_script_writes():
    assert (ROOT / "resources" / "models.md").read_text("utf-8") == text_of_models(models_folder())
