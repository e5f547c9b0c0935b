"""Columns that a model should not see: keys, copies, constants, and what gives the answer away."""

import numpy as np
import pandas as pd
import pytest

from rookery.core.profile import profile
from rookery.errors import InputError

N = 400
RANDOM = np.random.default_rng(7)
SIZE = RANDOM.uniform(30, 300, N).round(1)
ROOMS = RANDOM.integers(1, 9, N)
PRICE = (SIZE * RANDOM.uniform(900, 4000, N)).round(0)
SIDE = np.where(SIZE + RANDOM.normal(0, 60, N) > 150, "big", "small")


def looked_at(target: str, **columns: object):
    frame = pd.DataFrame({"size": SIZE, "rooms": ROOMS} | columns)
    return profile(frame, list(frame.columns), target, len(frame), "t.csv")


def left_out(target: str = "price", **columns: object) -> dict[str, str]:
    return looked_at(target, **({"price": PRICE, "side": SIDE} | columns)).left_out


def test_measures_are_left_alone():
    found = looked_at("price", price=PRICE, side=SIDE)
    assert (found.left_out, found.warnings) == ({}, {})
    assert [seen.name for seen in found.features] == ["size", "rooms", "side"]


@pytest.mark.parametrize(
    ("column", "reason"),
    [
        ({"order_id": RANDOM.permutation(N) + 10**6}, "its name is that of a key"),
        ({"customerId": RANDOM.permutation(N)}, "its name is that of a key"),
        ({"n": np.arange(N)}, "it counts the rows"),
        ({"n": np.arange(N) + 17}, "it counts the rows"),
        ({"label": [f"x{i:04}" for i in RANDOM.permutation(N)]}, "no two rows share a value"),
        ({"plan": ["a"] * N}, "the same value in every row"),
        ({"plan": [1.0, np.nan] * (N // 2)}, "all its values are the same"),
        ({"gone": [""] * N}, "no value at all"),
        ({"again": ROOMS}, "says the same as rooms"),
        ({"floors": [f"f{n}" for n in ROOMS]}, "says the same as rooms"),
        ({"size_2": SIZE}, "says the same as size"),
        ({"price_per_m2": (PRICE / SIZE).round(2)}, "price is size * price_per_m2"),
        ({"price_usd": PRICE * 1.1}, "a tree of this column alone"),
    ],
)
def test_what_a_model_should_not_see_is_left_out_with_its_reason(column, reason):
    found = left_out(**column)
    assert list(found) == list(column)
    assert reason in next(iter(found.values()))


def test_both_parts_of_a_sum_are_left_out():
    part = (PRICE * RANDOM.uniform(0.2, 0.8, N)).round(0)
    found = left_out(casual=part, registered=PRICE - part)
    assert set(found) == {"casual", "registered"}
    assert all("price is casual + registered" in reason for reason in found.values())


def test_a_column_that_is_the_class_in_other_words_is_left_out():
    found = left_out("side", decided=np.where(SIDE == "big", "B", "S"))
    assert found == {"decided": found["decided"]}
    assert "balanced accuracy 1.000" in found["decided"]


def test_gaps_that_tell_the_class_give_it_away_too():
    paid = pd.Series(RANDOM.normal(size=N)).where(SIDE == "big")
    assert "paid_on" in left_out("side", paid_on=paid)


def test_a_good_column_is_only_warned_of():
    code = np.where(SIDE == "big", 1.0, 0.0)
    code[:: N // 10] = 1 - code[:: N // 10]  # one in forty is wrong
    found = looked_at("side", side=SIDE, code=code)
    assert found.left_out == {}
    assert "balanced accuracy 0.97" in found.warnings["code"]


def test_where_all_columns_give_it_away_they_are_kept_with_a_warning():
    frame = pd.DataFrame({"a": PRICE, "b": PRICE * 2, "y": PRICE})
    found = profile(frame, ["a", "b", "y"], "y", N, "t.csv")
    assert found.left_out == {}
    assert set(found.warnings) == {"a", "b"}


@pytest.mark.parametrize(
    ("values", "problem", "classes"),
    [
        ([0, 1] * 50, "binary", {0.0: 50, 1.0: 50}),
        (["yes", "no"] * 50, "binary", {1.0: 50, 0.0: 50}),
        (["a", "b", "c", "c"] * 25, "multiclass", {"c": 50, "a": 25, "b": 25}),
        ([1, 2, 3, 4] * 25, "multiclass", {"1": 25, "2": 25, "3": 25, "4": 25}),
        (["1", "2", "3", "4"] * 25, "multiclass", {"1": 25, "2": 25, "3": 25, "4": 25}),
        (list(range(100)), "regression", {}),
        ([1.5, 2.5] * 50, "regression", {}),
        ([f"${n},000" for n in range(1, 101)], "regression", {}),
    ],
)
def test_the_target_says_what_kind_of_problem_it_is(values, problem, classes):
    frame = pd.DataFrame({"x": np.arange(100) * 7 % 101, "y": values})
    answer = profile(frame, ["x", "y"], "y", 100, "t.csv").answer
    assert (answer.problem, answer.classes) == (problem, classes)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["a"] * 50, "has one value, 'a'"),
        ([""] * 50, "has no value"),
        ([f"name {n}" for n in range(5000)], "5,000 different values, too many"),
        (["2026-01-01", "2026-01-02"] * 25, "holds dates"),
        (["a"] * 49 + ["b"], "has only one class"),
    ],
)
def test_a_target_of_which_nothing_can_be_learnt_is_refused(values, message):
    frame = pd.DataFrame({"x": range(len(values)), "y": pd.Series(values, dtype="str")})
    with pytest.raises(InputError) as caught:
        profile(frame, ["x", "y"], "y", len(values), "t.csv")
    assert message in caught.value.message
    assert caught.value.field == "--target"


def test_numbers_at_the_ends_of_floating_point_break_nothing():
    large = np.where(SIZE > 100, 1e308, -1e308)
    assert (
        "a tree of this column alone"
        in left_out("side", large=np.where(SIDE == "big", 1e308, 0))["large"]
    )
    assert looked_at("y", y=large + PRICE, side=SIDE).answer.problem == "binary"
    assert looked_at("y", y=PRICE * 1e302, side=SIDE).answer.problem == "regression"


@pytest.mark.parametrize(
    ("name", "is_key"),
    [("Código", True), ("cod_cliente", True), ("DNI", True), ("Número", True),
     ("Número de habitantes", False), ("no_shows", False), ("codicia", False)],
)  # fmt: skip
def test_names_of_keys_are_known_in_spanish_and_counts_are_none(name, is_key):
    frame = pd.DataFrame({name: RANDOM.permutation(N) * 3, "side": SIDE, "y": PRICE})
    found = profile(frame, [name, "side", "y"], "y", N, "t.csv")
    assert (name in found.left_out) is is_key
