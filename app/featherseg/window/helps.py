"""What helps a person find their way: palette, cheat sheet, keys, launcher, the About box."""

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtGui import QIcon
from qtpy.QtWidgets import QMessageBox

from featherseg import __version__
from featherseg.session.notice import Notice
from featherseg.ui.cheat_sheet import CheatSheet
from featherseg.ui.palette import Doing, Palette
from featherseg.ui.shortcuts_dialog import ShortcutsDialog
from featherseg.window.launcher import install, places
from featherseg_resources import icon_file

if TYPE_CHECKING:
    from featherseg.window.main_window import MainWindow

ABOUT = (
    f"<b>Featherseg {__version__}</b><p>Segment medical images on the computer you already have. "
    "Nothing leaves this machine.</p><p><b>Research use; not a medical device.</b></p>"
    "<p>BSD 3-Clause licence. Built on napari, ONNX Runtime, SimpleITK and Qt.</p>"
)


class Helps:
    """Made with the window; each part is made when it is first asked for."""

    def __init__(self, window: "MainWindow") -> None:
        self._window = window
        self.palette: Palette | None = None
        self.cheat_sheet: CheatSheet | None = None
        self.shortcuts: ShortcutsDialog | None = None
        self.about: QMessageBox | None = None

    def show_palette(self) -> None:
        """Open the command palette."""
        window = self._window
        if self.palette is None:
            doing = Doing(lambda command: window.actions_by_id[command].isEnabled(), window.menus.run)
            self.palette = Palette(window, window.qt_viewer.canvas.native, window.table, doing)
        self.palette.start()

    def show_cheat_sheet(self) -> None:
        """Open the page of keys."""
        window = self._window
        if self.cheat_sheet is None:
            self.cheat_sheet = CheatSheet(window, window.qt_viewer.canvas.native, window.table)
        self.cheat_sheet.start()

    def show_shortcuts(self) -> None:
        """Open the dialog that changes keys."""
        self.shortcuts = ShortcutsDialog(self._window.table, self._window)
        self.shortcuts.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.shortcuts.open()

    def show_about(self) -> None:
        """The About box, with the sentence that must stand there."""
        box = self.about = QMessageBox(self._window)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.setWindowTitle("About Featherseg")
        box.setText(ABOUT)
        em = box.fontMetrics().height()
        box.setIconPixmap(QIcon(str(icon_file())).pixmap(em * 5, em * 5))
        box.open()

    def install_launcher(self) -> None:
        """Put Featherseg among this person's programs; off this thread, since Windows takes a second for it."""
        session = self._window.session
        if session.reading:
            session.tell(Notice("An image is being read; install the launcher when it is open."))
            return
        text = "Featherseg is among your programs now; images and folders can be opened with it."
        session.opening.compute(
            "Installing the launcher", lambda _: install(places()), lambda _: session.tell(Notice(text))
        )
