"""An entry for Featherseg among a person's programs, in each system's own format, without administrator rights.

Linux: a desktop entry (freedesktop.org Desktop Entry Specification) with an icon and, for image kinds the
shared MIME database lacks, a MIME package. Windows: a Start menu shortcut. macOS: a small application bundle.
"""

import contextlib
import os
import plistlib
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from featherseg import __version__
from featherseg_engines.errors import WriteError
from featherseg_resources import icon_file

System = Literal["linux", "windows", "macos"]
Run = Callable[[Sequence[str], Mapping[str, str]], None]
"""Runs a program with more environment variables."""

KINDS = (
    "application/dicom;application/x-featherseg-volume;image/png;image/tiff;image/jpeg;image/bmp;"
    "inode/directory;"
)
ENDINGS = ("dcm", "nii", "nii.gz", "nrrd", "mha", "mhd", "png", "tif", "tiff", "jpg", "jpeg", "bmp")
VOLUMES = ("*.nii", "*.nii.gz", "*.nrrd", "*.mha", "*.mhd")
SUMMARY = "Segment medical images on this computer"

# Values come in by environment variables: nothing of a path is ever read as PowerShell.
SHORTCUT = (
    "$ErrorActionPreference = 'Stop'; "
    "$link = (New-Object -ComObject WScript.Shell).CreateShortcut($env:FEATHERSEG_LINK); "
    "$link.TargetPath = $env:FEATHERSEG_TARGET; $link.Arguments = $env:FEATHERSEG_ARGUMENTS; "
    "$link.IconLocation = $env:FEATHERSEG_ICON; $link.Description = $env:FEATHERSEG_SUMMARY; $link.Save()"
)


@dataclass(frozen=True, slots=True)
class Places:
    """Where a launcher goes: ``programs`` holds the entries, ``data`` icons and kinds of files."""

    system: System
    programs: Path
    data: Path


def this_system() -> System:
    """Which of the three this is; every other Unix follows freedesktop.org."""
    return "windows" if sys.platform == "win32" else "macos" if sys.platform == "darwin" else "linux"


def places(system: System | None = None) -> Places:
    """Where this person's programs are listed."""
    system = system or this_system()
    home = Path.home()
    if system == "windows":
        roaming = Path(os.environ.get("APPDATA") or home / "AppData/Roaming")
        local = Path(os.environ.get("LOCALAPPDATA") or home / "AppData/Local")
        return Places(system, roaming / "Microsoft/Windows/Start Menu/Programs", local / "featherseg")
    if system == "macos":
        return Places(system, home / "Applications", home / "Library/Application Support/featherseg")
    given = os.environ.get("XDG_DATA_HOME", "")
    data = Path(given) if given.startswith("/") else home / ".local/share"
    return Places(system, data / "applications", data)


def start_command() -> list[str]:
    """What starts the window of this installation; a path may follow."""
    python = Path(sys.executable)
    ending = ".exe" if os.name == "nt" else ""
    for folder in (python.parent, Path(sysconfig.get_path("scripts"))):
        script = folder / f"featherseg-desktop{ending}"
        if script.exists():
            return [str(script)]
    quiet = python.with_name("pythonw.exe")
    return [str(quiet if quiet.exists() else python), "-m", "featherseg.cli", "open"]


def files_of(where: Places) -> list[Path]:
    """What a launcher consists of, whether it is there or not; the entry itself is first."""
    if where.system == "windows":
        return [where.programs / "Featherseg.lnk", where.data / "featherseg.ico"]
    if where.system == "macos":
        return [where.programs / "Featherseg.app"]
    return [
        where.programs / "featherseg.desktop",
        where.data / "icons/hicolor/256x256/apps/featherseg.png",
        where.data / "mime/packages/featherseg.xml",
    ]


def install(where: Places, command: Sequence[str] | None = None, run: Run | None = None) -> list[Path]:
    """Make the launcher, in place of an older one; what was made, the entry first.

    Raises
    ------
    WriteError
        A folder cannot be written, or the system's own tool refused.
    """
    make = {"windows": _make_windows, "macos": _make_macos, "linux": _make_linux}[where.system]
    made = files_of(where)
    try:
        for path in made:
            path.parent.mkdir(parents=True, exist_ok=True)
        make(made, command or start_command(), run or _run)
    except (OSError, subprocess.SubprocessError) as error:
        raise WriteError(
            f"The launcher '{made[0].name}' cannot be made: the folder of your programs is read-only, "
            "or the system refused; start Featherseg with the command featherseg instead."
        ) from error
    return made


def remove(where: Places, run: Run | None = None) -> list[Path]:
    """Take the launcher away; what was there.

    Raises
    ------
    WriteError
        It is there and cannot be removed.
    """
    there = [path for path in files_of(where) if path.exists()]
    try:
        for path in there:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    except OSError as error:
        raise WriteError("The launcher cannot be removed: its folder is read-only.") from error
    if there and where.system == "linux":
        _tell_desktop(where.data, run or _run)
    return there


def _make_linux(made: Sequence[Path], command: Sequence[str], run: Run) -> None:
    entry, icon, kinds = made
    shutil.copyfile(icon_file(), icon)
    kinds.write_text(_mime_package(), "utf-8")
    entry.write_text(desktop_entry(command), "utf-8")
    _tell_desktop(kinds.parents[2], run)


def _tell_desktop(data: Path, run: Run) -> None:
    """Refresh the desktop's caches, where it keeps any; it reads the files later otherwise."""
    for tool, folder in (("update-mime-database", "mime"), ("update-desktop-database", "applications")):
        if shutil.which(tool):
            with contextlib.suppress(OSError, subprocess.SubprocessError):
                run([tool, str(data / folder)], {})


def desktop_entry(command: Sequence[str]) -> str:
    """The text of the desktop entry."""
    words = " ".join(_exec_word(word) for word in command)
    return "\n".join(
        (
            "[Desktop Entry]",
            "Type=Application",
            "Version=1.1",
            "Name=Featherseg",
            "GenericName=Medical image segmentation",
            f"Comment={SUMMARY}",
            f"Exec={_value(words)} %F",
            f"TryExec={_value(command[0])}",
            "Icon=featherseg",
            "Terminal=false",
            "Categories=Science;MedicalSoftware;",
            "Keywords=segmentation;annotation;DICOM;NIfTI;",
            f"MimeType={KINDS}",
            "StartupNotify=true",
            "StartupWMClass=Featherseg",
            "",
        )
    )


def _exec_word(word: str) -> str:
    """One argument of an Exec key, quoted by the rules of the specification ("The Exec key")."""
    quoted = re.sub(r'(["`$\\])', r"\\\1", word)
    plain = re.fullmatch(r"[\w@%+:,./-]+", word)
    return (word if plain else f'"{quoted}"').replace("%", "%%")


def _value(text: str) -> str:
    """A string value of a desktop entry ("Possible value types")."""
    if re.search(r"[\n\r\0]", text):
        raise WriteError("Featherseg lies in a folder whose name has a line break; move it elsewhere.")
    return text.replace("\\", "\\\\")


def _mime_package() -> str:
    globs = "".join(f'    <glob pattern="{pattern}"/>\n' for pattern in VOLUMES)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<mime-info xmlns="http://www.freedesktop.org/standards/shared-mime-info">\n'
        '  <mime-type type="application/x-featherseg-volume">\n'
        f"    <comment>Medical image volume</comment>\n{globs}  </mime-type>\n</mime-info>\n"
    )


def _make_windows(made: Sequence[Path], command: Sequence[str], run: Run) -> None:
    from PIL import Image

    link, icon = made
    with Image.open(icon_file()) as picture:
        picture.save(icon, "ICO", sizes=[(side, side) for side in (16, 32, 48, 256)])
    values = {
        "FEATHERSEG_LINK": str(link),
        "FEATHERSEG_TARGET": command[0],
        "FEATHERSEG_ARGUMENTS": subprocess.list2cmdline(command[1:]),
        "FEATHERSEG_ICON": f"{icon},0",
        "FEATHERSEG_SUMMARY": SUMMARY,
    }
    run(["powershell.exe", "-NoProfile", "-NonInteractive", "-Command", SHORTCUT], values)


def _make_macos(made: Sequence[Path], command: Sequence[str], _: Run) -> None:
    from PIL import Image

    inside = made[0] / "Contents"
    for name in ("MacOS", "Resources"):
        (inside / name).mkdir(parents=True, exist_ok=True)
    with Image.open(icon_file()) as picture:
        picture.save(inside / "Resources" / "featherseg.icns", "ICNS")
    (inside / "Info.plist").write_bytes(plistlib.dumps(_bundle_facts()))
    script = inside / "MacOS" / "featherseg"
    script.write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n', "utf-8")
    script.chmod(0o755)


def _bundle_facts() -> dict[str, object]:
    """Info.plist (Apple, Information Property List Key Reference)."""
    images = {
        "CFBundleTypeName": "Medical image",
        "CFBundleTypeRole": "Editor",
        "LSHandlerRank": "Alternate",
        "CFBundleTypeExtensions": list(ENDINGS),
    }
    folders = {
        "CFBundleTypeName": "Folder",
        "CFBundleTypeRole": "Viewer",
        "LSHandlerRank": "Alternate",
        "LSItemContentTypes": ["public.folder"],
    }
    return {
        "CFBundleName": "Featherseg",
        "CFBundleDisplayName": "Featherseg",
        "CFBundleIdentifier": "org.featherseg.launcher",
        "CFBundleVersion": __version__,
        "CFBundleShortVersionString": __version__,
        "CFBundlePackageType": "APPL",
        "CFBundleExecutable": "featherseg",
        "CFBundleIconFile": "featherseg.icns",
        "NSHighResolutionCapable": True,
        "CFBundleDocumentTypes": [images, folders],
    }


def _run(words: Sequence[str], more: Mapping[str, str]) -> None:
    quiet = int(getattr(subprocess, "CREATE_NO_WINDOW", 0))  # Windows alone has it
    subprocess.run(
        list(words),
        env={**os.environ, **more},
        check=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        creationflags=quiet,
    )
