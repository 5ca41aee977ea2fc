"""A lesson that writes half a candidate, says so, and waits to be killed: ``killed_lesson.py IN_USE TARGET``."""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from featherseg_engines.models.bundle import open_bundle
from featherseg_engines.teaching.teach import LocalTeacher
from support.taught import Copying, Free, order_of


class Stuck(Copying):
    """Never comes to the end of its export."""

    def export(self, learnt, order, folder, naming, control):
        (folder / "model.onnx").write_bytes(b"half")
        sys.stdout.write("half written\n")
        sys.stdout.flush()
        while True:
            time.sleep(60)


if __name__ == "__main__":
    in_use = open_bundle(Path(sys.argv[1]))
    LocalTeacher(Stuck(in_use).school).teach(order_of(3, in_use), Path(sys.argv[2]), Free(), lambda _: None)
