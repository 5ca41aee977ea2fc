"""The ruler among the tools, and a button that takes all rulers away."""

from qtpy.QtWidgets import QHBoxLayout, QPushButton, QToolButton, QWidget

from featherseg.session.rulers import Rulers
from featherseg.session.session import Session
from featherseg.ui.buttons import name_button
from featherseg.ui.connections import Connections
from featherseg.ui.tools_box import ToolsBox


class RulerBox(QWidget):
    """Stands below the tools and is one of them: taking the ruler puts the others down."""

    def __init__(self, session: Session, rulers: Rulers, tools: ToolsBox, keys: dict[str, str]) -> None:
        super().__init__()
        self._rulers = rulers
        self.button, self.clear = QToolButton(), QPushButton()
        name_button(self.button, "Ruler", keys.get("tool.ruler", ""))
        name_button(self.clear, "Clear rulers", keys.get("ruler.clear", ""))
        self.button.setCheckable(True)
        policy = self.button.sizePolicy().Policy
        self.button.setSizePolicy(policy.Expanding, policy.Fixed)
        self.button.setToolTip(f"Press, drag, release: how long is it? ({keys.get('tool.ruler', '')})")
        self.button.clicked.connect(lambda _=False: session.choose_tool("ruler"))
        self.clear.clicked.connect(lambda _=False: rulers.clear())
        tools.buttons["ruler"] = self.button
        group = tools.buttons["browse"].group()
        if group is not None:
            group.addButton(self.button)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.button, 1)
        row.addWidget(self.clear, 1)
        self.connections = Connections()
        self.connections.add(rulers.changed, self._on_changed)
        self._on_changed()

    def _on_changed(self) -> None:
        self.clear.setEnabled(len(self._rulers) > 0)
