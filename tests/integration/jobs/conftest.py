"""Tasks and tables made for one test, and processes that can be killed."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
from tests import databases

from rookery.settings import get_settings

FORK_SERVER = Path(__file__).with_name("fork_server.py")
PATIENCE_SECONDS = 90.0

SHOP = {
    "name": "shop",
    "columns": {
        "price": {"type": "float", "range": [0, 1000], "required": True},
        "pieces": {"type": "integer"},
        "colour": {"type": "category", "values": ["red", "blue"], "required": True},
        "note": {"type": "text"},
        "sold": {"type": "category", "values": ["good", "bad"], "required": True},
    },
    "target": "sold",
    "metric": "accuracy",
    "gate": {"minimum": {"accuracy": 0.1}},
    "candidates": {"decision_tree": {"fixed": {"max_depth": 2}}},
}
HEADER = "price,pieces,colour,note,sold\n"


@dataclass(frozen=True)
class Shop:
    """A project with a task `shop` that reads a CSV file."""

    place: Path
    database: str

    @property
    def csv(self) -> Path:
        return self.place / "shop.csv"

    def task(self, **changes: Any) -> None:
        """Writes the task file (JSON is YAML), some keys changed."""
        task = SHOP | {"source": {"csv": str(self.csv)}} | changes
        (self.place / "tasks" / f"{task['name']}.yaml").write_text(json.dumps(task), "utf-8")

    def rows(self, *lines: str) -> None:
        self.csv.write_text(HEADER + "".join(f"{line}\n" for line in lines), "utf-8")

    def contents(self) -> list[str]:
        return databases.contents(self.database)

    def names(self) -> set[str]:
        return databases.names(self.database)

    def tables(self) -> dict[str, int]:
        return databases.tables(self.database)


@pytest.fixture(params=databases.KINDS)
def shop(
    request: pytest.FixtureRequest, empty_home: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Shop]:
    """A project with one small task and nothing done, on a database of each kind there is."""
    monkeypatch.delenv("SOURCE_DATABASE_URL", raising=False)
    with databases.database(request.param, empty_home / "tables.db") as address:
        if request.param != "sqlite":
            monkeypatch.setenv("DATABASE_URL", address)
            get_settings.cache_clear()
        made = Shop(empty_home.parent, address)
        made.task()
        yield made


@pytest.fixture
def tables_of() -> Callable[[Path], list[str]]:
    """The contents of a home's tables."""
    return lambda home: databases.contents(f"sqlite:///{home / 'tables.db'}")


@dataclass
class Child:
    """A process that runs one job; `answer` waits for its end."""

    pid: int
    out: Path

    def lives(self) -> bool:
        # not its state: of a process with threads the first may be a zombie while another still
        # holds its files, and so its locks; the fork server leaves no zombies
        return psutil.pid_exists(self.pid)

    def kill(self) -> None:
        with suppress(psutil.NoSuchProcess):
            psutil.Process(self.pid).kill()

    def wait(self) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self.lives():
            if time.monotonic() > deadline:
                self.kill()
                pytest.fail(f"process {self.pid} did not end in {PATIENCE_SECONDS:g} s")
            time.sleep(0.01)

    def answer(self) -> dict[str, Any]:
        self.wait()
        return json.loads(self.out.read_text(encoding="utf-8"))

    def result(self) -> Any:
        """What the job returned; a failure of the job is one of the test, and says why."""
        answer = self.answer()
        assert "result" in answer, answer
        return answer["result"]


@dataclass(frozen=True)
class Forks:
    """Starts processes that have all imports done, so that a test can afford many."""

    server: subprocess.Popen[str]
    folder: Path

    def start(
        self,
        call: str,
        *,
        repeat: int = 1,
        die: tuple[str, str] | None = None,
        pause: tuple[str, str] | None = None,
        **arguments: Any,
    ) -> Child:
        """Runs `rookery.<call>(**arguments)`; `die` and `pause` name a class's method."""
        out = self.folder / f"{time.monotonic_ns()}.json"
        order = {
            "call": call,
            "arguments": arguments,
            "repeat": repeat,
            "die": die,
            "pause": pause,
            "environment": dict(os.environ),
            "folder": str(Path.cwd()),
            "out": str(out),
        }
        self.server.stdin.write(json.dumps(order) + "\n")
        self.server.stdin.flush()
        return Child(int(self.server.stdout.readline()), out)


@pytest.fixture(scope="session")
def forks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forks]:
    server = subprocess.Popen(
        [sys.executable, str(FORK_SERVER)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    yield Forks(server, tmp_path_factory.mktemp("answers"))
    server.stdin.close()
    server.wait(30)
    server.stdout.close()
