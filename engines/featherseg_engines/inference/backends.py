"""The ways a network can be computed on this machine, and how each is opened."""

import contextlib
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Literal

from featherseg_engines.errors import MissingPackageError
from featherseg_engines.inference import openvino_runner
from featherseg_engines.inference.machine import Machine
from featherseg_engines.inference.openvino_runner import OpenVinoRunner, Precision
from featherseg_engines.inference.runner import OnnxRunner, Runner
from featherseg_engines.models.bundle import ModelBundle

Backend = Literal["onnxruntime", "openvino"]
PACKAGES: tuple[Backend, ...] = ("onnxruntime", "openvino")


@dataclass(frozen=True, slots=True)
class Choice:
    """One way to compute a network: library, precision, threads."""

    backend: Backend = "onnxruntime"
    precision: Precision = "f32"
    threads: int = 2

    def __str__(self) -> str:
        """For people and as a key in files."""
        return f"{self.backend} {self.precision} x{self.threads}"


def choices(machine: Machine) -> tuple[Choice, ...]:
    """Every way there is on this machine, the plainest first: ONNX Runtime, fp32, few threads."""
    ways: list[tuple[Backend, Precision]] = [("onnxruntime", "f32")]
    if openvino_runner.installed():
        with contextlib.suppress(MissingPackageError, RuntimeError):  # it is there and does not start here
            bf16 = openvino_runner.computes_bf16() and machine.may_have_bf16
            ways.append(("openvino", "f32"))
            if bf16:
                ways.append(("openvino", "bf16"))
    return tuple(Choice(backend, precision, n) for backend, precision in ways for n in machine.threads)


def open_runner(bundle: ModelBundle, choice: Choice, further: tuple[str, ...] = ()) -> Runner:
    """Load the network of a bundle in the way chosen, with further outputs. Raises whatever the library raises."""
    if choice.backend == "openvino":
        return OpenVinoRunner(bundle.onnx, choice.threads, choice.precision, further=further)
    return OnnxRunner(bundle.onnx, choice.threads, further=further)


def usual_shape(bundle: ModelBundle) -> tuple[int, ...]:
    """The input (1, channels, *sides) a bundle's network sees most: its patch, or a square slice at its size."""
    pre = bundle.card.preprocessing
    side = pre.long_side or 512
    sides = pre.patch or (side + -side % pre.stride,) * 2
    return (1, pre.channels, *sides)


def versions() -> dict[str, str]:
    """Version of each package that can compute a network; left out where it is not installed."""
    found: dict[str, str] = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
