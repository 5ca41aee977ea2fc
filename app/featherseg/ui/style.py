"""Colours and shapes: dark for reading images, one filled button, everything scaled by the font."""

from qtpy.QtGui import QColor, QIcon, QPainter, QPalette, QPixmap
from qtpy.QtWidgets import QApplication, QWidget

ACCENT = "#2f7fd1"
SHEET = """
QWidget#featherseg-panel QLabel[role="heading"] { font-weight: 600; }
QWidget#featherseg-panel QLabel[role="quiet"] { color: #a3adb7; }
QWidget#featherseg-panel QToolButton { padding: 0.35em 0.7em; border: 1px solid rgba(140, 152, 165, 110);
    border-radius: 5px; background: rgba(140, 152, 165, 36); }
QWidget#featherseg-panel QToolButton:hover { background: rgba(140, 152, 165, 72); }
QWidget#featherseg-panel QToolButton[role="tool"] { padding: 0.25em 0.2em; }
QWidget#featherseg-panel QToolButton:checked { background: #3d5a7a; border: 1px solid #6ea3db; border-radius: 5px;
    color: white; }
QWidget#featherseg-panel QToolButton[role="fold"], QWidget#featherseg-panel QToolButton[role="fold"]:checked {
    padding: 0.2em 0; border: none; background: transparent; font-weight: 600; }
QWidget#featherseg-panel QFrame[role="line"] { background: #39424b; border: none; max-height: 1px; }
QPushButton#primary { background: #2f7fd1; color: white; border: none; border-radius: 6px;
    padding: 0.65em; font-weight: 600; }
QPushButton#primary:hover { background: #4690de; }
QPushButton#primary:disabled { background: #3a4450; color: #9aa4af; }
QFrame#notice { border-radius: 6px; background: #2b3a4a; }
QFrame#notice QLabel { color: #eef3f8; }
QFrame#notice[kind="problem"] { background: #5a3320; }
QFrame#notice QPushButton { color: #eef3f8; background: transparent; border: 1px solid #9fb2c6;
    border-radius: 5px; padding: 0.25em 0.8em; }
"""
"""For every place the panel lives in; in napari it stands beside napari's own sheet."""

WINDOW_SHEET = (
    SHEET
    + """
QWidget#featherseg-panel QPushButton { padding: 0.35em 0.7em; }
QStatusBar QLabel { padding: 0 0.6em; }
"""
)


def dark_palette() -> QPalette:
    """Dark window colours with text at a contrast of at least 4.5 to 1."""
    palette = QPalette()
    role = QPalette.ColorRole
    colours = {
        role.Window: "#1f2327",
        role.WindowText: "#e6e9ec",
        role.Base: "#16191c",
        role.AlternateBase: "#23282d",
        role.Text: "#e6e9ec",
        role.Button: "#2c3238",
        role.ButtonText: "#e6e9ec",
        role.BrightText: "#ffffff",
        role.Highlight: ACCENT,
        role.HighlightedText: "#ffffff",
        role.ToolTipBase: "#2c3238",
        role.ToolTipText: "#e6e9ec",
        role.PlaceholderText: "#a3adb7",
        role.Link: "#7db8f0",
    }
    for which, colour in colours.items():
        palette.setColor(which, QColor(colour))
    for which in (role.Text, role.ButtonText, role.WindowText):
        palette.setColor(QPalette.ColorGroup.Disabled, which, QColor("#7c868f"))
    return palette


def dress(app: QApplication, window: QWidget) -> None:
    """Give the standalone window its look."""
    app.setStyle("Fusion")
    app.setPalette(dark_palette())
    window.setStyleSheet(WINDOW_SHEET)


def swatch(colour: str, size: int = 16) -> QIcon:
    """A square of a label's colour with a border, so that it shows on any ground."""
    pixmap = QPixmap(size, size)
    pixmap.fill(QColor(colour))
    painter = QPainter(pixmap)
    painter.setPen(QColor("#e6e9ec"))
    painter.drawRect(0, 0, size - 1, size - 1)
    painter.end()
    return QIcon(pixmap)
