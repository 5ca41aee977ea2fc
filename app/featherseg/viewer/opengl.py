"""Whether this display can draw the canvas at all, and what to do where it cannot."""

from qtpy.QtGui import QOffscreenSurface, QOpenGLContext

ADVICE = (
    "This display offers no OpenGL 2.1, which the image canvas needs. On a remote desktop, use one with "
    "OpenGL (or VirtualGL); on Linux install Mesa's software drivers (package libgl1-mesa-dri); on Windows "
    "update the graphics driver."
)


def opengl_problem() -> str | None:
    """None where a context of at least OpenGL 2.1 can be made, else one sentence of advice."""
    context = QOpenGLContext()
    if not context.create():
        return ADVICE
    surface = QOffscreenSurface()
    surface.create()
    if not context.makeCurrent(surface):
        return ADVICE
    version = context.format().majorVersion(), context.format().minorVersion()
    context.doneCurrent()
    return None if version >= (2, 1) else ADVICE
