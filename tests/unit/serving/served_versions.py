"""Versions without a registry: a description, and a predictor that says who answered."""

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from rookery.core.records import RecordField, Row
from rookery.core.served import Description, Lineage
from rookery.serving.loaded import Loaded
from rookery.serving.predictor.interface import Outcome


def described(
    name: str = "penguins",
    version: str = "1",
    classes: tuple[Any, ...] = (),
    labels: tuple[Any, ...] | None = None,
) -> Description:
    return Description(
        name=name,
        version=version,
        registered=0,
        model_digest="",
        title=name,
        fields=(RecordField("x", "integer"),),
        ignored=(),
        target=None,
        classes=classes,
        labels=labels,
        lineage=Lineage(None, None, None, {}, {}, None),
    )


class Telling:
    """Answers `version:x` for each row, has no answer for some, and notes every call."""

    path, why, classes = "telling", "", ()

    def __init__(
        self, version: str, refuses: Sequence[int] = (), before: Callable[[], Any] = lambda: None
    ) -> None:
        self.version, self.refuses, self.before = version, refuses, before
        self.calls: list[list[int]] = []
        self.threads: list[int] = []

    def predict(self, rows: Sequence[Row]) -> Outcome:
        self.calls.append([x for (x,) in rows])
        self.threads.append(threading.get_ident())
        self.before()
        if refused := [x for (x,) in rows if x in self.refuses]:
            raise ValueError(f"no answer for {refused}")
        return Outcome([f"{self.version}:{x}" for (x,) in rows], None)


def version_of(predictor: Telling, quick_rows: int) -> Loaded:
    description = described(version=predictor.version)
    return Loaded(
        description=description,
        predictor=predictor,
        reader=description.reader(strict=True),
        via="alias",
        alias="production",
        link=None,
        at=datetime.now(UTC),
        quick_rows=quick_rows,
    )
