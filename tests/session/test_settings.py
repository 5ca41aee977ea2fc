"""A person's settings: kept in a small file that may be missing, damaged or read-only."""

import json

import pytest

from featherseg.session.settings import Settings, SettingsFile


def test_settings_are_there_again_after_a_restart(tmp_path):
    SettingsFile(tmp_path / "new" / "folder").change(
        shortcuts={"undo": "Ctrl+U"}, initials="ML", theme="light"
    )

    again = SettingsFile(tmp_path / "new" / "folder").value

    assert again == Settings({"undo": "Ctrl+U"}, "ML", "light")


def test_no_file_means_defaults_and_none_is_made_by_looking(tmp_path):
    settings = SettingsFile(tmp_path)

    assert settings.value == Settings()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff\xfe\x00", b"[1, 2]", b'{"shortcuts": ', b"[" * 100_000, b'"text"'],
)
def test_a_damaged_file_means_defaults_and_is_replaced_by_the_next_change(tmp_path, content):
    (tmp_path / "settings.json").write_bytes(content)

    settings = SettingsFile(tmp_path)

    assert settings.value == Settings()
    assert settings.change(initials="ML") is None
    assert SettingsFile(tmp_path).value.initials == "ML"


def test_a_part_of_the_wrong_kind_is_the_default_and_the_rest_is_kept(tmp_path):
    plain = {"shortcuts": {"undo": 3, "redo": "Ctrl+Y"}, "initials": None, "theme": "pink", "more": 1}
    (tmp_path / "settings.json").write_text(json.dumps(plain))

    assert SettingsFile(tmp_path).value == Settings({"redo": "Ctrl+Y"}, "", "dark")


def test_where_nothing_can_be_written_settings_hold_and_one_sentence_says_so(tmp_path):
    in_the_way = tmp_path / "file"
    in_the_way.write_text("a file where the folder should be")
    settings = SettingsFile(in_the_way / "settings")

    first, second = settings.change(theme="light"), settings.change(initials="ML")

    assert first is not None and "read-only" in first.text and first.kind == "problem"
    assert second is None
    assert settings.value == Settings({}, "ML", "light")


def test_the_environment_names_another_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("FEATHERSEG_SETTINGS", str(tmp_path / "mine"))

    SettingsFile().change(initials="ML")

    assert (tmp_path / "mine" / "settings.json").is_file()


def test_a_change_is_told_and_no_change_is_not(tmp_path):
    settings, told = SettingsFile(tmp_path), []
    settings.changed.connect(told.append)

    settings.change(theme="light")
    settings.change(theme="light")

    assert [value.theme for value in told] == ["light"]
