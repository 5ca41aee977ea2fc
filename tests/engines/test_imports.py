"""What opening the window, proposing and the headless floors may import: looked up in fresh interpreters."""

import subprocess
import sys

import pytest
from support.paths import SAMPLE

SCREENS = ("qtpy", "PySide6", "PyQt6", "superqt", "napari", "magicgui")


def modules_after(code: str) -> set[str]:
    script = code + "\nimport sys; print('\\n'.join(sorted({m.split('.')[0] for m in sys.modules})))"
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=120
    )
    return set(run.stdout.split())


@pytest.mark.parametrize(
    "name",
    [
        "featherseg_engines.imaging.readers",
        "featherseg_engines.imaging.writers",
        "featherseg_engines.imaging.dicom.segmentation",
        "featherseg_engines.imaging.dicom.rtstruct",
        "featherseg_engines.imaging.dicom.deidentify",
        "featherseg_engines.imaging.surface",
        "featherseg_engines.imaging.coco",
        "featherseg_engines.inference.onnx_engine",
        "featherseg_engines.evaluation",
        "featherseg_engines.models.catalogue",
        "featherseg.session.session",
        "featherseg.session.commands",
    ],
)
def test_headless_modules_import_no_screen_and_no_torch(name):
    found = modules_after(f"import {name}")
    heavy = {"torch", "monai", "onnxruntime", "SimpleITK", "pydicom", "nibabel", "gdcm", "tifffile"}
    assert not found & {*SCREENS, *heavy}


def test_training_modules_import_no_screen():
    pytest.importorskip("torch")
    assert not modules_after("import featherseg_engines.training.lesson") & set(SCREENS)


def test_proposing_imports_no_torch():
    code = f"""
from pathlib import Path
from featherseg_engines.models.catalogue import Catalogue
from featherseg_engines.inference.onnx_engine import OnnxModel
from featherseg_engines.imaging.readers import read_image
OnnxModel(Catalogue().resolve('repsegnet.skin')).probability(read_image(Path({str(SAMPLE)!r})).slice(0))
"""
    found = modules_after(code)
    assert "onnxruntime" in found and not found & {"torch", "monai", *SCREENS}


def test_opening_the_window_imports_no_torch():
    code = """
from qtpy.QtWidgets import QApplication
app = QApplication([])
from featherseg.window.launch import make_window
window = make_window(); window.show(); app.processEvents(); window.close()
"""
    found = modules_after(code)
    assert "napari" in found and not found & {"torch", "monai", "onnxruntime"}
