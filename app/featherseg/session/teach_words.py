"""What is said of a lesson, in the clinic's words."""

from collections.abc import Sequence

from featherseg.session.lesson_plan import Stock
from featherseg_engines.teaching.order import CaseScore, CurvePoint, TeachProgress, Verdict


def cases_in_words(count: int) -> str:
    """ "1 case", "9 cases"."""
    return f"{count} {'case' if count == 1 else 'cases'}"


def stock_in_words(stock: Stock) -> str:
    """What there is to learn from, for the line above the button."""
    if stock.objection:
        return stock.objection
    if stock.new == 0:
        return f"Nothing new: the model has learnt from all {cases_in_words(stock.cases)}."
    if stock.new == stock.cases:
        return f"{stock.new} new {'case' if stock.new == 1 else 'cases'}"
    return f"{stock.new} new of {cases_in_words(stock.cases)}"


def about_minutes(minutes: float) -> str:
    """How long a lesson takes, roughly."""
    return f"~ {max(1, round(minutes))} min"


def clock(seconds: float) -> str:
    """ "1:40"."""
    whole = max(0, round(seconds))
    return f"{whole // 60}:{whole % 60:02d}"


def learning_in_words(cases: int, progress: TeachProgress | None, *, paused: bool) -> str:
    """What goes on, from how many cases, how long still."""
    if progress is None:
        return f"reading {cases_in_words(cases)} …"
    left = "paused" if paused else f"{clock(progress.seconds_left)} left"
    if progress.phase == "preparing":
        return f"preparing {cases_in_words(cases)}, {left}"
    if progress.phase == "timing":
        return f"measuring this machine, {left}"
    if progress.phase == "measuring":
        return f"comparing old and new, {left}"
    return f"learning from {cases_in_words(cases)}, {left}"


def dice_in_words(curve: Sequence[CurvePoint]) -> str:
    """The newest look at the test cases, "" before there was one."""
    if not curve:
        return ""
    last = curve[-1]
    return f"Test cases: Dice {last.parent_dice:.2f} in use, {last.dice:.2f} new"


def reasons(verdict: Verdict) -> str:
    """Why the gate said what it said, in a few sentences."""
    low, high = verdict.interval
    if verdict.how == "nothing":
        return "There were too few cases to hold any back, so nothing was measured."
    what = "cases that were held back" if verdict.how == "held out" else "cases in turn, each left out once"
    said = [
        f"Both models were measured on {cases_in_words(len(verdict.scores))}: {what}.",
        f"Mean change of Dice {verdict.gain:+.3f} (95 % interval {low:+.3f} to {high:+.3f}); "
        f"chance that the new one is worse: {verdict.worse:.0%}.",
    ]
    corrected = [score for score in verdict.scores if score.corrected]
    if corrected and len(corrected) < len(verdict.scores):
        before, after = (_mean(corrected, new=new) for new in (False, True))
        said.append(
            f"On the {cases_in_words(len(corrected))} that you corrected: {before:.2f} → {after:.2f}. "
            "Masks accepted as they came favour the model that drew them."
        )
    return " ".join(said)


def mean_dice(values: Sequence[float | None]) -> float | None:
    """Mean over the classes that are there."""
    there = [value for value in values if value is not None]
    return sum(there) / len(there) if there else None


def _mean(scores: Sequence[CaseScore], *, new: bool) -> float:
    means = [mean_dice(score.candidate if new else score.parent) for score in scores]
    return mean_dice(means) or 0.0
