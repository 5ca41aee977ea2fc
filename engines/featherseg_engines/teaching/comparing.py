"""Any two models before the same cases: what the history says of them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from featherseg_engines.errors import TrainingError
from featherseg_engines.models.bundle import ModelBundle
from featherseg_engines.teaching.examining import Pair, Rival, examine
from featherseg_engines.teaching.gate import Compared, compared, per_class
from featherseg_engines.teaching.order import CaseScore, Control, TaughtCase, TeachOrder
from featherseg_engines.teaching.record import case_key, read_record


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Two models on the same cases.

    Parameters
    ----------
    fair
        Whether neither has learnt from any of these cases.
    overall
        Means over the cases, ``before`` of the first and ``after`` of the second model.
    per_class
        Name, mean Dice of the first, of the second.
    """

    sentence: str
    fair: bool
    overall: Compared
    per_class: tuple[tuple[str, float, float], ...]
    scores: tuple[CaseScore, ...]
    pairs: tuple[Pair, ...]


def compare(first: ModelBundle, second: ModelBundle, order: TeachOrder, control: Control) -> Comparison:
    """Both models on the cases of an order from which neither has learnt; on all of them where there are none.

    The order's own models do not matter.

    Raises
    ------
    TrainingError
        The order holds no case.
    Cancelled
        The control said so.
    """
    fresh = unlearnt(order.cases, (first, second))
    cases = fresh or order.cases
    if not cases:
        raise TrainingError("There is no case to compare on; accept a case that was looked at.")
    asked = replace(order, in_use=first)
    rival = Rival(asked)
    judged, pairs = [], []
    for one, pair in examine(second, rival, cases, asked, control):
        judged.append(one)
        pairs.append(pair)
    scores = tuple(one.score for one in judged)
    overall = compared(judged)
    sentence = _sentence(first, second, overall, fair=bool(fresh))
    return Comparison(sentence, bool(fresh), overall, per_class(scores, order.classes), scores, tuple(pairs))


def unlearnt(cases: Sequence[TaughtCase], models: Sequence[ModelBundle]) -> tuple[TaughtCase, ...]:
    """Cases that none of the models has learnt from, as far as their records say."""
    records = [read_record(model) for model in models]
    learnt = {key for record in records if record is not None for key in record.learnt}
    return tuple(case for case in cases if case_key(case.name) not in learnt)


def _sentence(first: ModelBundle, second: ModelBundle, overall: Compared, *, fair: bool) -> str:
    one, two = (bundle.card.title or bundle.card.name for bundle in (first, second))
    cases = "1 case" if overall.cases == 1 else f"{overall.cases} cases"
    said = f"{one}: {overall.before:.2f}, {two}: {overall.after:.2f} on {cases}"
    if fair:
        return f"{said} that neither has learnt from."
    return f"{said}; at least one has learnt from them, which favours it."
