"""The launcher's files, made in a folder for each system; the Linux one is read as a desktop would read it."""

import configparser
import plistlib
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest
from PIL import Image
from typer.testing import CliRunner

from featherseg.cli import app
from featherseg.window.launcher import Places, desktop_entry, install, places, remove, start_command
from featherseg_engines.errors import WriteError
from featherseg_resources import icon_file

AWKWARD = [
    '/opt/my programs/100% "good"/$HOME/py`thon\\3',
    "-m",
    "featherseg.cli",
    "it's; a & b > c",
]


def entry_of(text):
    parser = configparser.RawConfigParser(delimiters="=", comment_prefixes="#", interpolation=None)
    parser.optionxform = str
    parser.read_string(text)
    return parser["Desktop Entry"]


def words_of(value):
    """What a desktop starts for an Exec value: string escapes first, then quotes (a shell's), then field codes."""
    text = value.replace("\\\\", "\\")
    said = subprocess.run(["sh", "-c", f"printf '%s\\n' {text}"], capture_output=True, text=True, check=True)
    return [word.replace("%%", "%") for word in said.stdout.splitlines()]


@pytest.fixture
def linux(tmp_path):
    return Places("linux", tmp_path / "share" / "applications", tmp_path / "share")


def test_awkward_paths_come_through_the_exec_key_whole():
    entry = entry_of(desktop_entry(AWKWARD))

    assert words_of(entry["Exec"]) == [*AWKWARD, "%F"]
    assert entry["TryExec"].replace("\\\\", "\\") == AWKWARD[0]


def test_the_desktop_entry_opens_our_kinds_of_files_and_folders(linux):
    made = install(linux, ["/usr/bin/featherseg-desktop"], run=lambda *_: None)

    entry = entry_of(made[0].read_text("utf-8"))
    kinds = entry["MimeType"].split(";")
    assert {"application/dicom", "image/png", "image/jpeg", "image/tiff", "inode/directory"} <= set(kinds)
    volumes = ET.parse(made[2]).getroot()[0]
    assert volumes.get("type") in kinds
    patterns = {glob.get("pattern") for glob in volumes if glob.tag.endswith("glob")}
    assert {"*.nii", "*.nii.gz", "*.nrrd"} <= patterns
    with Image.open(made[1]) as icon:
        assert icon.size == (256, 256)
    assert entry["Icon"] == made[1].stem


@pytest.mark.skipif(shutil.which("desktop-file-validate") is None, reason="needs desktop-file-utils")
def test_the_validator_of_freedesktop_has_nothing_to_say(linux):
    made = install(linux, AWKWARD, run=lambda *_: None)

    done = subprocess.run(["desktop-file-validate", made[0]], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.skipif(sys.platform != "linux", reason="freedesktop.org")
def test_the_command_line_makes_it_and_takes_it_away(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))

    said = CliRunner().invoke(app, ["launcher", "install"])
    assert said.exit_code == 0, said.output
    assert (tmp_path / "applications" / "featherseg.desktop").is_file()

    assert CliRunner().invoke(app, ["launcher", "remove"]).exit_code == 0
    ours = [p for p in tmp_path.rglob("*") if p.is_file() and "featherseg" in p.name]
    assert not ours
    assert "no launcher" in CliRunner().invoke(app, ["launcher", "remove"]).output


def test_installing_twice_leaves_one_and_a_blocked_folder_is_a_sentence(linux, tmp_path):
    assert install(linux, ["/a"], run=lambda *_: None) == install(linux, ["/b"], run=lambda *_: None)
    assert entry_of((linux.programs / "featherseg.desktop").read_text())["Exec"] == "/b %F"

    (tmp_path / "file").write_text("")
    with pytest.raises(WriteError, match="cannot be made"):
        install(Places("linux", tmp_path / "file" / "applications", tmp_path), ["/a"])


def test_a_relative_data_home_is_ignored_as_the_specification_says(monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", "not/absolute")

    assert places("linux").data.is_absolute()


def test_the_windows_shortcut_gets_every_path_by_environment_and_none_in_its_script(tmp_path):
    asked = []
    where = Places("windows", tmp_path / "Start Menu's", tmp_path / "data")

    made = install(where, AWKWARD, run=lambda words, more: asked.append((words, more)))

    (words, more), *_ = asked
    assert words[0] == "powershell.exe" and not any(AWKWARD[0] in word for word in words)
    assert more["FEATHERSEG_LINK"] == str(made[0]) and made[0].suffix == ".lnk"
    assert more["FEATHERSEG_TARGET"] == AWKWARD[0]
    assert more["FEATHERSEG_ARGUMENTS"] == subprocess.list2cmdline(AWKWARD[1:])
    for name in more:
        assert f"$env:{name}" in words[-1]
    with Image.open(made[1]) as icon:
        assert icon.format == "ICO" and (256, 256) in icon.info["sizes"]
    assert remove(where) == [made[1]]


def test_the_application_of_macos_starts_our_command_with_the_file_it_is_given(tmp_path):
    where = Places("macos", tmp_path / "Applications", tmp_path / "data")
    script = tmp_path / "it's a program"
    script.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    script.chmod(0o755)

    made = install(where, [str(script), "a b", "$HOME"])

    facts = plistlib.loads((made[0] / "Contents" / "Info.plist").read_bytes())
    program = made[0] / "Contents" / "MacOS" / facts["CFBundleExecutable"]
    said = subprocess.run([program, "/my scan.nii.gz"], capture_output=True, text=True, check=True)
    assert said.stdout.splitlines() == ["a b", "$HOME", "/my scan.nii.gz"]
    endings = {e for kind in facts["CFBundleDocumentTypes"] for e in kind.get("CFBundleTypeExtensions", ())}
    assert {"dcm", "nii", "nii.gz", "png"} <= endings
    assert (made[0] / "Contents" / "Resources" / facts["CFBundleIconFile"]).stat().st_size > 1000
    assert remove(where) == made and not made[0].exists()


def test_the_start_command_is_one_that_starts(tmp_path):
    words = start_command()

    done = subprocess.run([*words, str(tmp_path / "missing.png")], capture_output=True, text=True)
    assert done.returncode == 2 and "missing.png" in done.stderr


def test_the_icon_is_there():
    assert icon_file().is_file() and icon_file().with_suffix(".svg").is_file()
