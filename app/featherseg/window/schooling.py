"""Puts a lesson together: the workbench's cases, the engine's teacher, the person's models folder."""

from collections.abc import Callable

from featherseg.session.session import Session
from featherseg.session.teaching import Teaching
from featherseg.session.workbench import Workbench

MakeTeaching = Callable[[Session, Workbench], Teaching | None]


def standard_teaching(session: Session, bench: Workbench) -> Teaching | None:
    """Teaching as the product does it."""
    return None
