"""Colours and shapes, dark for reading images or light: one filled button, everything scaled by the font."""

from dataclasses import asdict, dataclass
from string import Template

from qtpy.QtGui import QColor, QIcon, QPainter, QPalette, QPixmap
from qtpy.QtWidgets import QApplication, QWidget

from featherseg.session.settings import Theme


@dataclass(frozen=True, slots=True)
class Colours:
    """Every colour of the interface by its use; text on its ground has a contrast of at least 4.5 to 1."""

    window: str
    base: str
    alternate: str
    button: str
    text: str
    quiet: str
    disabled: str
    line: str
    link: str
    accent: str
    accent_hover: str
    on_accent: str
    idle: str
    on_idle: str
    checked: str
    checked_line: str
    on_checked: str
    notice: str
    problem: str
    on_notice: str
    notice_line: str


COLOURS: dict[Theme, Colours] = {
    "dark": Colours(
        window="#1f2327",
        base="#16191c",
        alternate="#23282d",
        button="#2c3238",
        text="#e6e9ec",
        quiet="#a3adb7",
        disabled="#858f98",
        line="#39424b",
        link="#7db8f0",
        accent="#2872be",
        accent_hover="#2c76c3",
        on_accent="#ffffff",
        idle="#3a4450",
        on_idle="#b3bcc6",
        checked="#3d5a7a",
        checked_line="#6ea3db",
        on_checked="#ffffff",
        notice="#2b3a4a",
        problem="#5a3320",
        on_notice="#eef3f8",
        notice_line="#9fb2c6",
    ),
    "light": Colours(
        window="#f1f3f5",
        base="#ffffff",
        alternate="#f5f7f9",
        button="#e2e6ea",
        text="#1b2024",
        quiet="#505a64",
        disabled="#7b858e",
        line="#c3cad1",
        link="#14599e",
        accent="#1f66ad",
        accent_hover="#18568f",
        on_accent="#ffffff",
        idle="#d3d9df",
        on_idle="#505a64",
        checked="#cfe2f5",
        checked_line="#1f66ad",
        on_checked="#10283f",
        notice="#dceaf8",
        problem="#fbe3d3",
        on_notice="#1b2024",
        notice_line="#5a6b7c",
    ),
}

_SHEET = Template("""
QWidget#featherseg-panel QLabel[role="heading"] { font-weight: 600; }
QWidget#featherseg-panel QLabel[role="quiet"] { color: $quiet; }
QWidget#featherseg-panel QToolButton { padding: 0.35em 0.25em; border: 1px solid rgba(140, 152, 165, 110);
    border-radius: 5px; background: rgba(140, 152, 165, 36); }
QWidget#featherseg-panel QToolButton:hover { background: rgba(140, 152, 165, 72); }
QWidget#featherseg-panel QToolButton[role="tool"] { padding: 0.25em 0.2em; }
QWidget#featherseg-panel QToolButton:checked { background: $checked; border: 1px solid $checked_line;
    border-radius: 5px; color: $on_checked; }
QWidget#featherseg-panel QToolButton[role="fold"], QWidget#featherseg-panel QToolButton[role="fold"]:checked {
    padding: 0.2em 0; border: none; background: transparent; color: palette(text); font-weight: 600; }
QFrame[role="label-row"] { border-radius: 4px; background: transparent; }
QFrame[role="label-row"][active="true"] { background: $checked; }
QWidget#featherseg-panel QFrame[role="label-row"] QToolButton { background: transparent; padding: 1px;
    border: 1px solid transparent; }
QWidget#featherseg-panel QFrame[role="label-row"] QToolButton:hover {
    border: 1px solid $checked_line; border-radius: 4px; }
QFrame[role="label-row"] QLineEdit { background: transparent; border: none; }
QFrame[role="label-row"] QLineEdit[readOnly="false"] { background: palette(base); }
QFrame[role="label-row"][active="true"] QLineEdit[readOnly="true"], QFrame[role="label-row"][active="true"] QLabel {
    color: $on_checked; font-weight: 600; }
QWidget#featherseg-panel QFrame[role="line"] { background: $line; border: none; max-height: 1px; }
QWidget#featherseg-panel QPushButton[filled="true"] { background: $accent; color: $on_accent; border: none;
    border-radius: 6px; padding: 0.65em; font-weight: 600; }
QWidget#featherseg-panel QPushButton[filled="true"]:hover { background: $accent_hover; }
QWidget#featherseg-panel QPushButton[filled="true"]:disabled { background: $idle; color: $on_idle; }
QWidget#featherseg-panel QPushButton[filled="false"] { padding: 0.65em; font-weight: 600; }
QFrame#notice { border-radius: 6px; background: $notice; }
QFrame#notice QLabel { color: $on_notice; }
QFrame#notice[kind="problem"] { background: $problem; }
QFrame#notice QPushButton { color: $on_notice; background: transparent; border: 1px solid $notice_line;
    border-radius: 5px; padding: 0.25em 0.8em; }
""")

_WINDOW_SHEET = Template("""
QWidget#featherseg-panel QPushButton { padding: 0.35em 0.7em; }
QStatusBar QLabel { padding: 0 0.6em; }
QFrame#floating { background: $window; border: 1px solid $notice_line; border-radius: 8px; }
QLabel[role="heading"] { font-weight: 600; }
QLabel[role="quiet"] { color: $quiet; }
QTreeWidget::item { padding: 0.15em 0.3em; }
QLabel[role="key"] { background: $button; color: $text; border: 1px solid $line; border-radius: 4px;
    padding: 0 0.4em; }
""")


def sheet(theme: Theme) -> str:
    """For every place the panel lives in; in napari it stands beside napari's own sheet."""
    return _SHEET.substitute(asdict(COLOURS[theme]))


def window_sheet(theme: Theme) -> str:
    """For the standalone window, which nobody else dresses."""
    return sheet(theme) + _WINDOW_SHEET.substitute(asdict(COLOURS[theme]))


def palette_of(theme: Theme) -> QPalette:
    """Qt's palette in the colours of a theme."""
    palette, role, c = QPalette(), QPalette.ColorRole, COLOURS[theme]
    colours = {
        role.Window: c.window,
        role.WindowText: c.text,
        role.Base: c.base,
        role.AlternateBase: c.alternate,
        role.Text: c.text,
        role.Button: c.button,
        role.ButtonText: c.text,
        role.BrightText: "#ffffff",
        role.Highlight: c.accent,
        role.HighlightedText: c.on_accent,
        role.ToolTipBase: c.button,
        role.ToolTipText: c.text,
        role.PlaceholderText: c.quiet,
        role.Link: c.link,
    }
    for which, colour in colours.items():
        palette.setColor(which, QColor(colour))
    for which in (role.Text, role.ButtonText, role.WindowText):
        palette.setColor(QPalette.ColorGroup.Disabled, which, QColor(c.disabled))
    return palette


def dress(app: QApplication, window: QWidget, theme: Theme) -> None:
    """Give the standalone window its look, now or in exchange for the one it has."""
    if app.style().objectName().lower() != "fusion":
        app.setStyle("Fusion")
    app.setPalette(palette_of(theme))
    window.setStyleSheet(window_sheet(theme))


def swatch(colour: str, size: int = 16) -> QIcon:
    """A square of a label's colour with a border, so that it shows on any ground."""
    pixmap = QPixmap(size, size)
    pixmap.fill(QColor(colour))
    painter = QPainter(pixmap)
    painter.setPen(QColor("#7f8a94"))
    painter.drawRect(0, 0, size - 1, size - 1)
    painter.end()
    return QIcon(pixmap)
