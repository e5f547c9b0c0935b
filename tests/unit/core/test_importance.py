"""What shuffling a column costs."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.svm import SVC

from rookery.core.importance import MOST_COLUMNS, importance
from rookery.core.pipeline import build_pipeline

COLUMNS = {name: {"type": "float"} for name in ("deciding", "noise")}


def rows(count: int = 200) -> tuple[pd.DataFrame, pd.Series]:
    X = pd.DataFrame(np.random.default_rng(3).normal(size=(count, 2)), columns=list(COLUMNS))
    return X, pd.Series(np.where(X.deciding > 0, "p", "q"))


def lengths(figure) -> dict[str, float]:
    """The bars by name."""
    ax = figure.axes[0]
    names = [tick.get_text() for tick in ax.get_yticklabels()]
    return dict(zip(names, [bar.get_width() for bar in ax.patches], strict=True))


def test_the_column_that_decides_comes_first(make_task):
    task = make_task(COLUMNS)
    X, y = rows()
    model = build_pipeline(task, LogisticRegression()).fit(X, y)
    bars = lengths(importance(model, X, y, task, task.labels))
    assert list(bars) == ["deciding", "noise"]
    assert bars["deciding"] > 0.3 > 0.05 > abs(bars["noise"])


def test_the_same_model_gives_the_same_picture(make_task):
    task = make_task(COLUMNS)
    X, y = rows()
    model = build_pipeline(task, LogisticRegression()).fit(X, y)
    first, again = (lengths(importance(model, X, y, task, task.labels)) for _ in range(2))
    assert first == again


def test_more_rows_than_are_shuffled_are_sampled(make_task):
    task = make_task(COLUMNS)
    X, y = rows(5000)
    model = build_pipeline(task, LogisticRegression()).fit(X, y)
    assert lengths(importance(model, X, y, task, task.labels))["deciding"] > 0.3


@pytest.mark.parametrize("metric", ["log_loss", "roc_auc", "f1_macro"])
def test_more_is_always_worse_to_lose(make_task, metric):
    task = make_task(COLUMNS, metric=metric)
    X, y = rows()
    model = build_pipeline(task, LogisticRegression()).fit(X, y)
    figure = importance(model, X, y, task, task.labels)
    assert lengths(figure)["deciding"] > 0.1
    assert metric in figure.axes[0].get_xlabel()


def test_a_model_without_probabilities_is_judged_by_what_it_has(make_task):
    task = make_task(COLUMNS, metric="log_loss")
    X, y = rows()
    figure = importance(build_pipeline(task, SVC()).fit(X, y), X, y, task, task.labels)
    assert "accuracy" in figure.axes[0].get_xlabel()


def test_of_many_columns_the_first_are_shown(make_task):
    names = [f"x{number}" for number in range(60)]
    spec = {name: {"type": "float"} for name in names}
    task = make_task(spec, y={"type": "float", "required": True}, metric="rmse")
    X = pd.DataFrame(np.random.default_rng(3).normal(size=(50, 60)), columns=names)
    y = 3 * X.x41
    figure = importance(build_pipeline(task, LinearRegression()).fit(X, y), X, y, task, ())
    bars = lengths(figure)
    assert len(bars) == MOST_COLUMNS
    assert next(iter(bars)) == "x41"
    assert f"first {MOST_COLUMNS} of 60" in figure.get_suptitle()


def test_of_very_many_columns_those_that_matter_are_found_with_few_predictions(make_task):
    names = [f"x{number}" for number in range(200)]
    draw = np.random.default_rng(5)
    X = pd.DataFrame(draw.normal(size=(300, 200)), columns=names)
    y = pd.Series(10 * X.x7 + 5 * X.x150 + draw.normal(size=300))
    columns = {name: {"type": "float"} for name in names}
    task = make_task(columns, y={"type": "float", "required": True}, metric="rmse")
    fitted, asked = LinearRegression().fit(X, y), []

    class Counted:
        def predict(self, rows: pd.DataFrame):
            asked.append(list(rows.columns) == names)
            return fitted.predict(rows)

        def fit(self):
            raise AssertionError("it is fitted")

    figure = importance(Counted(), X, y, task, ())
    assert list(lengths(figure))[:2] == ["x7", "x150"]
    assert f"first {MOST_COLUMNS} of 200" in figure.get_suptitle()
    assert all(asked)
    assert len(asked) < 200
