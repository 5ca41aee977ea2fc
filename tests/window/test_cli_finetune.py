"""``featherseg finetune`` on the command line."""

import json
from pathlib import Path

from typer.testing import CliRunner

from featherseg.cli import app
from featherseg_engines.models.bundle import open_bundle
from featherseg_engines.teaching.versions import Versions

TINY = Path(__file__).parents[1] / "data" / "isic_tiny"


def test_a_data_set_teaches_a_model_and_the_report_says_what_came_of_it(tmp_path):
    out = tmp_path / "mein Modell ü"
    words = ["finetune", "--cases", str(TINY), "--limit", "3", "--minutes", "0.01", "-o", str(out), "--json"]
    answer = CliRunner().invoke(app, words)
    assert answer.exit_code == 0, answer.output
    report = json.loads(answer.stdout)
    assert report["cases"] == 3 and report["parent"] == "repsegnet.skin"
    assert report["decision"] == "ask" and not report["adopted"]  # too few to judge by
    assert open_bundle(out).card.parent.startswith("repsegnet.skin")


def test_without_cases_or_with_a_target_that_is_there_it_refuses_in_a_sentence(tmp_path):
    runner = CliRunner()
    nothing = runner.invoke(app, ["finetune", "-o", str(tmp_path / "new")])
    assert "one of the two" in str(nothing.exception)
    taken = runner.invoke(app, ["finetune", "--cases", str(TINY), "-o", str(tmp_path)])
    assert "choose another folder" in str(taken.exception)


def test_without_a_target_the_model_is_kept_among_one_s_own():
    words = ["finetune", "--cases", str(TINY), "--limit", "3", "--minutes", "0.01", "--json"]
    report = json.loads(CliRunner().invoke(app, words).stdout)
    assert report["bundle"] == "repsegnet-yours1.skin"
    (version,) = Versions().all()
    assert version.name == report["bundle"] and not version.in_use
