"""How far each group has come, in a file that outlives the process."""

import sqlite3
from contextlib import closing
from pathlib import Path


class Cursors:
    """The number of the next batch, by group."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        with closing(self._connect()) as database, database:
            database.execute(
                "CREATE TABLE IF NOT EXISTS cursors (number INTEGER PRIMARY KEY, following INTEGER)"
            )

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self._path, timeout=10)

    def peek(self, group: int) -> int:
        query = "SELECT following FROM cursors WHERE number = ?"
        with closing(self._connect()) as database:
            found = database.execute(query, (group,)).fetchone()
        return int(found[0]) if found else 0

    def advance(self, group: int, most: int) -> int | None:
        """The batch whose turn it is, moving on; None where all is handed out."""
        step = (
            "INSERT INTO cursors VALUES (?, 1) ON CONFLICT (number) DO UPDATE "
            "SET following = following + 1 WHERE following < ? RETURNING following - 1"
        )
        with closing(self._connect()) as database, database:
            found = database.execute(step, (group, most)).fetchone()
        return int(found[0]) if found else None

    def restart(self, group: int) -> None:
        with closing(self._connect()) as database, database:
            database.execute("DELETE FROM cursors WHERE number = ?", (group,))
