"""Predicting together what arrived together: many rows cost an estimator little more than one."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial

from rookery.core.records import Row
from rookery.serving.loaded import Loaded
from rookery.serving.metrics import Metrics
from rookery.serving.predictor.interface import Outcome


class Overloaded(Exception):
    """More rows wait than may wait."""


class Gone(Exception):
    """The client left before its rows were predicted."""


Deliver = Callable[[Outcome | Exception], None]
# what sees the rows of a request and their outcome, once it is delivered; never waits
Onlooker = Callable[[Loaded, Sequence[Row], Outcome], None]


@dataclass(eq=False, slots=True)
class Ask:
    """The rows of one request, and where their outcome goes."""

    loaded: Loaded
    rows: Sequence[Row]
    deliver: Deliver
    is_gone: Callable[[], bool]


class Batcher:
    """Collects what arrives in one turn of the event loop and predicts it in one call.

    Nothing waits for company: a lone request is predicted in the next turn. Quick models answer
    on the loop. Slow ones have one thread; what arrives while it works is its next batch. Large
    requests have threads of their own.
    """

    def __init__(
        self,
        executor: Executor,
        most_rows: int,
        metrics: Metrics,
        onlooker: Onlooker | None = None,
    ) -> None:
        self.executor = executor
        self.onlooker = onlooker
        self.most_rows = most_rows
        self.metrics = metrics
        self.waiting = 0  # rows
        self._arrived: list[Ask] = []
        self._slow: list[Ask] = []
        self._scheduled = False
        self._working = False

    def ask(
        self, loaded: Loaded, rows: Sequence[Row], is_gone: Callable[[], bool]
    ) -> "asyncio.Future[Outcome]":
        """The outcome of rows by one version; `Gone` where the client left before.

        Raises:
            Overloaded: as `put`.
        """
        outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self.put(
            Ask(
                loaded,
                rows,
                partial(_settle, outcome),
                lambda: outcome.cancelled() or is_gone(),
            )
        )
        return outcome

    def put(self, one: Ask) -> None:
        """Has the rows predicted, in the next turn of the event loop or as soon as may be.

        Raises:
            Overloaded: too many rows wait already. One request alone is always taken.
        """
        if self.waiting and self.waiting + len(one.rows) > self.most_rows:
            raise Overloaded
        self.waiting += len(one.rows)
        self._arrived.append(one)
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._predict_arrived)

    def _predict_arrived(self) -> None:
        self._scheduled = False
        arrived, self._arrived = self._arrived, []
        for group in self._grouped(arrived):
            loaded = group[0].loaded
            rows = sum(len(one.rows) for one in group)
            if rows <= loaded.quick_rows:
                self._deliver(group, _predict(group))
            elif loaded.quick_rows:
                self._in_thread(group)
            else:
                self._slow += group
        self._start_slow()

    def _grouped(self, asks: Sequence[Ask]) -> list[list[Ask]]:
        """By version, in slices that are quick where the version is; without those that left."""
        groups: list[list[Ask]] = []
        places: dict[int, tuple[list[Ask], int]] = {}
        for one in asks:
            if one.is_gone():
                self._drop(one)
                continue
            group, rows = places.get(id(one.loaded), ([], 0))
            if not group or rows + len(one.rows) > one.loaded.quick_rows > 0:
                group, rows = [], 0
                groups.append(group)
            group.append(one)
            places[id(one.loaded)] = group, rows + len(one.rows)
        return groups

    def _drop(self, one: Ask) -> None:
        self.waiting -= len(one.rows)
        one.deliver(Gone())

    def _start_slow(self) -> None:
        if self._working or not self._slow:
            return
        arrived, self._slow = self._slow, []
        groups = self._grouped(arrived)
        if groups:
            first, *rest = groups
            self._slow += [one for group in rest for one in group]
            self._working = True
            self._in_thread(first, self._slow_ended)

    def _slow_ended(self) -> None:
        self._working = False
        self._start_slow()

    def _in_thread(self, group: list[Ask], then: Callable[[], None] | None = None) -> None:
        loop = asyncio.get_running_loop()
        work = loop.run_in_executor(self.executor, _predict, group)

        def done(finished: "asyncio.Future[Outcomes]") -> None:
            self._deliver(group, finished.result())
            if then:
                then()

        work.add_done_callback(done)

    def _deliver(self, group: Sequence[Ask], outcomes: "Outcomes") -> None:
        self.metrics.batch_rows.observe(sum(len(one.rows) for one in group))
        for one, outcome in zip(group, outcomes, strict=True):
            self.waiting -= len(one.rows)
            one.deliver(outcome)
            if self.onlooker and isinstance(outcome, Outcome):
                self.onlooker(one.loaded, one.rows, outcome)


def _settle(future: "asyncio.Future[Outcome]", outcome: Outcome | Exception) -> None:
    if future.done():
        return
    if isinstance(outcome, Exception):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)


Outcomes = Sequence[Outcome | Exception]


def _predict(group: Sequence[Ask]) -> Outcomes:
    """An outcome for each request; one that the model cannot answer does not harm the others."""
    try:
        return _together(group)
    except Exception as error:
        if len(group) == 1:
            return [error]
        # by halves: one that fails costs the others a few calls, not one each
        half = len(group) // 2
        return [*_predict(group[:half]), *_predict(group[half:])]


def _together(group: Sequence[Ask]) -> list[Outcome]:
    predictor = group[0].loaded.predictor
    if len(group) == 1:
        return [predictor.predict(group[0].rows)]
    found = predictor.predict([row for one in group for row in one.rows])
    outcomes, start = [], 0
    for one in group:
        end = start + len(one.rows)
        scores = found.scores[start:end] if found.scores is not None else None
        outcomes.append(Outcome(found.labels[start:end], scores))
        start = end
    return outcomes
