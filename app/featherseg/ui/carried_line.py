"""One quiet line: whose strokes the proposal on screen follows, and a way to let go of them."""

from qtpy.QtWidgets import QHBoxLayout, QLabel, QWidget

from featherseg.session.session import Session
from featherseg.ui.buttons import tool_button
from featherseg.ui.connections import Connections


class CarriedLine(QWidget):
    """Mirrors a session's strokes; gone where nothing is carried."""

    def __init__(self, session: Session, key: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.text = QLabel()
        self.text.setProperty("role", "quiet")
        self.text.setToolTip("What your strokes taught there is heeded here too, until you stroke here.")
        self.let_go = tool_button("Let go", "Propose as if there had been no strokes elsewhere", key)
        self.let_go.clicked.connect(lambda _=False: session.smart.let_go())
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.text, 1)
        row.addWidget(self.let_go)
        self.connections = Connections()
        for signal in (session.smart.changed, session.slice_changed, session.opened, session.model_changed):
            self.connections.add(signal, self._on_changed)
        self._on_changed()

    def _on_changed(self, *_: object) -> None:
        session = self._session
        carried, case = session.smart.follows, session.case
        self.setVisible(carried is not None)
        if carried is not None and case is not None:
            alone = case.volume.geometry.shape[0] == 1 or carried.z == session.z
            self.text.setText(
                "From your earlier strokes" if alone else f"From your strokes on slice {carried.z + 1}"
            )
