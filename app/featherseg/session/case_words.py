"""A case of the list in words and signs, so that no state is told by a colour alone."""

from collections.abc import Mapping
from datetime import UTC, datetime

from featherseg.session.unsure import per_cent
from featherseg_engines.annotation.cases import Case, CaseState
from featherseg_engines.labels import Label

SIGNS: dict[CaseState, str] = {
    CaseState.NEW: "",
    CaseState.PROPOSED: "◐",
    CaseState.IN_WORK: "●",
    CaseState.ACCEPTED: "✓",
    CaseState.FLAGGED: "!",
}
MINUTE, HOUR, DAY = 60, 3600, 86400


def sizes_in_words(case: Case, names: Mapping[int, Label], *, brief: bool = False) -> str:
    """How large each label is, as of the last written mask: "lesion 1.2 ml"; "" where nothing is drawn.

    The size alone where there is one label only, or ``brief`` and one drawn.
    """
    unit = "ml" if case.geometry.calibrated else "px"
    drawn = {value: size for value, size in case.volumes_ml.items() if size > 0}
    if len(drawn) == 1 and (brief or set(drawn) == set(names)):
        named = dict.fromkeys(drawn, "")
    else:
        named = {value: names[value].name if value in names else f"label {value}" for value in drawn}
    return ", ".join(f"{named[value]} {_figure(size, unit)}".strip() for value, size in sorted(drawn.items()))


def _figure(size: float, unit: str) -> str:
    if unit == "px":
        return f"{round(size):,} px".replace(",", "\N{NARROW NO-BREAK SPACE}")
    return f"{size:.1f} ml" if size >= 1 else f"{size:.2g} ml"


def ago(changed: str, now: datetime | None = None) -> str:
    """How long since a time of the database: "just now", "5 min ago", "3 h ago", "2 d ago", or the day."""
    if not changed:
        return ""
    then = datetime.fromisoformat(changed)
    seconds = ((now or datetime.now(UTC)) - then).total_seconds()
    if seconds < MINUTE:
        return "just now"
    if seconds < HOUR:
        return f"{int(seconds // MINUTE)} min ago"
    if seconds < DAY:
        return f"{int(seconds // HOUR)} h ago"
    if seconds < 14 * DAY:
        return f"{int(seconds // DAY)} d ago"
    return then.astimezone().date().isoformat()


def line_under(
    case: Case, names: Mapping[int, Label], *, unsure: float | None = None, brief: bool = False
) -> str:
    """The second line of a case in the list; ``brief`` for a narrow one.

    ``unsure`` is how unsure the model is of it, 0..1, where that is known: "61 % sure".
    """
    when = ago(case.changed)
    if brief:
        when = when.removeprefix("just ").removesuffix(" ago")
    sure = "" if unsure is None else f"{per_cent(unsure)} % sure"
    parts = (sure, sizes_in_words(case, names, brief=brief), when, case.who)
    return " · ".join(part for part in parts if part)


def told_in_full(case: Case, names: Mapping[int, Label], unsure: float | None = None) -> str:
    """For the tooltip and for who does not see the list."""
    sure = "" if unsure is None else f"the model is {per_cent(unsure)} % sure of it"
    return ", ".join(part for part in (case.name, case.state.value, line_under(case, names), sure) if part)
