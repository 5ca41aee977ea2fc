"""Which cases the list shows, in what order, and which of them comes next."""

from collections.abc import Sequence
from dataclasses import dataclass

from featherseg_engines.annotation.cases import Case, CaseState
from featherseg_engines.annotation.workspace import Sort


@dataclass(frozen=True, slots=True)
class Shown:
    """Which cases the list shows and in what order; no state means all."""

    states: frozenset[CaseState] = frozenset()
    text: str = ""
    sort: Sort = "added"
    descending: bool = False


def unfinished_after(case: Case, cases: Sequence[Case]) -> Case | None:
    """The first case after ``case`` in a list as shown, round the corner, that is not accepted."""
    places = [i for i, other in enumerate(cases) if other.id == case.id]
    after = [*cases[places[0] + 1 :], *cases[: places[0]]] if places else list(cases)
    return next((other for other in after if other.state is not CaseState.ACCEPTED), None)
