"""A drafted task file: it parses, says what was seen, and the rows it was drafted from fit it."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rookery.core.cleaning import clean_rows
from rookery.core.drafting import draft_task
from rookery.core.drafting.learning import CHOICES
from rookery.core.families import estimator_parameters
from rookery.core.profile import column_names, profile
from rookery.core.task import Task
from rookery.core.taskfile import parse_task
from rookery.errors import InputError

N = 300
RANDOM = np.random.default_rng(3)
SIZE = RANDOM.lognormal(4, 1.2, N).round(1)
TABLE = {
    "size": [f"{value}" for value in SIZE],
    "sold": [f"{1 + n % 28:02}/{1 + n % 12:02}/2026" for n in range(N)],
    "fee": [f"${value:,.2f}" for value in SIZE * 100],
    "share": [f"{n * 37 % 101}%" for n in range(N)],
    "garden": ["sí" if n % 3 else "no" for n in range(N)],
    "town": [["North", "South", "?"][n % 3 if n % 10 == 0 else n % 2] for n in range(N)],
    "note": [f"a remark of some length, number {n * n}" for n in range(N)],
    "zip code": [f"{10000 + n % 9}" for n in range(N)],
}


def drafted(columns: dict[str, object], target: str, rows: int | None = None) -> tuple[Task, str]:
    frame = pd.DataFrame(columns)
    names = column_names(list(frame.columns), "t.csv")
    wanted = names[list(frame.columns).index(target)]
    found = profile(frame, names, wanted, rows or len(frame), "t.csv")
    text = draft_task("made", {"csv": "t.csv"}, found, "t.csv")
    return parse_task(text, "tasks/made.yaml"), text


def above(text: str, key: str) -> str:
    """The comment that stands over a key."""
    lines = text.splitlines()
    at = next(n for n, line in enumerate(lines) if line.strip() == f"{key}:")
    first = at
    while lines[first - 1].lstrip().startswith("#"):
        first -= 1
    return " ".join(line.strip(" #") for line in lines[first:at])


def test_each_column_is_described_as_it_is_written():
    task, _ = drafted(TABLE | {"y": RANDOM.normal(size=N)}, "y")
    shown = {
        name: column.model_dump(exclude_defaults=True) for name, column in task.columns.items()
    }
    assert shown["size"]["type"] == "float"
    assert shown["sold"] == {"type": "date", "format": "%d/%m/%Y", "required": True}
    assert (shown["fee"]["strip"], shown["fee"]["thousands"]) == (("$",), ",")
    assert shown["share"] == {
        "type": "integer", "range": (0, 100), "strip": ("%",), "unit": "%", "required": True,
    }  # fmt: skip
    assert shown["garden"] == {"type": "boolean", "replace": {"sí": "true"}, "required": True}
    assert shown["town"] == {"type": "category", "values": ("North", "South"), "missing": ("?",)}
    assert shown["note"] == {"type": "text", "feature": False}
    assert shown["zip code"]["values"] == tuple(f"{10000 + n}" for n in range(9))


def test_features_are_parts_of_dates_logarithms_of_skewed_numbers_and_lengths_of_texts():
    task, _ = drafted(TABLE | {"y": RANDOM.normal(size=N)}, "y")
    assert {"sold_month", "sold_weekday", "log_size", "note_length"} <= set(task.features)
    assert "sold_year" not in task.features  # all of one year


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
def test_the_logarithm_of_prices_is_learnt_and_their_range_stays_above_0(scale):
    price = scale * RANDOM.lognormal(6, 1.5, N)
    task, text = drafted({"size": SIZE, "price": price}, "price")
    assert task.target_transform == "log"
    assert 0.4 * price.min() < task.columns["price"].range[0] <= price.min() / 2
    (line,) = [line for line in text.splitlines() if line.startswith("target_transform")]
    said = text.partition(line)[0].splitlines()[-2:]
    assert "what is learnt is the logarithm" in " ".join(one.strip("# ") for one in said)
    for even in (RANDOM.normal(100, 9, N), RANDOM.exponential(9, N), price - price.mean()):
        assert drafted({"size": SIZE, "y": even}, "y")[0].target_transform is None


def test_every_choice_is_said_above_it():
    task, text = drafted(TABLE | {"id": range(N), "y": ["a"] * 280 + ["b"] * 20}, "y")
    assert "lognormal" not in text
    assert "missing in 10 of 300 rows (3.3%) ('?' 10)" in above(text, "town")
    assert "numbers written as text, such as '$" in above(text, "fee")
    assert "left out: it counts the rows" in above(text, "id")
    assert "class b: 20 of 300 rows (6.7%)" in above(text, "y")
    assert "guessing has roc_auc 0.5" in above(text, "gate")
    assert "Imbalanced: the largest class has 93.3%" in text
    assert all(above(text, f) for f in task.candidates)


@pytest.mark.parametrize(
    ("target", "metric", "minimum"),
    [
        (["a", "b"] * 150, "roc_auc", {"roc_auc": 0.55}),
        (["a", "b", "c"] * 100, "accuracy", {"accuracy": 0.4}),
        (["a"] * 250 + ["b"] * 30 + ["c"] * 20, "balanced_accuracy", {"balanced_accuracy": 0.4}),
        (SIZE * 2 + RANDOM.normal(size=N), "rmse", {"r2": 0.1}),
    ],
)
def test_the_gate_asks_for_more_than_knowing_nothing_gives(target, metric, minimum):
    task, _ = drafted({"size": SIZE, "n": RANDOM.integers(0, 9, N), "y": target}, "y")
    assert (task.metric, dict(task.gate.minimum)) == (metric, minimum)


@pytest.mark.parametrize("target", [["a", "b"] * 150, SIZE + RANDOM.normal(size=N)])
def test_families_that_do_not_scale_are_for_few_rows(target):
    columns = {"size": SIZE, "y": target}
    few = drafted(columns, "y", 300)[0].candidates
    many = drafted(columns, "y", 1_000_000)[0].candidates
    assert next(iter(few)) in ("linear_regression", "logistic_regression")
    assert {"knn"} <= set(few) - set(many)
    assert "hist_gradient_boosting" in many
    assert many["random_forest"].max_rows == 20_000


@pytest.mark.parametrize("target", [["a", "b"] * 150, SIZE + RANDOM.normal(size=N)])
def test_boosted_trees_are_larger_and_folds_fewer_where_there_are_many_rows(target):
    columns = {"size": SIZE, "y": target}
    few, many = (drafted(columns, "y", rows)[0] for rows in (300, 1_000_000))
    assert (few.split.folds, many.split.folds) == (5, 3)
    for family in ("lightgbm", "xgboost"):
        trees = [
            max(chosen["n_estimators"] for chosen in task.candidates[family].sets)
            for task in (few, many)
        ]
        assert trees[0] < trees[1]


@pytest.fixture
def without_boosters(monkeypatch):
    """Ends the libraries of the extras being installed; call it when that shall be."""

    def absent(name: str) -> None:
        raise InputError(f"{name} is not installed")

    def end() -> None:
        monkeypatch.setattr("rookery.core.boosters.library", absent)
        estimator_parameters.cache_clear()

    yield end
    estimator_parameters.cache_clear()


def test_families_that_are_not_installed_are_named_instead_of_drafted(without_boosters):
    columns = {"size": SIZE, "y": ["a", "b"] * 150}
    with_all = drafted(columns, "y")[1]
    without_boosters()
    task, text = drafted(columns, "y")
    assert not {"lightgbm", "xgboost"} & set(task.candidates)
    assert "hist_gradient_boosting" in task.candidates
    assert "pip install --editable '.[lightgbm,xgboost]'" in above(text, "candidates")
    # a file from where they are installed is a task here, too
    assert {"lightgbm", "xgboost"} <= set(parse_task(with_all, "tasks/made.yaml").candidates)


def test_families_that_need_more_rows_than_there_are_are_left_out():
    few, _ = drafted({"size": SIZE[:30], "y": ["a", "b", "b"] * 10}, "y")
    assert not {"svc", "knn"} & set(few.candidates)
    some, _ = drafted({"size": SIZE[:60], "y": ["a", "b", "b"] * 20}, "y")
    assert {"svc", "knn"} <= set(some.candidates)


def test_every_family_of_the_table_of_choices_is_one_of_its_problems():
    for problem, target in {
        "binary": ["a", "b"] * 150,
        "multiclass": ["a", "b", "c"] * 100,
        "regression": SIZE + RANDOM.normal(size=N),
    }.items():
        found = [drafted({"size": SIZE, "y": target}, "y", rows)[0] for rows in (300, 10**6)]
        expected = {one.family for one in CHOICES if problem in one.problems}
        assert set().union(*(task.candidates for task in found)) == expected


def test_a_class_of_too_few_rows_is_refused_and_named():
    task, text = drafted({"size": SIZE, "y": ["a"] * 150 + ["b"] * 148 + ["c"] * 2}, "y")
    assert task.columns["y"].values == ("a", "b")
    assert "too few to judge: c (2)" in above(text, "y")


def test_numbers_that_are_classes_keep_their_spelling():
    task, _ = drafted({"size": SIZE, "y": ["1.0", "2.0", "3.0"] * 100}, "y")
    assert task.columns["y"].values == ("1", "2", "3")
    raw = pd.DataFrame({"size": SIZE, "y": ["1.0", "2.0", "3.0"] * 100})
    assert clean_rows(raw, task, np.array([], dtype=np.uint64)).reasons.empty


def test_a_sample_is_said_to_be_one():
    _, text = drafted({"size": SIZE, "y": SIZE + RANDOM.normal(size=N)}, "y", 5_000_000)
    assert "300 of the 5,000,000 rows of t.csv" in " ".join(text.split())


def test_a_table_without_anything_to_learn_from_is_refused_with_the_reasons():
    with pytest.raises(InputError, match="no column to learn y from") as caught:
        drafted({"n": range(N), "c": ["x"] * N, "y": SIZE}, "y")
    assert "n: it counts the rows" in caught.value.message


def test_a_table_of_too_many_columns_is_refused():
    columns = {f"c{n}": ["1", "2"] for n in range(3000)}
    with pytest.raises(InputError, match="has 3,000 columns"):
        drafted(columns, "c0")


def test_a_description_longer_than_a_task_file_may_be_is_refused():
    columns = {
        f"c{n}": [f"{'x' * 150}{value % 90}" for value in RANDOM.permutation(N)] for n in range(30)
    }
    with pytest.raises(InputError, match="longer than a task file may be"):
        drafted(columns | {"y": RANDOM.normal(size=N)}, "y")


CELLS = st.one_of(
    st.text(max_size=8),
    st.sampled_from(["", "?", "NA", "yes", "no", "1", "0", "-999", "007", "1,5", "$1,200", "'a'",
                     "5%", "2026-11-21", "01/02/2026", "31/12/2026", "inf", "1e400", "null"]),
    st.integers(-5, 5).map(str),
    st.floats(allow_nan=True).map(str),
)  # fmt: skip
NAMES = st.text(min_size=0, max_size=70)


@st.composite
def tables(draw: st.DrawFn) -> pd.DataFrame:
    names = draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))
    rows = draw(st.integers(1, 12))
    repeats = draw(st.sampled_from([1, 7]))
    columns = {
        name: draw(st.lists(CELLS, min_size=rows, max_size=rows)) * repeats for name in names
    }
    return pd.DataFrame(columns, dtype="str")


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(tables(), st.integers(0, 3))
def test_any_table_gives_a_task_that_its_own_rows_fit_or_a_clear_refusal(frame, place):
    target = list(frame.columns)[place % frame.shape[1]]
    found: InputError | None = None
    try:
        task, text = drafted({name: frame[name] for name in frame}, target)
    except InputError as error:
        found = error
    if found is not None:
        assert found.message
        assert found.allowed
        return
    raw = frame.set_axis(list(task.columns), axis="columns")
    done = clean_rows(raw, task, np.array([], dtype=np.uint64))
    of_target = (f"{task.target}: missing", f"{task.target}: ")
    foreseen = "cannot be read" in text
    assert foreseen or all(reason.startswith(of_target) for reason in done.reasons)
