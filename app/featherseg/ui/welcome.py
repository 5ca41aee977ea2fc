"""What stands where the image will be: what to do first."""

from collections.abc import Callable, Sequence

from qtpy.QtCore import QSize, Qt
from qtpy.QtGui import QIcon, QPixmap
from qtpy.QtWidgets import QGridLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from featherseg.session.samples import Sample

ACROSS = 3
"""Tiles in a row."""


class Welcome(QWidget):
    """An invitation to drop an image, and tiles of bundled samples."""

    def __init__(
        self,
        samples: Sequence[Sample],
        open_sample: Callable[[Sample], object],
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
        tiles = QGridLayout()
        tiles.setColumnStretch(0, 1)
        tiles.setColumnStretch(ACROSS + 1, 1)
        for index, sample in enumerate(samples):
            tile = self._tile(sample)
            tile.clicked.connect(lambda _=False, s=sample: open_sample(s))
            tiles.addWidget(tile, index // ACROSS, index % ACROSS + 1)
        layout = QVBoxLayout(self)
        layout.addStretch(1)
        layout.addWidget(text)
        layout.addWidget(kinds)
        layout.addSpacing(self.fontMetrics().height() * 2)
        layout.addLayout(tiles)
        layout.addStretch(1)

    def _tile(self, sample: Sample) -> QToolButton:
        """A picture with a title; its credit when the mouse rests on it."""
        em = self.fontMetrics().height()
        size = QSize(em * 10, em * 7)
        tile = QToolButton()
        tile.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
        picture = QPixmap(str(sample.picture)).scaled(
            size,
            Qt.AspectRatioMode.KeepAspectRatioByExpanding,
            Qt.TransformationMode.SmoothTransformation,
        )
        middle = QPixmap(picture).copy(
            (picture.width() - size.width()) // 2,
            (picture.height() - size.height()) // 2,
            size.width(),
            size.height(),
        )
        tile.setIcon(QIcon(middle))
        tile.setIconSize(size)
        tile.setMinimumWidth(em * 13)
        tile.setText(f"Try: {sample.title}")
        tile.setToolTip(f"{sample.modality}. {sample.origin}")
        return tile
