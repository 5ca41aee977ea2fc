"""``featherseg doctor`` on the command line."""

import json
from pathlib import Path

from typer.testing import CliRunner

from featherseg.cli import app


def test_the_doctor_names_machine_packages_and_the_choice_for_a_model_and_no_person():
    runner = CliRunner()
    answer = runner.invoke(app, ["doctor", "--json", "--model", "repsegnet.skin"])
    assert answer.exit_code == 0
    report = json.loads(answer.stdout)
    (row,) = report["models"]
    assert row["choice"] in row["ways"] and row["ms"] > 0
    assert report["machine"]["cores"] >= 1 and report["packages"]["onnxruntime"]
    assert str(Path.home()) not in answer.stdout
    again = runner.invoke(app, ["doctor", "--model", "repsegnet.skin"])
    assert again.exit_code == 0 and "repsegnet.skin" in again.stdout and row["choice"] in again.stdout
