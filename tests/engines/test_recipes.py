"""Recipes of the shipped models: rows, folded lessons, patches at native size, half-precision files, adoption."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import onnxruntime
import pytest
import torch
from PIL import Image
from support.paths import SHARED, TINY

from featherseg_engines.datasets import joined, read_dataset
from featherseg_engines.errors import DatasetError, TrainingError
from featherseg_engines.imaging.preprocess import Preprocessing
from featherseg_engines.inference import whole
from featherseg_engines.models.bundle import open_bundle
from featherseg_engines.networks.registry import default_registry
from featherseg_engines.training import publish
from featherseg_engines.training.checkpoint import load_weights, save_tensors
from featherseg_engines.training.export import onnx_bytes, with_byte_kernels, with_half_kernels
from featherseg_engines.training.folded_form import folded_form, settle
from featherseg_engines.training.plan import Stage
from featherseg_engines.training.rows import Row, adopt, lesson_of, read_rows, table, train_row
from featherseg_resources import recipes_file


def test_every_shipped_recipe_names_a_known_network_and_says_what_it_is_not_for():
    registry = default_registry()
    rows = read_rows(recipes_file())
    for row in rows.values():
        assert registry.get(row.network).name == row.network
        assert row.not_for and row.permits and (not row.parent or row.parent in rows)


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.exists(), reason="the shared data folder is not beside this checkout")
def test_every_recipe_finds_its_data_and_its_licence_marks():
    for row in read_rows(recipes_file()).values():
        for name in row.data:
            assert read_dataset(SHARED / name, "train").cases
        free = {"isic2017_lesion", "dsb2018_nuclei", "msd_hippocampus"}
        assert ("research only" in row.permits) == bool(
            set(row.data) - free or row.parent == "repsegnet.lesion"
        )


def test_a_recipe_with_an_unknown_entry_is_refused_in_words(tmp_path):
    path = tmp_path / "recipes.toml"
    path.write_text('[[row]]\nname = "a.b"\ndata = ["x"]\nstages = [[64, 1]]\nepoch = 3\n')
    with pytest.raises(DatasetError, match="unknown: epoch"):
        read_rows(path)


def row(**changes: object) -> Row:
    base = Row(
        "repsegnet.skin", ("isic_tiny",), (Stage(64, 1),), images_may_ship=True, changes={"form": "folded"}
    )
    return dataclasses.replace(base, **changes)


def test_a_folded_row_is_made_adopted_once_and_listed_in_the_table(tmp_path):
    registry, models = default_registry(), tmp_path / "shipped"
    models.mkdir()
    lesson = lesson_of(row(), TINY.parent, registry, models, 1)
    bundle = train_row(row(), lesson, registry, tmp_path / "work")
    card = bundle.card
    assert card.training.settings["form"] == "folded" and card.speed_ms and len(card.worst) == 3
    low, high = card.measured[0].dice_interval
    assert low <= card.measured[0].dice <= high
    assert Image.open(bundle.folder / "worst.jpg").size == (480, 160)
    assert adopt(bundle, models) and not adopt(bundle, models)
    there = open_bundle(models / "repsegnet.skin")
    assert [p.name for p in models.iterdir()] == ["repsegnet.skin"]
    text = table([there])
    assert "repsegnet.skin" in text and f"{card.measured[0].dice:.3f}" in text


def test_what_was_taught_folded_is_taught_on_folded_only(tmp_path):
    registry = default_registry()
    first = lesson_of(row(), TINY.parent, registry, tmp_path, 1)
    parent = train_row(row(), first, registry, tmp_path / "work")
    child = dataclasses.replace(first, parent=parent)
    full = dataclasses.replace(child, plan=dataclasses.replace(child.plan, form="full"))
    with pytest.raises(TrainingError, match="folded form"):
        train_row(row(), full, registry, tmp_path / "full")
    taught = train_row(row(), child, registry, tmp_path / "child")
    assert taught.card.parent.startswith("repsegnet.skin ")


def test_patches_at_native_size_learn_and_answer_on_the_image_s_grid(tmp_path):
    registry = default_registry()
    patches = row(name="unext_s.skin", patch=(64, 64), changes={"crops": 2})
    lesson = lesson_of(patches, TINY.parent, registry, tmp_path, 1)
    bundle = train_row(patches, lesson, registry, tmp_path / "work")
    assert bundle.card.dims == 2 and bundle.card.preprocessing.patch == (64, 64)
    assert bundle.card.training.settings["crops"] == 2 and np.isfinite(bundle.card.measured[0].dice)


def test_an_answer_by_patches_is_the_answer_in_one_go_where_pixels_do_not_see_each_other():
    pixels = np.random.default_rng(0).integers(0, 256, (75, 110, 3), np.uint8)
    plain = Preprocessing(long_side=0, stride=16)
    one = whole.of_slice(plain, pixels, lambda batch: np.tanh(batch[0, :1]))
    many = whole.of_slice(
        dataclasses.replace(plain, patch=(32, 48)), pixels, lambda batch: np.tanh(batch[0, :1])
    )
    assert one.shape == many.shape == (1, 75, 110)
    assert np.allclose(one, many, atol=1e-5)


def test_a_settled_network_folds_into_one_that_answers_the_same_and_still_learns():
    registry = default_registry()
    torch.manual_seed(0)
    network = registry.build("repsegnet", in_channels=3, classes=2)
    images = [torch.rand(2, 3, 64, 64) for _ in range(2)]
    settle(network, images)
    student = folded_form(network)
    with torch.inference_mode():
        ours, theirs = student.eval()(images[0]), network.eval()(images[0])
    # a few channels of a network that has learnt nothing hardly vary, and rounding grows there
    assert torch.allclose(ours, theirs, atol=3e-3 * float(theirs.abs().max()))
    assert sum(p.numel() for p in student.parameters()) < 0.5 * sum(p.numel() for p in network.parameters())
    student.train()(images[0]).sum().backward()
    assert all(p.grad is not None for p in student.parameters())


def test_a_parent_of_other_classes_lends_all_but_its_last_layer(tmp_path):
    registry = default_registry()
    two, four = (registry.build("unext_s", in_channels=3, classes=n) for n in (2, 4))
    save_tensors(tmp_path / "weights.safetensors", two.state_dict())
    before = {k: v.clone() for k, v in four.state_dict().items()}
    load_weights(four, tmp_path / "weights.safetensors")
    after = four.state_dict()
    kept = [k for k, v in two.state_dict().items() if v.shape != after[k].shape]
    assert len(kept) == 2 and all(torch.equal(after[k], before[k]) for k in kept)
    assert all(torch.equal(after[k], v) for k, v in two.state_dict().items() if k not in kept)
    with pytest.raises(TrainingError, match="does not hold the weights"):
        load_weights(registry.build("cmunext_s", in_channels=3, classes=2), tmp_path / "weights.safetensors")


def test_half_kernels_halve_the_file_and_hardly_move_the_answer():
    network = torch.nn.Sequential(
        torch.nn.Conv2d(3, 64, 3, padding=1), torch.nn.ReLU(), torch.nn.Conv2d(64, 64, 3)
    )
    image = torch.rand(1, 3, 32, 32)
    exact = onnx_bytes(network, image)
    half = with_half_kernels(exact)
    assert len(half) < 0.55 * len(exact)
    answers = [
        onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"]).run(
            None, {"image": image.numpy()}
        )[0]
        for content in (exact, half)
    ]
    assert answers[1].dtype == np.float32 and 0 < np.abs(answers[0] - answers[1]).max() < 2e-3


def test_byte_kernels_halve_a_file_once_more_whatever_it_held_and_hardly_move_the_answer():
    torch.manual_seed(0)
    network = torch.nn.Sequential(
        torch.nn.Conv2d(3, 64, 3, padding=1), torch.nn.ReLU(), torch.nn.Conv2d(64, 128, 3)
    )
    with torch.no_grad():
        network[2].weight[0] = 0.0  # nothing to divide by
    image = torch.rand(1, 3, 32, 32)
    exact = onnx_bytes(network, image)
    half = with_half_kernels(exact)
    expected = network(image).detach().numpy()
    for content in (exact, half):
        small = with_byte_kernels(content)
        assert len(small) < 0.6 * len(half)
        session = onnxruntime.InferenceSession(small, providers=["CPUExecutionProvider"])
        answer = session.run(None, {"image": image.numpy()})[0]
        assert (
            answer.dtype == np.float32 and 0 < np.abs(answer - expected).max() < 0.01 * np.abs(expected).max()
        )


@pytest.mark.parametrize(("as_bytes", "share"), [(0.5004, 0.4), (0.52, 1.0)])
def test_a_large_file_is_stored_as_bytes_only_where_its_dice_stays(tmp_path, monkeypatch, as_bytes, share):
    network = torch.nn.Conv2d(64, 64, 3)
    half = with_half_kernels(onnx_bytes(network, torch.rand(1, 64, 8, 8)))
    (tmp_path / "model.onnx").write_bytes(half)
    save_tensors(tmp_path / "weights.safetensors", network.state_dict())
    dice = iter([0.5, as_bytes])
    told = lambda *_: SimpleNamespace(summary=lambda: SimpleNamespace(dice=next(dice)))  # noqa: E731
    monkeypatch.setattr(publish, "_with_onnx", told)
    monkeypatch.setattr(publish, "LARGE", 1000)
    publish._lighter(None, tmp_path, None)
    size = (tmp_path / "model.onnx").stat().st_size
    assert abs(size / len(half) - share) < 0.2


def test_a_model_measured_again_says_what_its_recipe_says_now(tmp_path):
    registry = default_registry()
    lesson = lesson_of(row(), TINY.parent, registry, tmp_path, 1)
    bundle = train_row(row(), lesson, registry, tmp_path / "work")
    told = row(history="Taught twice.", not_for="Play.").about
    card = publish.measured_again(bundle, lesson.dev, told).card
    assert "Taught twice." in card.note and "not a medical device" in card.note and card.not_for == "Play."


def test_joined_sets_keep_names_apart_and_count_every_number_as_the_one_label():
    tiny = read_dataset(TINY, "train")
    both = joined([tiny, tiny], "lesion")
    assert len({case.name for case in both.cases}) == len(tiny.cases) and len(both.cases) == 2 * len(
        tiny.cases
    )
    assert both.classes == ("lesion",) and set(np.unique(both.read(both.cases[0])[1])) <= {0, 1}
