"""A prediction log on a real database, and what is in it."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa
from tests import databases

from rookery.serving.ids import new_series
from rookery.serving.prediction_log.log import SPOOL_BYTES, PredictionLog
from rookery.serving.prediction_log.rows import Entry, Rows
from rookery.stores.database import connect
from rookery.stores.predictions import METADATA, PREDICTIONS

# tests that need a server are not there without one
collect_ignore = [] if "mysql" in databases.SERVERS else ["test_mysql_away.py"]
RECORD = b'{"bill_length_mm": 39.1, "sex": "male"}'
ANSWER = '{"prediction": "Adélie", "probabilities": {"Adélie": 1.0}}'.encode()


@dataclass
class Place:
    """A spool folder and a database; logs that a test leaves open are stopped after it."""

    spool: Path
    url: str
    logs: list[PredictionLog] = field(default_factory=list)

    def log(self, spool_bytes: int = SPOOL_BYTES, url: str | None = None) -> PredictionLog:
        self.logs.append(PredictionLog(self.spool, url or self.url, spool_bytes))
        self.logs[-1].start()
        return self.logs[-1]

    def stored(self) -> set[str]:
        engine = connect(self.url)
        if not sa.inspect(engine).has_table(PREDICTIONS.name):
            return set()
        with engine.connect() as connection:
            ids = connection.execute(sa.select(PREDICTIONS.c.id)).scalars().all()
        assert len(ids) == len(set(ids))
        return set(ids)

    def segments(self) -> list[Path]:
        return sorted(self.spool.glob("*/*.lines"))

    def engine(self) -> sa.Engine:
        """With its tables."""
        engine = connect(self.url)
        METADATA.create_all(engine)
        return engine


def entry(id_: str, **changed: object) -> Entry:
    now = time.time_ns() // 1000
    return Entry(id_, now, "penguins", "3", RECORD, ANSWER, 0.001)._replace(**changed)


def rows(count: int) -> Rows:
    """So many predictions of one request."""
    return Rows(
        first=new_series(),
        at=time.time_ns() // 1000,
        model="penguins",
        version="3",
        seconds=0.02,
        names=["row", "sex"],
        classes=["Adelie", "Gentoo"],
        rows=[(number, "male") for number in range(count)],
        labels=["Gentoo"] * count,
        scores=[[0.25, 0.75]] * count,
    )


def add(log: PredictionLog, count: int) -> set[str]:
    """Logs so many predictions; their ids."""
    ids = [str(uuid4()) for _ in range(count)]
    for prediction_id in ids:
        log.add(entry(prediction_id))
    return set(ids)


@pytest.fixture(params=databases.KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """An empty database of each kind there is."""
    with databases.database(request.param, tmp_path / "home" / "tables.db") as url:
        made = Place(tmp_path / "home" / "cache" / "spool", url)
        yield made
        for log in made.logs:
            log.stop(0)
