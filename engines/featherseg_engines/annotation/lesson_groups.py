"""Which patients (or files) of a workspace are held out of every lesson: decided once, kept with the workspace."""

from collections.abc import Mapping
from typing import cast

from featherseg_engines.annotation.journal import utc_now
from featherseg_engines.annotation.store import Store


class LessonGroups:
    """The decisions in a workspace's database; any thread. An older workspace opened to be read has none."""

    def __init__(self, store: Store) -> None:
        self._store = store
        there = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'lesson_groups'"
        self._there = bool(store.rows(there)[0][0])

    def kept(self) -> dict[str, bool]:
        """Each group that was decided about, in the order of the decisions: whether it is held out."""
        if not self._there:
            return {}
        rows = self._store.rows("SELECT name, held_out FROM lesson_groups ORDER BY number")
        return {cast(str, name): bool(out) for name, out in rows}

    def keep(self, groups: Mapping[str, bool]) -> None:
        """Keep decisions for good; of a group that was decided about before the old one stays.

        *Raises* JournalError.
        """
        with self._store.writing() as db:
            db.executemany(
                "INSERT OR IGNORE INTO lesson_groups (name, held_out, at) VALUES (?, ?, ?)",
                [(name, int(out), utc_now()) for name, out in groups.items()],
            )
