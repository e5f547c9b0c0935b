"""Champion and challenger: intervals with known ends, and what the gate makes of them."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rookery.core.comparison import Difference, compare, faults, interval, paired_bootstrap
from rookery.core.comparison_plots import comparison_figures
from rookery.core.holdout import split, unseen_under
from rookery.core.resampling import Answers

PRICES = {
    "columns": {
        "area": {"type": "float"},
        "district": {"type": "category", "values": ["north", "south"]},
    },
    "y": {"type": "float", "required": True},
    "metric": "rmse",
}


@pytest.fixture(scope="module")
def prices(make_task):
    """A regression task with a gate."""

    def made(**gate):
        task = make_task(PRICES["columns"], y=PRICES["y"], metric="rmse")
        return task.model_copy(update={"gate": type(task.gate).model_validate(gate)})

    return made


def drawn(rows=400, seed=1):
    """Rows, and the answers of a model that is wrong by 10 on average."""
    draw = np.random.default_rng(seed)
    truth = draw.uniform(100, 500, rows)
    frame = pd.DataFrame(
        {
            "area": np.where(np.arange(rows) % 10 == 0, np.nan, draw.uniform(20, 200, rows)),
            "district": np.where(np.arange(rows) % 4 == 0, "north", "south"),
            "y": truth,
        }
    )
    return frame, Answers(truth, truth + draw.normal(0, 10, rows))


def by(answers: Answers, factor, only=slice(None)) -> Answers:
    """The same model with errors so many times as large, everywhere or in some rows."""
    scale = np.ones(len(answers))
    scale[only] = factor
    return replace(answers, predicted=answers.truth + (answers.predicted - answers.truth) * scale)


def two_coins(first: float, second: float, rows: int, seed: int) -> list[Answers]:
    """Two classifiers that are right by chance, independently of one another."""
    draw = np.random.default_rng(seed)
    truth = np.zeros(rows, dtype=int)
    rates = (first, second)
    return [Answers(truth, (draw.random(rows) > rate).astype(int), None, 2) for rate in rates]


def test_the_interval_of_a_mean_is_that_of_theory():
    """Accuracies of independent models differ with a standard error that is known."""
    old, new = two_coins(0.8, 0.9, 2000, seed=3)
    right = [(one.truth == one.predicted).astype(float) for one in (old, new)]
    paired = right[1] - right[0]
    low, high = interval(paired_bootstrap(old, new, ["accuracy"])["accuracy"])
    spread = 1.96 * paired.std() / np.sqrt(len(paired))
    assert (low + high) / 2 == pytest.approx(paired.mean(), abs=0.1 * spread)
    assert (high - low) / 2 == pytest.approx(spread, rel=0.1)


def test_models_that_err_together_are_told_apart_where_independent_ones_are_not():
    _, answers = drawn()
    together = by(answers, 1.02)
    apart = Answers(answers.truth, drawn(seed=9)[1].predicted - drawn(seed=9)[1].truth)
    apart = replace(apart, predicted=answers.truth + apart.predicted * 1.02)
    paired = interval(paired_bootstrap(answers, together, ["rmse"])["rmse"])
    loose = interval(paired_bootstrap(answers, apart, ["rmse"])["rmse"])
    assert paired[0] > 0
    assert loose[0] < 0 < loose[1]


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 500), rates=st.tuples(st.floats(0.1, 0.9), st.floats(0.1, 0.9)))
def test_who_is_called_champion_turns_the_sign_and_nothing_else(seed, rates):
    old, new = two_coins(*rates, rows=60, seed=seed)
    there = paired_bootstrap(old, new, ["accuracy", "f1_macro"], many=50)
    back = paired_bootstrap(new, old, ["accuracy", "f1_macro"], many=50)
    for name, changes in there.items():
        np.testing.assert_allclose(changes, -back[name], atol=1e-12)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 500), factors=st.tuples(st.floats(0.2, 3), st.floats(0.2, 3)))
def test_larger_errors_are_never_a_gain(seed, factors):
    _, answers = drawn(rows=50, seed=seed)
    less, more = sorted(factors)
    ends = [
        interval(paired_bootstrap(answers, by(answers, factor), ["rmse", "mae"], many=50)[name])
        for name in ("rmse", "mae")
        for factor in (less, more)
    ]
    for one, other in (ends[:2], ends[2:]):
        assert one[0] <= other[0] + 1e-9
        assert one[1] <= other[1] + 1e-9


def test_equal_models_differ_by_nothing_in_every_sample():
    _, answers = drawn()
    assert interval(paired_bootstrap(answers, answers, ["rmse"])["rmse"]) == (0.0, 0.0)


PROOFS = [
    # gate, how large the challenger's errors are, words of the refusal
    ({}, 5.0, None),
    ({"proof": "superior"}, 0.8, None),
    ({"proof": "superior"}, 1.0, "not proven superior"),
    ({"proof": "superior"}, 1.2, "which holds what is 0 or worse"),
    ({"proof": "non_inferior"}, 1.0, None),
    ({"proof": "non_inferior", "margin": 1.0}, 1.05, None),
    ({"proof": "non_inferior", "margin": 0.1}, 1.05, "worse than the margin 0.1"),
    ({"change": {"mae": -0.03, "rmse": 0.01}}, 0.96, None),
    ({"change": {"mae": -0.03}}, 0.98, "mae"),
    ({"change": {"rmse": 0.01}}, 1.009, None),
    ({"change": {"rmse": 0.01}}, 1.02, "+2.00% of the champion's"),
    ({"change": {"r2": -0.5}}, 1.1, None),
    ({"change": {"r2": 0.0}}, 1.1, "r2"),
]


@pytest.mark.parametrize(("gate", "factor", "words"), PROOFS)
def test_the_gate_asks_for_proof_and_for_bounds_of_other_metrics(prices, gate, factor, words):
    rows, answers = drawn()
    task = prices(**gate)
    found = faults(task, compare(task, answers, by(answers, factor), rows))
    assert bool(found) is (words is not None)
    assert words is None or words in found[0]


def test_a_metric_that_was_not_measured_does_not_pass_for_unchanged(prices):
    rows, answers = drawn()
    compared = compare(prices(), answers, answers, rows)
    none = replace(compared, differences=())
    asked = prices(change={"mae": 0.5}, proof="superior")
    assert len(faults(asked, none)) == 2


def test_a_champion_without_probabilities_does_not_hide_what_the_challenger_has(penguins):
    draw = np.random.default_rng(1)
    scores = draw.dirichlet(np.ones(3), size=60)
    truth = draw.integers(3, size=60)
    champion = Answers(truth, truth, None, 3)
    rows = pd.DataFrame({name: ["Dream"] * 60 for name in ("island", "sex", "species")})
    found = compare(penguins, champion, replace(champion, scores=scores), rows)
    assert "log_loss" in found.challenger
    assert "log_loss" not in found.champion
    assert found.of("log_loss") is None


@pytest.mark.parametrize(("limit", "passed"), [(5.0, False), (50.0, True)])
def test_a_better_mean_does_not_hide_a_district_that_fares_worse(prices, limit, passed):
    rows, champion = drawn()
    north = np.flatnonzero(rows["district"] == "north")
    challenger = by(by(champion, 0.3), 6.0, north)
    task = prices(segments={"district": limit})
    compared = compare(task, champion, challenger, rows)
    assert {(s.column, s.value, s.rows) for s in compared.segments} == {
        ("district", "north", 100),
        ("district", "south", 300),
    }
    found = faults(task, compared)
    assert (found == []) is passed
    assert passed or found[0].startswith("district north (100 rows): rmse")


def test_numbers_are_cut_into_quarters_and_gaps_are_a_segment(prices):
    rows, answers = drawn()
    found = compare(prices(segments={"area": 1.0}), answers, by(answers, 2.0), rows).segments
    assert [segment.rows for segment in found] == [90, 90, 90, 90, 40]
    assert found[-1].value == "missing"
    assert all(" to " in segment.value for segment in found[:-1])


def test_a_segment_of_few_rows_is_shown_and_not_judged(prices):
    rows, answers = drawn(rows=40)  # 10 of them in the north
    task = prices(segments={"district": 0.0})
    compared = compare(task, answers, by(answers, 9.0, rows["district"] == "north"), rows)
    assert [segment.limit for segment in compared.segments] == [None, 0.0]
    assert faults(task, compared) == []


def test_a_change_from_nothing_is_infinite_and_from_nothing_to_nothing_none():
    assert Difference("mae", 0.0, 0.0).relative == 0
    assert Difference("mae", 0.0, 0.1).relative == np.inf
    assert Difference("r2", -0.5, -0.25).relative == 0.5


def test_pictures_are_drawn_of_what_there_is(prices):
    rows, answers = drawn()
    task = prices()
    compared = compare(task, answers, by(answers, 1.1), rows)
    assert set(comparison_figures(task, compared)) == {"difference", "segments"}
    nothing = replace(compared, segments=(), resampled=np.array([]))
    assert comparison_figures(task, nothing) == {}


# which rows neither has learnt


def test_rows_that_came_later_are_on_the_side_that_both_states_of_the_task_give_them(prices):
    rows, _ = drawn(rows=300)
    task = prices()
    _, held = split(rows, task)
    assert unseen_under(held, task, task).all()
    reseeded = task.model_copy(update={"split": task.split.model_copy(update={"seed": 7})})
    both = unseen_under(held, task, reseeded)
    learnt, _ = split(rows, reseeded)
    assert 0 < both.sum() < len(held)
    assert not set(held.index[both]) & set(learnt.index)


def test_where_the_source_was_read_otherwise_nothing_is_known(prices):
    rows, _ = drawn(rows=50)
    task = prices()
    area = task.columns["area"].model_copy(update={"missing": ("0",)})
    then = task.model_copy(update={"columns": {**task.columns, "area": area}})
    assert unseen_under(rows, task, then) is None
    fewer = {name: column for name, column in task.columns.items() if name != "area"}
    assert unseen_under(rows, task, task.model_copy(update={"columns": fewer})) is not None
    assert unseen_under(rows, task.model_copy(update={"columns": fewer}), task) is None


def test_a_class_that_a_model_never_knew_is_new_to_it(make_task, clean_penguins, penguins):
    fewer = penguins.columns["species"].model_copy(update={"values": ("Adelie", "Gentoo")})
    then = penguins.model_copy(update={"columns": {**penguins.columns, "species": fewer}})
    found = unseen_under(clean_penguins, penguins, then)
    assert found[(clean_penguins["species"] == "Chinstrap").to_numpy()].all()
