"""Pictures of models of every kind, on rows that are not as kind as the penguins."""

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.svm import SVC

from rookery.core.canvas import WIDTH, axis_label
from rookery.core.onehot import target_codes
from rookery.core.pipeline import build_pipeline
from rookery.core.plots import MOST_CLASSES, figures

NUMBERS = {"a": {"type": "float", "unit": "kg"}, "b": {"type": "float"}}
PROBABLE = {"confusion_matrix", "per_class_report", "roc", "calibration", "permutation_importance"}
UNSURE = PROBABLE - {"roc", "calibration"}


def inputs(rows: int) -> pd.DataFrame:
    """Two columns of noise, with gaps."""
    draw = np.random.default_rng(7)
    values = pd.DataFrame(draw.normal(size=(rows, 2)), columns=["a", "b"])
    return values.mask(draw.random(values.shape) < 0.1)


def words(figure: Figure) -> str:
    """Everything that is written in a picture."""
    figure.canvas.draw()  # ticks get their text only now
    return "\n".join(
        text.get_text() for text in figure.findobj(lambda part: hasattr(part, "get_text"))
    )


@pytest.fixture
def penguin_model(penguins, clean_penguins):
    model = build_pipeline(penguins, LogisticRegression(C=0.01, max_iter=5000))
    return model.fit(clean_penguins[penguins.inputs], clean_penguins.species)


@pytest.fixture
def make_classes(make_task):
    """A task of so many classes, rows of it, and a model that has seen them."""

    def made(count: int, rows: int, estimator=None):
        labels = [f"class-{number:03}" for number in range(count)]
        y = pd.Series([labels[number % count] for number in range(rows)])
        task = make_task(NUMBERS, y={"type": "category", "values": labels, "required": True})
        model = build_pipeline(task, estimator or RandomForestClassifier(5, random_state=1))
        return task, inputs(rows), y, model.fit(inputs(rows), y)

    return made


def test_a_classifier_gives_all_five_pictures(penguins, clean_penguins, penguin_model):
    drawn = figures(
        penguin_model, clean_penguins[penguins.inputs], clean_penguins.species, penguins
    )
    assert set(drawn) == PROBABLE
    assert {figure.get_figwidth() for figure in drawn.values()} == {WIDTH}


def test_the_confusion_matrix_counts_what_the_model_mistook(
    penguins, clean_penguins, penguin_model
):
    X, y = clean_penguins[penguins.inputs], clean_penguins.species
    matrix = figures(penguin_model, X, y, penguins)["confusion_matrix"]
    counted = pd.crosstab(y, penguin_model.predict(X))
    in_cells = [text.get_text() for text in matrix.axes[0].texts]
    assert in_cells == [str(count) for count in counted.to_numpy().ravel()]
    wrong = int((penguin_model.predict(X) != y).sum())
    assert wrong > 0
    assert f"{wrong} of 333" in words(matrix)


def test_a_model_without_probabilities_gives_no_roc_and_no_calibration(penguins, clean_penguins):
    X, y = clean_penguins[penguins.inputs], clean_penguins.species
    assert set(figures(build_pipeline(penguins, SVC()).fit(X, y), X, y, penguins)) == UNSURE


def test_a_class_that_is_not_in_the_hold_out_is_named_as_missing(
    penguins, clean_penguins, penguin_model
):
    rows = clean_penguins[clean_penguins.species != "Chinstrap"]
    drawn = figures(penguin_model, rows[penguins.inputs], rows.species, penguins)
    assert set(drawn) == PROBABLE
    assert "Chinstrap: not among these rows" in words(drawn["roc"])
    assert "none" in words(drawn["per_class_report"])


def test_rows_of_one_class_give_no_roc(penguins, clean_penguins, penguin_model):
    rows = clean_penguins[clean_penguins.species == "Gentoo"]
    drawn = figures(penguin_model, rows[penguins.inputs], rows.species, penguins)
    assert set(drawn) == PROBABLE - {"roc"}


def test_a_model_of_numbered_classes_is_drawn_with_its_numbers(penguins, clean_penguins):
    y = clean_penguins.species.map(target_codes(penguins))
    X = clean_penguins[penguins.inputs]
    drawn = figures(build_pipeline(penguins, LogisticRegression()).fit(X, y), X, y, penguins)
    assert set(drawn) == PROBABLE
    names = [tick.get_text() for tick in drawn["confusion_matrix"].axes[0].get_yticklabels()]
    assert names == ["1", "2", "3"]


def test_a_yes_or_no_is_one_line(make_task):
    task = make_task(NUMBERS, y={"type": "boolean", "required": True})
    X = inputs(80)
    y = X["a"].fillna(0) > 0
    drawn = figures(build_pipeline(task, LogisticRegression()).fit(X, y), X, y, task)
    legend = drawn["roc"].axes[0].get_legend().get_texts()
    assert [text.get_text().split(":")[0] for text in legend] == ["True"]
    assert set(drawn) == PROBABLE | {"precision_recall"}
    assert "Precision and recall of True" in words(drawn["precision_recall"])


@pytest.mark.parametrize("count", [8, 26, 120])
def test_of_many_classes_the_weakest_are_named(make_classes, count):
    task, X, y, model = make_classes(count, 6 * count)
    drawn = figures(model, X, y, task)
    assert len(drawn["roc"].axes[0].get_legend().get_texts()) == 3
    shown = drawn["per_class_report"].axes[0].get_yticklabels()
    assert len(shown) == min(count, MOST_CLASSES)
    assert max(figure.get_figheight() for figure in drawn.values()) < 13


def test_the_weakest_classes_come_first(make_classes):
    count = MOST_CLASSES + 2
    task, X, y, model = make_classes(count, 4 * count, DummyClassifier(strategy="most_frequent"))
    names = [
        tick.get_text()
        for tick in figures(model, X, y, task)["per_class_report"].axes[0].get_yticklabels()
    ]
    assert "class-000" not in names  # the only one that is ever predicted


@pytest.mark.parametrize("rows", [2, 50, 4000])
def test_a_regressor_is_drawn_with_the_unit_of_its_target(make_task, rows):
    task = make_task(NUMBERS, y={"type": "float", "unit": "g", "required": True}, metric="rmse")
    X = inputs(rows)
    y = 40 * X["a"].fillna(0) + 1
    drawn = figures(build_pipeline(task, LinearRegression()).fit(X, y), X, y, task)
    pictures = {"predicted_against_true", "residuals", "error_by_segment", "permutation_importance"}
    assert set(drawn) == pictures
    assert all("(g)" in words(figure) for figure in drawn.values())


def test_no_rows_give_no_picture(penguins, clean_penguins, penguin_model):
    none = clean_penguins.iloc[:0]
    assert figures(penguin_model, none[penguins.inputs], none.species, penguins) == {}


def test_drawing_leaves_no_figure_open(penguins, clean_penguins, penguin_model):
    before = plt.get_fignums()
    figures(penguin_model, clean_penguins[penguins.inputs], clean_penguins.species, penguins)
    assert plt.get_fignums() == before


@pytest.mark.parametrize(
    ("column", "shown"),
    [
        ("body_mass_g", "body mass (g)"),
        ("bill_length_mm", "bill length (mm)"),
        ("island", "island"),
        ("not_a_column", "not a column"),
    ],
)
def test_an_axis_names_the_unit_once(penguins, column, shown):
    assert axis_label(penguins, column) == shown
