"""What stands where the image will be: what to do first."""

from collections.abc import Callable, Sequence
from pathlib import Path

from qtpy.QtCore import QSize, Qt
from qtpy.QtGui import QIcon, QPixmap
from qtpy.QtWidgets import QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget


class Welcome(QWidget):
    """An invitation to drop an image, and tiles of bundled samples (title, file)."""

    def __init__(
        self,
        samples: Sequence[tuple[str, Path]],
        open_path: Callable[[Path], object],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        text = QLabel("Drop an image, a DICOM folder or a workspace here, or use the File menu")
        text.setAlignment(Qt.AlignmentFlag.AlignCenter)
        font = text.font()
        font.setPointSizeF(font.pointSizeF() * 1.5)
        text.setFont(font)
        kinds = QLabel("PNG, JPEG, TIFF, BMP, DICOM, NIfTI, NRRD, MetaImage. Nothing leaves this computer.")
        kinds.setAlignment(Qt.AlignmentFlag.AlignCenter)
        tiles = QHBoxLayout()
        tiles.addStretch(1)
        for title, path in samples:
            tile = QToolButton()
            tile.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
            tile.setIcon(QIcon(QPixmap(str(path))))
            tile.setIconSize(QSize(*(self.fontMetrics().height() * n for n in (10, 8))))
            tile.setText(f"Try: {title}")
            tile.clicked.connect(lambda _=False, p=path: open_path(p))
            tiles.addWidget(tile)
        tiles.addStretch(1)
        layout = QVBoxLayout(self)
        layout.addStretch(1)
        layout.addWidget(text)
        layout.addWidget(kinds)
        layout.addSpacing(self.fontMetrics().height() * 2)
        layout.addLayout(tiles)
        layout.addStretch(1)
