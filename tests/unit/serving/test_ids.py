"""Ids of predictions."""

import time
from concurrent.futures import ThreadPoolExecutor
from uuid import RFC_4122, UUID

from rookery.serving.ids import AT_A_TIME, new_id, new_series, place_in, series


def test_every_id_is_a_uuid_of_version_7_as_the_standard_library_writes_it() -> None:
    before = time.time_ns() // 1_000_000
    for number in (new_id() for _ in range(3 * AT_A_TIME)):
        found = UUID(number)
        assert (found.version, found.variant, str(found)) == (7, RFC_4122, number)
        assert before <= found.int >> 80 <= time.time_ns() // 1_000_000


def test_later_ids_come_later_in_a_table() -> None:
    first = new_id()
    while new_id()[:13] == first[:13]:
        pass
    assert new_id() > first


def test_threads_that_draw_at_the_same_time_never_draw_the_same() -> None:
    with ThreadPoolExecutor(8) as threads:
        drawn = threads.map(lambda _: [new_id() for _ in range(50 * AT_A_TIME)], range(8))
        found = [number for some in drawn for number in some]
    assert len(set(found)) == len(found) == 8 * 50 * AT_A_TIME


def test_a_series_counts_up_and_each_of_it_is_an_id_of_its_own() -> None:
    first = new_series()
    found = series(first, 10_000)
    assert found[0] == first
    assert found == sorted(set(found))
    assert {(UUID(one).version, UUID(one).variant) for one in found} == {(7, RFC_4122)}
    assert [place_in(first, one) for one in found] == list(range(10_000))
    assert place_in(found[5], first) < 0
    assert place_in(first, new_series()) < 0
    assert place_in(first, f"{first[:24]}no number!!") < 0
