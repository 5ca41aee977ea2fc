"""The annotation room loads neither a screen nor the heavy libraries before they are used."""

import subprocess
import sys

import pytest

HEAVY = {
    "qtpy",
    "PySide6",
    "napari",
    "torch",
    "monai",
    "onnxruntime",
    "SimpleITK",
    "scipy",
    "itk",
    "psutil",
    "filelock",
}


@pytest.mark.parametrize(
    "name", ["workspace", "intake", "export.registry", "tools.algebra", "tools.interpolation"]
)
def test_importing_it_loads_numpy_and_pillow_at_most(name):
    code = (
        f"import sys, featherseg_engines.annotation.{name}; print(*{{m.split('.')[0] for m in sys.modules}})"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert not HEAVY & set(run.stdout.split())
