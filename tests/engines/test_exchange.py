"""A model as one file: round trip without names, and what is damaged or malicious is refused with a sentence."""

import json
import zipfile

import pytest
from support.taught import Copying, Free, copied, order_of, shipped

from featherseg_engines.errors import ModelError, WriteError
from featherseg_engines.inference.onnx_engine import OnnxModel
from featherseg_engines.models.bundle import CARD, ONNX, WEIGHTS
from featherseg_engines.models.catalogue import Catalogue
from featherseg_engines.teaching import exchange
from featherseg_engines.teaching.exchange import export_model, import_model
from featherseg_engines.teaching.record import NAME
from featherseg_engines.teaching.teach import LocalTeacher
from featherseg_engines.teaching.versions import Versions


@pytest.fixture
def file(tmp_path):
    export_model(shipped(), tmp_path / "skin.fsmodel")
    return tmp_path / "skin.fsmodel"


def rewritten(file, target, change):
    """The archive with its parts, by name, as ``change`` leaves them."""
    with zipfile.ZipFile(file) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    change(parts)
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return target


def test_a_model_comes_back_whole_under_a_name_that_is_free(tmp_path, file):
    folder = tmp_path / "models"
    taken = import_model(file, folder)
    assert taken.folder == folder / "repsegnet-shared1.skin" and taken.card.name == taken.folder.name
    assert taken.card.title == "RepSegNet · skin, shared 1" and taken.identity == shipped().identity
    assert taken.task == "skin" and taken.card.labels == shipped().card.labels
    OnnxModel(taken)
    taken.verify(WEIGHTS)
    assert [path.name for path in folder.iterdir()] == ["repsegnet-shared1.skin"]
    assert [b.card.name for b in Catalogue((folder,)).bundles()] == ["repsegnet-shared1.skin"]


def test_the_same_model_twice_is_the_same_file_and_is_taken_in_once(tmp_path, file):
    export_model(shipped(), tmp_path / "again.fsmodel")
    assert (tmp_path / "again.fsmodel").read_bytes() == file.read_bytes()
    import_model(file, tmp_path / "models")
    with pytest.raises(ModelError, match="here already as 'RepSegNet · skin, shared 1'"):
        import_model(tmp_path / "again.fsmodel", tmp_path / "models")


def test_no_case_is_named_in_the_file(tmp_path):
    versions, order = Versions(tmp_path / "models"), order_of(8, shipped())
    outcome = LocalTeacher(Copying(shipped()).school).teach(order, versions.scratch(), Free(), lambda _: None)
    kept = versions.keep(order, outcome)
    export_model(kept, tmp_path / "mine.fsmodel")
    with zipfile.ZipFile(tmp_path / "mine.fsmodel") as archive:
        assert archive.namelist() == [CARD, ONNX, WEIGHTS]
        card = archive.read(CARD).decode()
    assert (kept.folder / NAME).is_file() and "case 0" not in card and json.loads(card)["worst"] == []
    assert import_model(tmp_path / "mine.fsmodel", tmp_path / "of a colleague").card.title.endswith(
        "shared 1"
    )


def test_a_damaged_model_is_not_written_out(tmp_path):
    spoiled = copied(shipped(), tmp_path / "m")
    spoiled.onnx.write_bytes(b"half")
    with pytest.raises(ModelError, match="damaged"):
        export_model(spoiled, tmp_path / "m.fsmodel")
    assert not (tmp_path / "m.fsmodel").exists()


@pytest.mark.parametrize(
    "strange", ["../evil.py", "/etc/evil", "C:\\evil.dll", "sub/model.onnx", "version.json"]
)
def test_what_is_not_part_of_a_model_is_refused_whatever_its_name(tmp_path, file, strange):
    bad = rewritten(file, tmp_path / "bad.fsmodel", lambda parts: parts.update({strange: b"x"}))
    refused(bad, tmp_path, "more than a model")


def test_a_part_that_is_missing_or_twice_is_refused(tmp_path, file):
    refused(rewritten(file, tmp_path / "a.fsmodel", lambda parts: parts.pop(ONNX)), tmp_path, "lacks a part")
    twice = rewritten(file, tmp_path / "b.fsmodel", lambda parts: None)
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(twice, "a") as archive:
        archive.writestr(ONNX, b"another")
    refused(twice, tmp_path, "lacks a part")


def test_weights_that_are_not_those_of_the_card_are_refused(tmp_path, file):
    def change(parts):
        parts[ONNX] = parts[ONNX][:-1] + bytes([parts[ONNX][-1] ^ 1])

    refused(rewritten(file, tmp_path / "bad.fsmodel", change), tmp_path, "'model.onnx' is not the one")


def test_a_card_that_cannot_be_read_or_does_not_fit_its_network_is_refused(tmp_path, file):
    def no_json(parts):
        parts[CARD] = b"{"

    def one_label_more(parts):
        card = json.loads(parts[CARD])
        card["labels"].append({"value": 2, "name": "hair"})
        parts[CARD] = json.dumps(card).encode()

    refused(rewritten(file, tmp_path / "a.fsmodel", no_json), tmp_path, "card of the model .* cannot be read")
    refused(
        rewritten(file, tmp_path / "b.fsmodel", one_label_more), tmp_path, "gives 2 maps and its card says 3"
    )


def test_a_network_that_refers_to_other_files_is_refused(tmp_path, file):
    import hashlib

    def change(parts):
        parts[ONNX] += b"\x0a\x08location\x12\x0b/etc/passwd"
        card = json.loads(parts[CARD])
        card["sha256"][ONNX] = hashlib.sha256(parts[ONNX]).hexdigest()
        parts[CARD] = json.dumps(card).encode()

    refused(rewritten(file, tmp_path / "bad.fsmodel", change), tmp_path, "refers to files outside")


def test_what_is_larger_than_a_model_may_be_is_refused_also_where_the_archive_lies(
    tmp_path, file, monkeypatch
):
    monkeypatch.setitem(exchange.LIMITS, ONNX, 1000)
    refused(file, tmp_path, "larger than a model may be")
    data = bytearray(file.read_bytes())
    with zipfile.ZipFile(file) as archive:
        size = archive.getinfo(ONNX).file_size
    true, said = size.to_bytes(4, "little"), (999).to_bytes(4, "little")
    at = data.rfind(true)
    data[at : at + 4] = said
    (tmp_path / "liar.fsmodel").write_bytes(data)
    refused(tmp_path / "liar.fsmodel", tmp_path, "larger than a model|damaged")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no archive", b"\x89PNG"])
def test_what_is_no_model_file_is_refused(tmp_path, content):
    (tmp_path / "x.fsmodel").write_bytes(content)
    refused(tmp_path / "x.fsmodel", tmp_path, "damaged or is no model file")


def test_a_cut_off_file_is_refused_and_a_missing_one_too(tmp_path, file):
    whole = file.read_bytes()
    (tmp_path / "cut.fsmodel").write_bytes(whole[: len(whole) // 2])
    refused(tmp_path / "cut.fsmodel", tmp_path, "damaged or is no model file")
    refused(tmp_path / "nowhere.fsmodel", tmp_path, "There is no file 'nowhere.fsmodel'")


def test_bits_that_fell_over_inside_are_found(tmp_path, file):
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 0x10
    (tmp_path / "bad.fsmodel").write_bytes(data)
    refused(tmp_path / "bad.fsmodel", tmp_path, "damaged")


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path, file):
    (tmp_path / "models").write_text("a file stands here")
    with pytest.raises(WriteError, match="read-only or the disk is full"):
        import_model(file, tmp_path / "models")


def refused(file, tmp_path, words):
    """It raises one sentence and leaves nothing, inside the models folder or out."""
    before = sorted(tmp_path.iterdir())
    folder = tmp_path / "models"
    with pytest.raises(ModelError, match=words) as found:
        import_model(file, folder)
    assert str(found.value).count("\n") == 0
    assert list(folder.iterdir()) == []
    folder.rmdir()
    assert sorted(tmp_path.iterdir()) == before
