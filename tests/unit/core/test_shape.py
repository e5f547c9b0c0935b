"""A model of either form of the table is scored on the same rows to the same metrics."""

import pytest
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from rookery.core.onehot import onehot
from rookery.core.shape import inputs_for, score_on
from rookery.errors import Refused

RAW = ["bill_length_mm", "body_mass_g"]
WIDE = ["bill_length_mm", "island_Dream", "sex_male"]


def test_a_model_gets_the_columns_that_it_asks_for_in_its_order(clean_penguins, penguins):
    assert list(inputs_for(clean_penguins, penguins, RAW[::-1]).columns) == RAW[::-1]
    wide = inputs_for(clean_penguins, penguins, WIDE)
    assert wide.equals(onehot(clean_penguins, penguins)[WIDE])


def test_a_column_of_neither_form_is_refused_by_name(clean_penguins, penguins):
    with pytest.raises(Refused, match="takes columns that penguins has not: petals") as caught:
        inputs_for(clean_penguins, penguins, [*WIDE, "petals"])
    assert "petals" in caught.value.value


def test_classes_as_numbers_score_as_classes_by_name(clean_penguins, penguins):
    X, names = clean_penguins[RAW], clean_penguins["species"]
    codes = onehot(clean_penguins, penguins)["species"]
    found = [
        score_on(
            DecisionTreeClassifier(max_depth=3, random_state=0).fit(X, y),
            clean_penguins,
            penguins,
            RAW,
        )
        for y in (names, codes)
    ]
    assert found[0] == pytest.approx(found[1])
    assert 0.9 < found[0]["accuracy"] < 1.0


def test_a_model_of_the_one_hot_form_is_scored(clean_penguins, penguins):
    wide = onehot(clean_penguins, penguins)
    model = DecisionTreeClassifier(random_state=0).fit(wide[WIDE], wide["species"])
    assert score_on(model, clean_penguins, penguins, WIDE)["accuracy"] > 0.99


@pytest.mark.parametrize("model", [DecisionTreeClassifier(), DecisionTreeRegressor()])
def test_a_model_of_other_classes_is_refused(clean_penguins, penguins, model):
    model.fit(clean_penguins[RAW], clean_penguins["year"])
    with pytest.raises(Refused, match="classes are not those of penguins"):
        score_on(model, clean_penguins, penguins, RAW)


def test_a_model_of_a_number_is_scored(clean_penguins, make_task):
    columns = {name: {"type": "float"} for name in RAW}
    task = make_task(
        columns, y={"type": "float", "required": True}, metric="rmse", candidates={"ridge": {}}
    )
    rows = clean_penguins[RAW].assign(y=clean_penguins["flipper_length_mm"])
    model = DecisionTreeRegressor(random_state=0).fit(rows[RAW], rows["y"])
    assert score_on(model, rows, task, RAW)["r2"] > 0.9
