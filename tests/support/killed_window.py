"""The real window at work until it is killed: ``python killed_window.py FOLDER SEED``.

It paints with the mouse, runs tools, proposes and accepts, takes back, switches cases and saves, in a random
order. After each finished step it says which case holds what: ``{"case", "labels" (SHA-256), "done", "undone"}``.
"""

import hashlib
import json
import random
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from featherseg.session.workbench import Workbench
from featherseg.window.launch import make_window
from featherseg.window.main_window import MainWindow
from featherseg_engines.annotation.tools.morphology import margin
from featherseg_engines.annotation.tools.scene import Plane, Scene
from featherseg_engines.errors import ToolError
from support.hand import wait

STEPS = ("stroke", "stroke", "stroke", "erase", "tool", "propose", "undo", "undo", "redo", "switch", "save")


class Work:
    """Random steps in one window, each reported when the program has finished it."""

    def __init__(self, window: MainWindow, bench: Workbench, seed: int) -> None:
        self.window, self.bench, self.session = window, bench, window.session
        self.dice = random.Random(seed)

    def step(self) -> None:
        """One step, done and reported."""
        name = self.dice.choice(STEPS)
        getattr(self, name)()
        case = self.session.case
        assert case is not None and self.bench.current is not None
        digest = hashlib.sha256(case.labels.array.tobytes()).hexdigest()
        done, undone = len(case.history.done), len(case.history.undone)
        said = {"case": self.bench.current.id, "labels": digest, "done": done, "undone": undone, "step": name}
        sys.stdout.write(json.dumps(said) + "\n")
        sys.stdout.flush()

    def stroke(self, tool: str = "brush") -> None:
        """A stroke with the mouse over the middle of the image."""
        self.session.choose_label(self.dice.randint(1, 3))
        self.session.choose_tool(tool)
        native = self.window.qt_viewer.canvas.native
        w, h = native.width(), native.height()
        points = [
            QPoint(int(w * self.dice.uniform(0.35, 0.65)), int(h * self.dice.uniform(0.35, 0.65)))
            for _ in range(4)
        ]
        left = Qt.MouseButton.LeftButton
        QTest.mouseMove(native, points[0])
        QTest.mousePress(native, left, pos=points[0])
        for point in points[1:]:
            QTest.mouseMove(native, point)
            QApplication.processEvents()
        QTest.mouseRelease(native, left, pos=points[-1])
        QApplication.processEvents()

    def erase(self) -> None:
        """The same with the eraser."""
        self.stroke("eraser")

    def tool(self) -> None:
        """A margin around the active label on this slice."""
        case = self.session.case
        assert case is not None
        plane = Plane(0, self.session.z)
        scene = Scene(
            case.labels, case.volume.geometry, self.session.active_label, self.session.labelling.locked, plane
        )
        try:
            self.session.do(margin(scene, self.dice.choice((-2.0, 2.0))))
        except ToolError:
            return  # there is nothing of this label here

    def propose(self) -> None:
        """Space, wait, Space."""
        self.session.choose_label(self.dice.randint(1, 3))
        self.session.propose()
        wait(lambda: not self.session.busy)
        self.session.accept()

    def undo(self) -> None:
        """One step back."""
        self.session.undo()

    def redo(self) -> None:
        """One step forward."""
        self.session.redo()

    def switch(self) -> None:
        """The next case."""
        before = self.bench.current
        self.bench.next()
        wait(lambda: self.bench.current is not None and self.bench.current is not before)

    def save(self) -> None:
        """Ctrl+S."""
        self.bench.save()
        QApplication.processEvents()


def main(folder: Path, seed: int) -> None:
    """Work until killed."""
    app = QApplication(sys.argv[:1])
    window = make_window()
    window.resize(900, 600)
    window.show()
    bench = window.bench
    assert bench.open(folder)
    bench.open_case(bench.cases[0])
    wait(lambda: bench.current is not None)
    window.session.set_brush_size(9)
    work = Work(window, bench, seed)
    while True:
        work.step()
        app.processEvents()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
