"""A picture of the real window for each bundled model: a dev image with the model's proposal.

``python tests/portraits.py DATA OUT [NAME …]``; DATA holds the data sets that the recipes name.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from qtpy.QtWidgets import QApplication
from support.canvas import screenshot
from support.hand import Hand, settle, wait

from featherseg.window.launch import make_window
from featherseg_engines.datasets import read_dataset
from featherseg_engines.models.catalogue import Catalogue
from featherseg_engines.training.rows import read_rows
from featherseg_resources import models_folder, recipes_file


def main(data: Path, out: Path, names: list[str]) -> int:
    """Open each model's middling dev image, choose the model, propose by key, take a picture."""
    app = QApplication.instance() or QApplication(["featherseg"])
    window = make_window()
    window.resize(1366, 768)
    window.show()
    hand, session, rows = Hand(window), window.session, read_rows(recipes_file())
    for bundle in Catalogue([models_folder()]).bundles():
        name = bundle.card.name
        if names and name not in names:
            continue
        dev = read_dataset(data / rows[name].data[-1], "dev")
        half = len(dev.cases) // 2
        case = next(c for c in (*dev.cases[half:], *dev.cases[:half]) if dev.read(c)[1].any())
        window.files.open(case.image)
        wait(lambda case=case: session.case is not None and session.case.volume.path == case.image)
        session.choose_model(name)
        _, truth = dev.read(case)
        session.go_to_slice(int((truth > 0).sum(axis=(1, 2)).argmax()))
        settle(0.3)
        hand.key("space")
        wait(lambda: session.proposal is not None)
        settle(0.5)
        screenshot(window, out / f"{name}.png")
        sys.stdout.write(f"  {name}.png  {window.status.answer.text()}\n")
        session.drop()
    window.close()
    app.processEvents()
    return 0


if __name__ == "__main__":
    target = Path(sys.argv[2])
    target.mkdir(parents=True, exist_ok=True)
    raise SystemExit(main(Path(sys.argv[1]), target, sys.argv[3:]))
