"""How unsure the model is of the workspace's cases, kept with them, and which case teaches most next."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from psygnal import Signal

from featherseg.session.case_order import Shown, unfinished_after
from featherseg.session.notice import Notice
from featherseg.session.worker import Post
from featherseg.session.writing import Writing
from featherseg_engines.annotation.cases import Case, CaseState
from featherseg_engines.annotation.outlook import Outlook, describe, order_by_use
from featherseg_engines.annotation.workspace import Workspace
from featherseg_engines.errors import ReadError
from featherseg_engines.imaging.volume import Volume
from featherseg_engines.inference.proposal import WHOLE, Proposal
from featherseg_engines.inference.uncertainty import Tally, score_of, tally

if TYPE_CHECKING:
    from featherseg.session.workbench import Workbench

NOT_KEPT = "How sure the model is could not be kept for a case; 'Most useful first' knows less for that."
NONE_KNOWN = (
    "Nothing is known of the other cases yet: propose for some of them, then the most useful one is known."
)
KEPT_BESIDE = 1
"""Of how many cases besides the one in hand the answers so far are remembered: a queue works on one at a time."""
OPEN = (CaseState.NEW, CaseState.PROPOSED, CaseState.IN_WORK)


@dataclass(slots=True)
class _Seen:
    """What one model answered for a case so far; a slice that is answered anew counts once."""

    weights: str
    volume: Volume
    fullest: Proposal
    counts: dict[int, Tally] = field(default_factory=dict)
    most: int = -1

    def add(self, proposal: Proposal, counts: Tally) -> None:
        z = proposal.request.key.z
        if z == WHOLE:
            self.counts.clear()
            self.most = -1
        else:
            self.counts.pop(WHOLE, None)
        self.counts[z] = counts
        found = int(counts[:, 128:].sum())
        if found > self.most:
            self.most, self.fullest = found, proposal

    def frozen(self) -> "_Due":
        total = sum(list(self.counts.values())[1:], start=next(iter(self.counts.values())))
        return _Due(self.weights, score_of(total), self.volume, self.fullest)


@dataclass(frozen=True, slots=True, eq=False)
class _Due:
    """All that the writing thread needs to keep an outlook."""

    weights: str
    score: float
    volume: Volume
    proposal: Proposal


class CaseOutlooks:
    """Keeps an outlook of each case that the model answered for; lives on the UI thread, writes in another.

    A workspace that was opened to be read keeps nothing.
    """

    noted = Signal(int)  # the outlook of the case with this number is another

    def __init__(self, bench: "Workbench", post: Post) -> None:
        self._bench, self._post = bench, post
        self._workspace: Workspace | None = None
        self._writing: Writing | None = None
        self._seen: dict[int, _Seen] = {}
        self._due: dict[int, _Due] = {}
        self._made: dict[int, Outlook] = {}
        self._known: dict[int, Outlook] | None = None
        self._looks: dict[int, Outlook] = {}
        self._passed: set[int] = set()
        self._in_hand: int | None = None
        session = bench.session
        session.proposed.connect(self._on_proposed)
        session.model_changed.connect(self._on_model)
        bench.opened.connect(self._on_opened)

    def use(self, workspace: Workspace) -> None:
        """Keep outlooks in this workspace from now on."""
        self._workspace = workspace
        if not workspace.read_only:
            self._writing = Writing(self._write, self._post, self._not_kept, self._on_kept)
        self._forget()

    def close(self) -> None:
        """Write what waits and let the workspace go."""
        if self._writing is not None:
            self._writing.close()
        self._workspace = self._writing = None
        for kept in (self._seen, self._due, self._made):
            kept.clear()
        self._forget()

    def gone(self, numbers: Iterable[int]) -> None:
        """Cases were taken out of the workspace; their numbers may be given again."""
        for number in numbers:
            for kept in (self._seen, self._due, self._made, self._looks, self._known or {}):
                kept.pop(number, None)

    # -- keeping ------------------------------------------------------------------------------------------

    def note(self, number: int, volume: Volume, proposal: Proposal, counts: Tally | None = None) -> None:
        """Take an answer for the case with that number into account; on the session's thread.

        Slices are counted together, so a volume's outlook grows with them; an answer for all slices replaces them.
        """
        if self._writing is None:
            return
        seen = self._seen.get(number)
        if seen is None or seen.weights != proposal.weights:
            seen = self._seen[number] = _Seen(proposal.weights, volume, proposal)
            for other in [n for n in self._seen if n not in (number, self._in_hand)][:-KEPT_BESIDE]:
                del self._seen[other]
        seen.add(proposal, tally(proposal.levels) if counts is None else counts)
        self._due[number] = seen.frozen()
        self._writing.touch(number)
        if number != self._in_hand and proposal.request.spans_volume:
            del self._seen[number]  # complete, and it holds the image: a queue goes through many

    def _on_proposed(self, proposal: Proposal | None) -> None:
        case = self._bench.session.case
        if proposal is not None and case is not None and case.number is not None:
            self.note(case.number, case.volume, proposal, self._bench.session.unsure.tally)

    def _on_opened(self, case: Case | None) -> None:
        before, self._in_hand = self._in_hand, case.id if case is not None else None
        if before is not None and before != self._in_hand:
            self._seen.pop(before, None)
            if before in self._due and self._writing is not None:
                self._writing.touch(before, soon=True)

    def _write(self, number: int) -> None:
        """In the writing thread: describe the case and keep it."""
        due, workspace = self._due.pop(number, None), self._workspace
        if due is None or workspace is None:
            return
        outlook = Outlook(number, due.weights, due.score, describe(due.volume, due.proposal))
        workspace.outlooks.put(outlook)
        self._made[number] = outlook

    def _on_kept(self, number: int) -> None:
        outlook = self._made.pop(number, None)
        if outlook is None:
            return
        self._looks[number] = outlook
        if self._known is not None and outlook.weights == self._weights:
            self._known[number] = outlook
        self.noted.emit(number)

    def _not_kept(self, sentence: str) -> None:
        self._bench.session.tell(Notice(NOT_KEPT, "problem"))

    # -- the order ----------------------------------------------------------------------------------------

    def score(self, case: Case) -> float | None:
        """How unsure the model in use is of a case, 0..1; None where it was not asked or the case is done."""
        if case.state is CaseState.ACCEPTED:
            return None
        outlook = self._outlooks().get(case.id)
        return outlook.score if outlook is not None else None

    def arranged(self, cases: Sequence[Case], shown: Shown) -> list[Case]:
        """Cases as the list shows them: for "useful" the open ones by use, flagged ones, then accepted ones."""
        if shown.sort != "useful":
            return list(cases)
        by_id = {case.id: case for case in cases}
        first = self._order([case.id for case in cases if case.state in OPEN], self._done())
        found = [by_id[number] for number in first]
        for state in (CaseState.FLAGGED, CaseState.ACCEPTED):
            found += [case for case in cases if case.state is state]
        return found[::-1] if shown.descending else found

    def after(self, case: Case, cases: Sequence[Case], shown: Shown) -> Case | None:
        """What to open when ``case`` has been accepted: the most useful one where the list is sorted by that.

        The order of the list counts where fewer than two open cases have an outlook.
        """
        known = self._outlooks()
        rated = [c for c in cases if c.id in known and (c.state in OPEN or c.id == case.id)]
        if shown.sort != "useful" or len(rated) < 2:
            return unfinished_after(case, cases)
        return self._most_useful(case, cases) or unfinished_after(case, cases)

    def open_next(self) -> None:
        """Open the case that teaches most, without accepting the one in hand; those passed by come last."""
        bench, here = self._bench, self._bench.current
        if self._workspace is None:
            bench.session.tell(Notice("Open a workspace first: then the most useful case is known."))
            return
        case = self._most_useful(here, bench.cases)
        if case is None:
            self._passed.clear()
            case = self._most_useful(here, bench.cases)
        if case is None:
            bench.session.tell(Notice(NONE_KNOWN))
            return
        if here is not None:
            self._passed.add(here.id)
        bench.open_case(case)

    def _most_useful(self, here: Case | None, cases: Sequence[Case]) -> Case | None:
        known, away = self._outlooks(), self._passed | ({here.id} if here is not None else set())
        by_id = {case.id: case for case in cases if case.state in OPEN and case.id in known}
        order = self._order([number for number in by_id if number not in away], self._done() | away)
        return by_id[order[0]] if order else None

    def _order(self, candidates: Sequence[int], done: set[int]) -> list[int]:
        known = self._outlooks()
        looks = [known.get(number) or self._looks.get(number) for number in done]
        rated = [known[number] for number in candidates if number in known]
        return order_by_use([*rated, *(look for look in looks if look is not None)], done, candidates)

    def _done(self) -> set[int]:
        return set(self._workspace.numbers(CaseState.ACCEPTED)) if self._workspace is not None else set()

    # -- what is known ------------------------------------------------------------------------------------

    @property
    def _weights(self) -> str:
        model = self._bench.session.model
        return model.identity if model is not None else ""

    def _outlooks(self) -> dict[int, Outlook]:
        """Of the model in use, by case; read when first asked for."""
        if self._known is None:
            self._known = {}
            if self._workspace is not None:
                try:
                    found = self._workspace.outlooks.of(self._weights)
                    self._looks = {o.case_id: o for o in self._workspace.outlooks.newest()}
                except ReadError as error:
                    self._bench.session.tell(Notice(str(error), "problem"))
                    return self._known
                self._known = {outlook.case_id: outlook for outlook in found}
        return self._known

    def _forget(self) -> None:
        self._known = None
        self._looks = {}
        self._passed.clear()

    def _on_model(self, _: object) -> None:
        self._forget()
        if self._bench.shown.sort == "useful":
            self._bench.refresh()
        else:
            self.noted.emit(-1)
