"""Networks side by side: results are kept, not made again, and told as a table and a plot."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from featherseg.cli import app
from featherseg_engines.errors import DatasetError
from featherseg_engines.models.catalogue import Catalogue
from featherseg_engines.training import contest
from featherseg_engines.training.contest import Terms, contestants, keep, kept, path_of, run, timed_again
from featherseg_engines.training.contest_table import ablations, claims, crossings, plot, side_by_side
from featherseg_resources import models_folder

TINY = Path(__file__).parents[1] / "data" / "isic_tiny"
TERMS = Terms("skin", side=32, epochs=1, batch=2)


@pytest.fixture
def data(tmp_path):
    shutil.copytree(TINY, tmp_path / "isic2017_lesion")
    return tmp_path


def test_a_network_is_trained_measured_and_kept(data, tmp_path):
    result = run("unext_s", TERMS, data, tmp_path / "work")
    keep(result, tmp_path / "results")
    assert kept(tmp_path / "results") == (result,)
    assert result.network == "unext_s" and 0 <= result.dice <= 1 and result.params > 200_000
    assert result.ms > 0 and result.steps > 0 and result.images > 0


def test_a_finished_result_is_not_made_again(tmp_path, monkeypatch):
    monkeypatch.setattr("featherseg_resources.results_folder", lambda: tmp_path / "results")
    monkeypatch.setattr("featherseg.cli_rows.table", lambda: None)
    keep(made("unext", 0.5), tmp_path / "results" / "ranking")
    words = [
        "rows",
        "ranking",
        "--data",
        str(tmp_path),
        "--networks",
        "unext",
        "--tasks",
        "skin",
        "--epochs",
        "1",
    ]
    told = CliRunner().invoke(app, words)
    assert told.exit_code == 0 and "Dice" not in told.output


def made(name: str, dice: float, task: str = "skin", ms: float = 10.0) -> contest.Result:
    return contest.Result(
        name,
        name,
        task,
        96,
        1,
        125,
        42,
        8,
        dice,
        (dice - 0.1, dice + 0.1),
        0.4,
        150,
        1_500_000,
        0.5,
        ms,
        60.0,
    )


def test_the_table_says_what_was_reached_and_what_the_paper_claims():
    text = side_by_side([made("lgmsnet", 0.8), made("unext", 0.7)], contestants())
    assert "| skin | lgmsnet | 0.800 [0.700, 0.900]" in text and "0.8993" in text and "2.32 M" in text
    assert "| 0.099 |" in text, "short of LGMSNet's 0.8993 by"
    assert side_by_side([], contestants()) == ""


def test_what_ships_stands_beside_what_its_paper_claims():
    text = claims(Catalogue([models_folder()]).bundles())
    assert "| lgmsnet.polyp | 0.930 |" in text and "hippocampus" not in text
    assert claims([]) == ""


def test_a_network_is_tried_in_another_place_too(tmp_path, monkeypatch):
    shutil.copytree(TINY, tmp_path / "two")
    names = sorted(p.stem for p in (TINY / "dev" / "images").iterdir())
    field = contest.Field("two", "*", f"{names[0]}*", (64, 64), 3)
    monkeypatch.setitem(contest.TASKS, "there", field)
    terms = Terms("there", side=32, epochs=1, batch=2)
    result = run("unext_s", terms, tmp_path, tmp_path / "work")
    assert result.steps == 6 and 0 <= result.abroad <= 1 and len(result.abroad_interval) == 2
    keep(result, tmp_path / "results")
    assert kept(tmp_path / "results") == (result,)
    text = crossings([replace(result, dice=0.7, abroad=0.5)])
    assert "| there | 0.700" in text and "| 0.500 [" in text and "| 0.200 |" in text
    assert crossings([]) == ""


def test_all_are_timed_again_in_turn(data, tmp_path):
    for network in ("unext_s", "cmunext_s"):
        keep(replace(made(network, 0.5, ms=9999.0), side=32), tmp_path / "results")
    least = timed_again([tmp_path / "results"], data, rounds=1)
    assert {r.network: r.ms for r in kept(tmp_path / "results")} == least
    assert all(0 < ms < 1000 for ms in least.values())


def test_an_ablation_stands_beside_its_whole_network():
    whole, less = made("repsegnet", 0.80), made("repsegnet_k1", 0.78)
    assert "| repsegnet_k1 | 0.780 [0.680, 0.880] | -0.020 |" in ablations([less], [whole])
    assert ablations([], [whole]) == ""


def test_the_plot_is_a_small_picture(tmp_path):
    plot([made("unext", 0.7, ms=9), made("monai_unet", 0.9, "polyp", 300)], tmp_path / "p.png")
    assert Image.open(tmp_path / "p.png").size == (900, 460)
    assert (tmp_path / "p.png").stat().st_size < 60_000


def test_a_damaged_result_is_named(tmp_path):
    (tmp_path / "x.json").write_text("{}", "utf-8")
    with pytest.raises(DatasetError, match=r"x\.json"):
        kept(tmp_path)


def test_an_unknown_task_gets_a_sentence(tmp_path):
    with pytest.raises(DatasetError, match="no contest on 'hair'"):
        run("unext_s", Terms("hair"), tmp_path, tmp_path)
    assert path_of(tmp_path, "a", TERMS).name == "a.skin.32x1x2.42.json"
