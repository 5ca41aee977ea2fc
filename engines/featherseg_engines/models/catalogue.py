"""Which models there are: those that ship, and those in the user's data folder."""

import difflib
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

from platformdirs import user_data_path

from featherseg_engines.errors import ModelError
from featherseg_engines.models.bundle import CARD, ModelBundle, open_bundle
from featherseg_engines.models.taught import number_of, put_aside, read_in_use
from featherseg_resources import models_folder


def user_models_folder() -> Path:
    """Where a person's own models live; it may not exist yet."""
    return Path(user_data_path("featherseg", appauthor=False)) / "models"


SAMPLES_SHOW = "skin"
"""The task of the sample images that come with the program."""


AS_GOOD = 0.01
"""Models of a task whose dev Dice lie this near the best's count as good as it: the fastest of them comes first."""


def _by_task(bundles: Iterable[ModelBundle]) -> list[ModelBundle]:
    """Task by task: what was taught here, then what is as good as the best, the fastest first, then by dev Dice."""
    listed = sorted(bundles, key=lambda bundle: bundle.card.name)
    best: dict[str, float] = {}
    for bundle in listed:
        best[bundle.task] = max(_dice(bundle), best.get(bundle.task, -1.0))

    def place(bundle: ModelBundle) -> tuple[str, bool, bool, float]:
        good = _dice(bundle) > best[bundle.task] - AS_GOOD
        speed = bundle.card.speed_ms or math.inf
        return bundle.task, not number_of(bundle.card.name), not good, speed if good else -_dice(bundle)

    return sorted(listed, key=place)


def _dice(bundle: ModelBundle) -> float:
    measured = bundle.card.measured
    return measured[0].dice if measured else -1.0


class Catalogue:
    """Bundles by name; the first folder that holds a name wins.

    Of the models that were taught here those in use are listed; the others are found by their name.
    """

    def __init__(self, folders: Sequence[Path] | None = None) -> None:
        self._added: list[Path] = []
        self.folders = tuple(folders) if folders is not None else (user_models_folder(), models_folder())

    def add(self, folder: Path) -> None:
        """List the bundle in ``folder`` too, for as long as the program runs."""
        if folder not in self._added:
            self._added.append(folder)

    def bundles(self) -> list[ModelBundle]:
        """All bundles that can be read, task by task, the best of a task first, of equally good ones the fastest;
        before all others of its task what was taught here and is in use.

        A damaged one is left out (:meth:`problems` names it).
        """
        found: dict[str, ModelBundle] = {}
        for folder in self._candidates():
            try:
                bundle = open_bundle(folder)
            except ModelError:
                continue
            found.setdefault(bundle.card.name, bundle)
        return _by_task(found.values())

    def first(self) -> ModelBundle | None:
        """The model to begin with: the best one for what the sample images show, else any."""
        bundles = self.bundles()
        return next((b for b in bundles if b.task == SAMPLES_SHOW), bundles[0] if bundles else None)

    def problems(self) -> list[str]:
        """A sentence for each folder that looks like a bundle and is not one."""
        sentences = []
        for folder in self._candidates():
            try:
                open_bundle(folder)
            except ModelError as error:
                sentences.append(str(error))
        return sentences

    def resolve(self, name_or_folder: str) -> ModelBundle:
        """The bundle of that name, or in that folder.

        Raises
        ------
        ModelError
            Neither a known name nor a folder with a bundle; the sentence names the nearest known name.
        """
        known = {bundle.card.name: bundle for bundle in self.bundles()}
        if name_or_folder in known:
            return known[name_or_folder]
        for root in self.folders:  # a version that is not in use
            if number_of(name_or_folder) and (root / name_or_folder / CARD).is_file():
                return open_bundle(root / name_or_folder)
        folder = Path(name_or_folder)
        if folder.is_dir() or folder.name != name_or_folder:
            return open_bundle(folder)
        near = difflib.get_close_matches(name_or_folder, known, n=1, cutoff=0.3)
        hint = f"did you mean '{near[0]}'?" if near else "known are: " + (", ".join(known) or "none") + "."
        raise ModelError(f"There is no model '{name_or_folder}'; {hint}")

    def _candidates(self) -> list[Path]:
        found = [folder for folder in self._added if (folder / CARD).is_file()]
        for root in self.folders:
            if root.is_dir():
                in_use = read_in_use(root)
                found += sorted(
                    p for p in root.iterdir() if (p / CARD).is_file() and not put_aside(p, in_use)
                )
        return found
