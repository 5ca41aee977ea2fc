"""``featherseg versions``: the history of models on the command line."""

import json

import pytest
from support.photographs import photographs
from support.taught import Copying, Free, order_of, shipped
from typer.testing import CliRunner

from featherseg.cli import app
from featherseg_engines.annotation.cases import CaseState
from featherseg_engines.annotation.intake import add_folder
from featherseg_engines.annotation.workspace import Workspace
from featherseg_engines.labels import Box
from featherseg_engines.models.catalogue import Catalogue
from featherseg_engines.teaching.teach import LocalTeacher
from featherseg_engines.teaching.versions import Versions


def run(*words):
    return CliRunner().invoke(app, ["versions", *map(str, words)])


def said(*words):
    answer = run(*words)
    assert answer.exit_code == 0, answer.output
    return answer.stdout


@pytest.fixture
def kept():
    versions, order = Versions(), order_of(8, shipped())
    outcome = LocalTeacher(Copying(shipped()).school).teach(order, versions.scratch(), Free(), lambda _: None)
    return versions.keep(order, outcome)


def test_a_version_is_listed_used_exported_taken_in_and_deleted(kept, tmp_path):
    (row,) = json.loads(said("list", "--json"))
    assert row["name"] == "repsegnet-yours1.skin" and row["cases"] == 8 and row["decision"] == "keep"
    assert not row["in_use"] and "repsegnet-yours1.skin" in said("list")
    assert "in use from the next start on" in said("use", row["name"])
    assert Catalogue().first().card.name == row["name"]
    assert "is in use" in str(run("delete", row["name"]).exception)
    said("use", "repsegnet.skin")
    assert Catalogue().first().card.name == "repsegnet.skin"
    said("export", row["name"], tmp_path / "mine.fsmodel")
    assert "Deleted" in said("delete", row["name"])
    assert "Took in 'repsegnet-shared1.skin'" in said("import", tmp_path / "mine.fsmodel")
    assert [row["name"] for row in json.loads(said("list", "--json"))] == ["repsegnet-shared1.skin"]


def test_two_models_are_compared_on_a_workspace(kept, tmp_path):
    photographs(tmp_path / "images", 2)
    with Workspace(tmp_path / "w", "AB") as workspace:
        cases = add_folder(workspace, tmp_path / "images").cases
        for case in cases:
            history = workspace.open_case(case.id).history
            box = Box((0, 5, 5), (1, 30, 30))
            after = history.labels.array[box.slices] + 1
            history.do(history.labels.propose_edit("Brush", "hand", box, after))
        workspace.set_state([case.id for case in cases], CaseState.ACCEPTED)
    found = json.loads(said("compare", "repsegnet.skin", kept.card.name, tmp_path / "w", "--json"))
    assert found["cases"] == 2 and found["fair"] and found["gain"] == 0.0
    assert "neither has learnt from" in said("compare", "repsegnet.skin", kept.card.name, tmp_path / "w")
