"""The history of a person's models: kept and numbered, one of a line in use, rolled back, compared, deleted."""

import dataclasses
import json

import pytest
from support.taught import Copying, Free, copied, order_of, shipped

from featherseg_engines.errors import ModelError, WriteError
from featherseg_engines.models.bundle import CARD, ONNX
from featherseg_engines.models.catalogue import Catalogue
from featherseg_engines.models.taught import base_of, number_of, read_in_use, version_name
from featherseg_engines.teaching.comparing import compare
from featherseg_engines.teaching.exchange import export_model, import_model
from featherseg_engines.teaching.record import LessonRecord, case_key, write_record
from featherseg_engines.teaching.teach import LocalTeacher
from featherseg_engines.teaching.versions import Versions, starts_from
from featherseg_resources import models_folder


@pytest.fixture
def versions(tmp_path):
    return Versions(tmp_path / "models")


def taught(versions, count=8, school=None, **changes):
    """A lesson that ends with a copy of a shipped model, kept."""
    order = order_of(count, **{"in_use": shipped(), **changes})
    teacher = LocalTeacher((school or Copying(shipped())).school)
    outcome = teacher.teach(order, versions.scratch(), Free(), lambda _: None)
    return versions.keep(order, outcome)


@pytest.fixture
def three(versions):
    """Three versions, the outcome of one lesson kept three times as if it had been given thrice."""
    first = taught(versions)
    for number in (2, 3):
        made = copied(first, versions.folder / version_name("repsegnet.skin", number), spoiled=True)
        card = json.loads((made.folder / CARD).read_text("utf-8"))
        card["name"], card["title"] = made.folder.name, f"RepSegNet · skin, yours {number}"
        (made.folder / CARD).write_text(json.dumps(card), "utf-8")
    return [version.bundle for version in reversed(versions.all())]


def test_a_candidate_is_kept_under_the_next_number_with_a_title_and_its_record(versions):
    kept = taught(versions)
    assert kept.folder == versions.folder / "repsegnet-yours1.skin"
    assert kept.card.name == "repsegnet-yours1.skin" and kept.card.title == "RepSegNet · skin, yours 1"
    assert kept.task == "skin"
    (version,) = versions.all()
    assert version.record.verdict.how == "held out" and version.record.cases == 8 and not version.in_use
    assert kept.card.training.train_cases == len(version.record.learnt) < 8
    assert taught(versions).folder.name == "repsegnet-yours2.skin"
    assert [
        path.name for path in versions.folder.iterdir() if path.name.endswith((".training", ".lock"))
    ] == []


def test_a_version_is_offered_only_while_it_is_in_use_and_found_by_its_name_always(versions, three):
    catalogue = Catalogue((versions.folder, models_folder()))
    assert catalogue.first().card.name == "repsegnet.skin"
    versions.note(three[1], in_use=True)
    names = [bundle.card.name for bundle in catalogue.bundles()]
    assert catalogue.first().card.name == "repsegnet-yours2.skin"
    assert "repsegnet-yours1.skin" not in names and "repsegnet.skin" in names
    assert catalogue.resolve("repsegnet-yours1.skin").folder == three[0].folder
    with pytest.raises(ModelError, match="did you mean"):
        catalogue.resolve("repsegnet-yours9.skin")


def test_what_was_taught_here_and_is_in_use_comes_first_whatever_its_card_says(versions, three):
    card = three[1].folder / "card.json"
    said = json.loads(card.read_text("utf-8"))
    card.write_text(json.dumps(said | {"measured": [], "speed_ms": None}), "utf-8")
    versions.note(three[1], in_use=True)
    assert Catalogue((versions.folder, models_folder())).first().card.name == "repsegnet-yours2.skin"


def test_of_models_that_are_as_good_as_each_other_the_fastest_comes_first():
    names = [bundle.card.name for bundle in Catalogue([models_folder()]).bundles()]
    assert names.index("repsegnet.skin") < names.index("lgmsnet.skin"), "0.852 in 4 ms against 0.853 in 74"
    assert names.index("lgmsnet.polyp") < names.index("repsegnet.polyp"), "0.888 against 0.719"


def test_what_is_taken_back_gives_way_to_what_was_in_use_before(versions, three):
    versions.note(three[0], in_use=True)
    versions.note(three[2], in_use=True)
    assert versions.in_use("repsegnet.skin").card.name == "repsegnet-yours3.skin"
    versions.note(three[2], in_use=False)
    assert versions.in_use("repsegnet.skin").card.name == "repsegnet-yours1.skin"
    versions.note(three[0], in_use=False)
    assert versions.in_use("repsegnet.skin") is None


def test_one_can_go_back_to_any_version_and_to_the_model_that_shipped(versions, three):
    versions.note(three[2], in_use=True)
    assert versions.roll_back(three[0]).identity == three[0].identity
    assert [version.name for version in versions.all() if version.in_use] == ["repsegnet-yours1.skin"]
    versions.roll_back(shipped())
    assert versions.in_use("repsegnet-yours3.skin") is None
    assert not any(version.in_use for version in versions.all())


def test_a_damaged_version_does_not_come_into_use(versions, three):
    versions.note(three[0], in_use=True)
    three[1].onnx.write_bytes(b"no longer a network")
    with pytest.raises(ModelError, match="damaged"):
        versions.roll_back(three[1])
    assert versions.in_use("repsegnet.skin").card.name == "repsegnet-yours1.skin"


def test_the_one_in_use_and_a_shipped_one_are_not_deleted(versions, three):
    versions.note(three[1], in_use=True)
    with pytest.raises(ModelError, match="is in use"):
        versions.delete(three[1])
    with pytest.raises(ModelError, match="is in use"):
        versions.delete(three[0], loaded=three[0])
    with pytest.raises(ModelError, match="not in your models folder"):
        versions.delete(shipped())
    assert len(versions.all()) == 3 and shipped().onnx.is_file()


def test_a_deleted_version_is_gone_and_its_number_is_not_given_again(versions, three):
    versions.delete(three[2])
    assert [version.name for version in versions.all()] == ["repsegnet-yours2.skin", "repsegnet-yours1.skin"]
    assert taught(versions).folder.name == "repsegnet-yours4.skin"


def test_a_damaged_file_of_what_is_in_use_means_the_model_that_shipped(versions, three):
    versions.note(three[0], in_use=True)
    (versions.folder / "in_use.json").write_text("{", "utf-8")
    assert versions.in_use("repsegnet.skin") is None and len(versions.all()) == 3


def test_the_next_lesson_starts_from_the_model_that_shipped_never_from_a_taught_one(versions, three):
    versions.note(three[2], in_use=True)
    catalogue = Catalogue((versions.folder, models_folder()))
    own = [version.bundle for version in versions.all()]
    assert starts_from(own[0], catalogue).folder == shipped().folder
    assert starts_from(shipped(), catalogue).card.name == "repsegnet.skin"
    assert starts_from(None, catalogue) is None


def test_a_line_whose_base_is_gone_goes_on_from_the_one_in_use(versions, three):
    alone = Catalogue((versions.folder,))
    assert starts_from(three[0], alone).folder == three[0].folder


def test_a_model_taught_from_nothing_is_a_line_of_its_own(versions):
    first = taught(versions, parent=None, in_use=None, classes=("Zyste links",))
    assert first.card.name == "repsegnet-yours1.zyste_links"
    assert first.card.title == "repsegnet · Zyste links, yours 1"
    record = versions.all()[0].record
    assert record.parent == ""
    assert starts_from(first, Catalogue((versions.folder, models_folder()))) is None
    again = taught(versions, parent=None, in_use=first, classes=("Zyste links",))
    assert again.card.name == "repsegnet-yours2.zyste_links"


def test_two_models_are_compared_on_cases_that_neither_has_learnt_from(versions, tmp_path):
    kept = taught(versions)
    spoiled = copied(shipped(), tmp_path / "spoiled", "repsegnet.spoiled", spoiled=True)
    order = order_of(8, None)
    found = compare(spoiled, kept, order, Free())
    assert found.fair and len(found.scores) == 2 and found.overall.gain > 0
    assert "that neither has learnt from" in found.sentence and "yours 1" in found.sentence
    known = set(versions.all()[0].record.learnt)
    assert not known & {case_key(score.name) for score in found.scores}
    only_learnt = tuple(case for case in order.cases if case_key(case.name) in known)
    unfair = compare(spoiled, kept, dataclasses.replace(order, cases=only_learnt), Free())
    assert not unfair.fair and "favours it" in unfair.sentence


def test_a_full_disk_leaves_the_candidate_where_it_is_and_nothing_half_kept(versions, monkeypatch):
    order = order_of(8, shipped())
    outcome = LocalTeacher(Copying(shipped()).school).teach(order, versions.scratch(), Free(), lambda _: None)

    def refuse(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", refuse)
    with pytest.raises(WriteError, match="make room"):
        versions.keep(order, outcome)
    monkeypatch.undo()
    assert outcome.candidate.onnx.is_file() and versions.all() == []


def test_a_candidate_that_was_damaged_on_the_way_is_not_kept(versions):
    order = order_of(8, shipped())
    outcome = LocalTeacher(Copying(shipped()).school).teach(order, versions.scratch(), Free(), lambda _: None)
    outcome.candidate.onnx.write_bytes(b"half")
    with pytest.raises(ModelError, match="damaged"):
        versions.keep(order, outcome)
    assert versions.all() == []


def test_a_killed_lesson_is_no_model_and_is_swept_by_the_next(versions):
    left = versions.scratch()
    copied(shipped(), left)
    left.with_name(left.name + ".lock").touch()
    assert versions.all() == [] and Catalogue((versions.folder,)).bundles() == []
    versions.scratch()
    assert not left.exists()


@pytest.mark.parametrize("base", ["repsegnet.skin", "Mein Netz.Leber/Zyste: rechts", "mine", "x.β"])
def test_names_of_versions_are_fine_on_every_system_and_tell_number_and_line(base):
    name = version_name(base, 12)
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-_.") and number_of(name) == 12
    assert version_name(base_of(name), 12) == name
    assert number_of(base) == 0 and base_of(base) == base


def test_models_of_other_makers_are_listed_too_and_always_offered(versions):
    copied(shipped("lgmsnet.skin"), versions.folder / "mine", "mine.lesion")
    (version,) = versions.all()
    assert version.record is None and version.name == "mine"
    assert [b.card.name for b in Catalogue((versions.folder,)).bundles()] == ["mine.lesion"]
    assert read_in_use(versions.folder).names() == frozenset()


def test_the_record_of_a_version_survives_writing_and_reading(versions):
    kept = taught(versions)
    record = versions.all()[0].record
    assert isinstance(record, LessonRecord)
    write_record(kept.folder, record)
    assert dataclasses.replace(versions.all()[0].record, verdict=record.verdict) == record
    assert (kept.folder / ONNX).is_file()


def test_a_colleague_s_model_begins_a_line_of_its_own(versions, tmp_path):
    export_model(shipped(), tmp_path / "x.fsmodel")
    theirs = import_model(tmp_path / "x.fsmodel", versions.folder)
    catalogue = Catalogue((versions.folder, models_folder()))
    assert starts_from(theirs, catalogue).folder == theirs.folder
    mine = taught(versions, parent=theirs, in_use=theirs)
    assert mine.card.name == "repsegnet-shared1-yours1.skin" and base_of(mine.card.name) == theirs.card.name
    assert mine.card.title == "RepSegNet · skin, shared 1, yours 1"
    export_model(mine, tmp_path / "y.fsmodel")
    assert import_model(tmp_path / "y.fsmodel", tmp_path / "other").card.title == "RepSegNet · skin, shared 1"
