"""Predicting together what arrived together."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from tests.unit.serving.served_versions import Telling, version_of

from rookery.serving.batching import Batcher, Gone, Overloaded
from rookery.serving.loaded import Loaded
from rookery.serving.metrics import Metrics

HANGS = 30.0


def stays() -> bool:
    return False


def left() -> bool:
    return True


@contextmanager
def batching(most_rows: int = 1000) -> Iterator[Batcher]:
    with ThreadPoolExecutor(2) as executor:
        yield Batcher(executor, most_rows, Metrics())


def run(work: Callable[[Batcher], Coroutine[Any, Any, None]], most_rows: int = 1000) -> None:
    """Runs it; in the end nothing waits."""

    async def bounded(batcher: Batcher) -> None:
        await asyncio.wait_for(work(batcher), HANGS)

    with batching(most_rows) as batcher:
        asyncio.run(bounded(batcher))
        assert batcher.waiting == 0


def asked(batcher: Batcher, loaded: Loaded, *rows: int) -> asyncio.Future:
    return batcher.ask(loaded, [(x,) for x in rows], stays)


def test_what_arrives_in_one_turn_is_one_call() -> None:
    telling = Telling("1")
    loaded = version_of(telling, quick_rows=100)

    async def work(batcher: Batcher) -> None:
        futures = [asked(batcher, loaded, *rows) for rows in ([1], [2, 3], [4])]
        labels = [(await future).labels for future in futures]
        assert labels == [["1:1"], ["1:2", "1:3"], ["1:4"]]
        assert telling.calls == [[1, 2, 3, 4]]

    run(work)


def test_a_lone_request_is_answered_in_the_next_turn() -> None:
    async def work(batcher: Batcher) -> None:
        future = asked(batcher, version_of(Telling("1"), 100), 1)
        await asyncio.sleep(0)
        assert future.done()

    run(work)


def test_a_quick_model_answers_on_the_loop_and_a_large_request_in_a_thread() -> None:
    telling = Telling("1")
    loaded = version_of(telling, quick_rows=10)

    async def work(batcher: Batcher) -> None:
        await asked(batcher, loaded, *range(10))
        await asked(batcher, loaded, *range(11))
        on_loop = [thread == threading.get_ident() for thread in telling.threads]
        assert on_loop == [True, False]

    run(work)


def test_a_large_request_takes_no_small_one_that_came_with_it_to_its_thread() -> None:
    gate = threading.Event()
    slow = Telling("1", before=lambda: len(slow.calls[-1]) > 10 and gate.wait(HANGS))
    loaded = version_of(slow, quick_rows=10)

    async def work(batcher: Batcher) -> None:
        large, small = asked(batcher, loaded, *range(11)), asked(batcher, loaded, 99)
        assert (await small).labels == ["1:99"]
        assert not large.done()
        gate.set()
        await large

    run(work)


def test_requests_that_together_would_hold_up_the_loop_are_predicted_in_slices() -> None:
    telling = Telling("1")
    loaded = version_of(telling, quick_rows=10)

    async def work(batcher: Batcher) -> None:
        await asyncio.gather(*(asked(batcher, loaded, x, x) for x in range(12)))
        assert [len(call) for call in telling.calls] == [10, 10, 4]

    run(work)


def test_a_slow_model_has_one_thread_and_what_arrives_meanwhile_is_its_next_batch() -> None:
    gate = threading.Event()
    telling = Telling("1", before=lambda: gate.wait(HANGS))
    loaded = version_of(telling, quick_rows=0)

    async def work(batcher: Batcher) -> None:
        futures = [asked(batcher, loaded, 1)]
        while not telling.calls:
            await asyncio.sleep(0)
        futures += [asked(batcher, loaded, 2)]
        await asyncio.sleep(0)
        futures += [asked(batcher, loaded, 3)]
        await asyncio.sleep(0)
        gate.set()
        await asyncio.gather(*futures)
        assert telling.calls == [[1], [2, 3]]
        assert threading.get_ident() not in telling.threads

    run(work)


@pytest.mark.parametrize("quick_rows", [0, 100])
def test_too_many_rows_are_refused_until_others_have_left(quick_rows: int) -> None:
    loaded = version_of(Telling("1"), quick_rows)

    async def work(batcher: Batcher) -> None:
        first = asked(batcher, loaded, 1, 2, 3)
        with pytest.raises(Overloaded):
            asked(batcher, loaded, 4, 5)
        also = asked(batcher, loaded, 6)
        await asyncio.gather(first, also)
        await asked(batcher, loaded, 4, 5)

    run(work, most_rows=4)


def test_one_request_alone_is_taken_however_large() -> None:
    async def work(batcher: Batcher) -> None:
        assert len((await asked(batcher, version_of(Telling("1"), 2), *range(9))).labels) == 9

    run(work, most_rows=4)


@pytest.mark.parametrize("quick_rows", [0, 100])
def test_a_row_without_an_answer_fails_its_own_request_only(quick_rows: int) -> None:
    telling = Telling("1", refuses=[37])
    loaded = version_of(telling, quick_rows)

    async def work(batcher: Batcher) -> None:
        futures = [asked(batcher, loaded, x) for x in range(64)]
        found = await asyncio.gather(*futures, return_exceptions=True)
        assert isinstance(found[37], ValueError)
        assert "[37]" in str(found[37])
        others = [outcome.labels for x, outcome in enumerate(found) if x != 37]
        assert others == [[f"1:{x}"] for x in range(64) if x != 37]
        assert len(telling.calls) < 16

    run(work)


@pytest.mark.parametrize("quick_rows", [0, 100])
def test_the_rows_of_a_client_that_left_are_not_predicted(quick_rows: int) -> None:
    telling = Telling("1")
    loaded = version_of(telling, quick_rows)

    async def work(batcher: Batcher) -> None:
        gone, there = batcher.ask(loaded, [(1,)], left), asked(batcher, loaded, 2)
        with pytest.raises(Gone):
            await gone
        assert (await there).labels == ["1:2"]
        assert telling.calls == [[2]]

    run(work)


def test_a_client_that_leaves_while_a_slow_model_works_on_others_is_not_predicted() -> None:
    gate, gone = threading.Event(), threading.Event()
    telling = Telling("1", before=lambda: gate.wait(HANGS))
    loaded = version_of(telling, quick_rows=0)

    async def work(batcher: Batcher) -> None:
        first = asked(batcher, loaded, 1)
        await asyncio.sleep(0)
        second = batcher.ask(loaded, [(2,)], gone.is_set)
        await asyncio.sleep(0)
        gone.set()
        gate.set()
        await first
        with pytest.raises(Gone):
            await second
        assert telling.calls == [[1]]

    run(work)


def test_a_task_that_is_cancelled_before_its_turn_is_not_predicted_and_stays_cancelled() -> None:
    telling = Telling("1")
    loaded = version_of(telling, quick_rows=100)

    async def work(batcher: Batcher) -> None:
        async def request() -> None:
            await asked(batcher, loaded, 1)

        task = asyncio.ensure_future(request())
        asyncio.get_running_loop().call_soon(task.cancel)
        with pytest.raises(asyncio.CancelledError):
            await task
        await asked(batcher, loaded, 2)
        assert telling.calls == [[2]]

    run(work)


def test_what_is_cancelled_while_a_thread_predicts_it_harms_no_other() -> None:
    gate = threading.Event()
    telling = Telling("1", before=lambda: gate.wait(HANGS))
    loaded = version_of(telling, quick_rows=0)

    async def work(batcher: Batcher) -> None:
        futures = [asked(batcher, loaded, x) for x in (1, 2)]
        while not telling.calls:
            await asyncio.sleep(0)
        futures[0].cancel()
        gate.set()
        assert (await futures[1]).labels == ["1:2"]

    run(work)


class Batching(RuleBasedStateMachine):
    """Any mix of versions, sizes, refusals, departures and cancellations, in any order."""

    QUICK = (0, 3, 100)

    @initialize(most_rows=st.sampled_from([5, 1000]))
    def begin(self, most_rows: int) -> None:
        self.loop = asyncio.new_event_loop()
        self.executor = ThreadPoolExecutor(2)
        self.batcher = Batcher(self.executor, most_rows, Metrics())
        self.tellings = [Telling(f"{quick}", refuses=[7]) for quick in self.QUICK]
        self.versions = [
            version_of(one, quick) for one, quick in zip(self.tellings, self.QUICK, strict=True)
        ]
        self.asked: list[tuple[Loaded, list[int], bool, asyncio.Future]] = []

    @rule(
        version=st.integers(0, 2),
        rows=st.lists(st.integers(0, 8), min_size=1, max_size=5),
        gone=st.booleans(),
    )
    def ask(self, version: int, rows: list[int], gone: bool) -> None:
        loaded = self.versions[version]
        waiting = self.batcher.waiting

        async def ask() -> asyncio.Future:
            return self.batcher.ask(loaded, [(x,) for x in rows], left if gone else stays)

        # only the question: what it schedules runs in a later turn
        try:
            asking = ask()
            asyncio._set_running_loop(self.loop)
            with pytest.raises(StopIteration) as returned:
                asking.send(None)
            self.asked.append((loaded, rows, gone, returned.value.value))
        except Overloaded:
            assert waiting + len(rows) > self.batcher.most_rows
            assert waiting
        finally:
            asyncio._set_running_loop(None)

    @rule(place=st.integers(0, 9))
    def cancel(self, place: int) -> None:
        if place < len(self.asked):
            self.asked[place][3].cancel()

    @rule()
    def turn(self) -> None:
        self.loop.run_until_complete(asyncio.sleep(0))

    @invariant()
    def what_waits_is_never_negative_nor_above_the_bound(self) -> None:
        batcher = getattr(self, "batcher", None)
        if batcher:
            assert 0 <= batcher.waiting <= max(batcher.most_rows, 5)

    def teardown(self) -> None:
        futures = [future for *_, future in self.asked]

        async def settle() -> None:
            await asyncio.gather(*futures, return_exceptions=True)
            while self.batcher.waiting:
                await asyncio.sleep(0.001)

        self.loop.run_until_complete(asyncio.wait_for(settle(), HANGS))
        self.executor.shutdown()
        self.loop.close()
        for loaded, rows, gone, future in self.asked:
            if future.cancelled():
                continue
            error = future.exception()
            assert isinstance(error, Gone) == gone
            assert isinstance(error, ValueError) == (7 in rows and not gone)
            if error is None:
                said = loaded.description.version
                assert future.result().labels == [f"{said}:{x}" for x in rows]


TestBatching = Batching.TestCase
