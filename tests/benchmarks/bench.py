"""Timings, side by side in one run: ``python3 dev.py bench [NAME …]``, of deployed, networks, ghost, live, scroll,
stroke_window, teach_window, volumes, startup. By themselves, with options of their own: ``bench profile [network]``
prints where the time of each node goes, ``bench strokes`` how few strokes a mask needs, ``bench teach`` what a lesson
gives, ``bench int8`` what networks in 8 bits would, ``bench borders`` what a border one pixel off costs, ``bench
kinds`` how often a lesson tells other kinds of picture from its parent's, ``bench together`` what models have as one,
``bench halves`` what a lesson's step costs in half precision on better and lesser processors, ``bench opening`` how
long a photograph takes to open.

Machines drift: read the ratios and medians, not single absolute figures.
"""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

THREADS = 2
RUNS = 30


def medians(*works: Callable[[], object], runs: int = RUNS, warm: int = 3) -> list[tuple[float, float]]:
    """Median and 95th percentile in ms of each work, run in turn so that drift meets all alike."""
    seconds: list[list[float]] = [[] for _ in works]
    for i in range(warm + runs):
        for work, kept in zip(works, seconds, strict=True):
            started = time.perf_counter()
            work()
            if i >= warm:
                kept.append((time.perf_counter() - started) * 1000)
    return [(statistics.median(k), sorted(k)[int(0.95 * (len(k) - 1))]) for k in seconds]


def row(name: str, median: float, p95: float, note: str = "") -> None:
    """One line of the table."""
    print(f"  {name:44} median {median:8.1f} ms   p95 {p95:8.1f} ms   {note}", flush=True)


def deployed() -> None:
    """Every way there is here to compute the deployed networks, against eager torch and MONAI's BasicUNet."""
    import inference

    inference.deployed()


def profile(network: str = "") -> None:
    """Where each node's time goes; not part of a run of everything."""
    import inference

    inference.profile(network)


def session_of(content: bytes):
    """An ONNX Runtime session as the engine makes it."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    options.log_severity_level = 3
    options.add_session_config_entry("session.force_spinning_stop", "1")
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


NETWORKS = (
    *("repsegnet", "med2dsegnet", "reunet_slim8", "reunet_released", "lgmsnet", "cmunext", "cmunext_s"),
    *("tinyunet", "unext", "unext_s", "mobileunet", "monai_unet", "lgmsnet3d"),
)


def networks(runs: int = 10) -> None:
    """Every network: eager training form, eager deployed form, ONNX Runtime; in turn, in one run."""
    import torch

    from featherseg_engines.networks.counting import count
    from featherseg_engines.networks.registry import default_registry
    from featherseg_engines.networks.spec import deployed_form
    from featherseg_engines.training.export import onnx_bytes

    torch.set_num_threads(THREADS)
    registry = default_registry()
    large = [torch.randn(2048, 2048) for _ in range(2)]
    print(
        f"2D at 256 x 256, 3D at its patch of 96 cubed, batch 1, {THREADS} threads, medians of {runs} (3D: 3) in turn"
    )
    print(
        "| network | eager, training ms | eager, deployed ms | ONNX Runtime ms | ratio | GMAC/s | of fp32 product |"
    )
    print("|---|---|---|---|---|---|---|")
    for name in NETWORKS:
        spec = registry.get(name)
        network = spec.make().eval()
        form = deployed_form(network)
        image = torch.randn(1, spec.in_channels, *spec.sides)
        session = session_of(onnx_bytes(form, image))
        plain = image.numpy()

        def ask(module, image=image) -> None:
            with torch.inference_mode():
                module(image)

        works = (
            lambda network=network: ask(network),
            lambda form=form: ask(form),
            lambda session=session, plain=plain: session.run(None, {"image": plain}),
            lambda: torch.mm(*large),
        )
        times = [m for m, _ in medians(*works, runs=runs if spec.dims == 2 else 3, warm=2)]
        rate, peak = count(spec).gmacs_deployed / times[2] * 1000, 2.048**3 / times[3] * 1000
        figures = f"{times[0]:.0f} | {times[1]:.0f} | {times[2]:.1f} | {times[0] / times[2]:.1f} x"
        print(f"| {name} | {figures} | {rate:.0f} | {rate / peak:.0%} |", flush=True)


def ghost() -> None:
    """From the press of Space to the ghost's pixels read back from the canvas, in the real window."""
    from qtpy.QtCore import Qt
    from qtpy.QtTest import QTest
    from qtpy.QtWidgets import QApplication
    from support.hand import settle, wait
    from support.paths import SAMPLE

    from featherseg.window.launch import make_window

    app = QApplication.instance() or QApplication(["featherseg"])
    window = make_window()
    window.resize(1366, 768)
    window.show()
    window.activateWindow()
    window.files.open(SAMPLE)
    wait(lambda: window.session.case is not None)
    settle(0.5)
    native, session = window.qt_viewer.canvas.native, window.session
    waits: list[float] = []

    def propose() -> None:
        QTest.keyClick(native, Qt.Key.Key_Space)
        wait(lambda: session.proposal is not None)
        native.grabFramebuffer()
        assert session.proposal is not None
        waits.append(session.proposal.seconds * 1000)

    times = []
    for i in range(3 + RUNS):
        started = time.perf_counter()
        propose()
        times.append((time.perf_counter() - started) * 1000)
        session.drop()
        settle(0.05)
        if i == 2:
            times, waits = [], []
    print(f"Space to ghost pixels read back, {SAMPLE.name} 256 x 192, {RUNS} runs")
    row("whole way", statistics.median(times), sorted(times)[int(0.95 * (RUNS - 1))])
    row(
        "of which preprocessing, network, back",
        statistics.median(waits),
        sorted(waits)[int(0.95 * (RUNS - 1))],
    )
    window.close()
    app.processEvents()


OURS = """
from qtpy.QtWidgets import QApplication
app = QApplication([])
from featherseg.window.launch import make_window
window = make_window(); window.show(); app.processEvents(); window.grab()
print("painted", flush=True)
"""
BARE = """
import napari
viewer = napari.Viewer()
from qtpy.QtWidgets import QApplication
app = QApplication.instance(); app.processEvents()
viewer.window.screenshot(flash=False, canvas_only=False)
print("painted", flush=True)
"""


def startup(runs: int = 7) -> None:
    """A fresh interpreter to the first painted window, against bare napari, in turn."""

    def start(code: str) -> None:
        child = subprocess.Popen(
            [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert child.stdout is not None
        assert child.stdout.readline().strip() == b"painted"
        child.kill()
        child.wait()

    times = medians(lambda: start(OURS), lambda: start(BARE), runs=runs, warm=1)
    print(f"Fresh interpreter to first painted window, {runs} runs each in turn")
    row("Featherseg", *times[0], f"{times[0][0] / times[1][0]:.2f} x bare napari")
    row("bare napari", *times[1])


def live() -> None:
    """Slice change to ghost pixels, computed then and computed ahead."""
    from benchmarks.live import slices

    slices()


def scroll() -> None:
    """Scrolling with live mode off and on."""
    from benchmarks import live as window

    window.scroll()


def teach_window() -> None:
    """Painting and slice changes while a model learns."""
    from benchmarks import teach_window as window

    window.main()


def stroke_window() -> None:
    """From the release of the mouse to the new ghost on the screen."""
    from benchmarks.stroke_window import measure

    measure()


def volumes() -> None:
    """All slices of 512 x 512 x 200; one row of blocks of LGMSNet-3D (``volumes.py blocks`` takes all twelve)."""
    subprocess.check_call(
        [sys.executable, Path(__file__).with_name("volumes.py"), "slices256", "slices512", "blocks_row"]
    )


SECTIONS = {
    "deployed": deployed,
    "networks": networks,
    "ghost": ghost,
    "live": live,
    "scroll": scroll,
    "teach_window": teach_window,
    "stroke_window": stroke_window,
    "volumes": volumes,
    "startup": startup,
}


def main(names: list[str]) -> int:
    """Run the named sections, each in an interpreter of its own; all of them where none is named."""
    if names[:1] == ["together"]:
        from benchmarks.together import main as together

        return together(names[1:])
    if names[:1] == ["borders"]:
        from benchmarks.borders import main as borders

        return borders(names[1:])
    if names[:1] == ["kinds"]:
        from benchmarks.kinds import main as kinds

        return kinds(names[1:])
    if names[:1] == ["halves"]:
        from benchmarks.halves import main as halves

        return halves()
    if names[:1] == ["opening"]:
        from benchmarks.opening import main as opening

        return opening()
    if names[:1] == ["int8"]:
        from benchmarks.int8 import main as int8

        return int8(names[1:])
    if names[:1] == ["teach"]:  # takes hours, so not part of a run of everything; it has options of its own
        from benchmarks.teach import main as teach

        return teach(names[1:])
    unknown = [name for name in names if name not in SECTIONS and name != "--here"]
    if unknown and names[0] not in ("profile", "strokes"):
        print(f"There is no benchmark '{unknown[0]}'; there are: {', '.join(SECTIONS)}.", file=sys.stderr)
        return 2
    if names[:1] == ["profile"]:
        profile(*names[1:2])
        return 0
    if names[:1] == ["strokes"]:
        return subprocess.call([sys.executable, Path(__file__).with_name("strokes.py"), *names[1:]])
    if names[:1] == ["--here"]:
        SECTIONS[names[1]]()
        return 0
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "")
    codes = [subprocess.call([sys.executable, __file__, "--here", name]) for name in names or SECTIONS]
    return max(codes)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
