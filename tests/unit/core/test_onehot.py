"""The one-hot form equals what pandas makes of the clean rows."""

import pandas as pd

from rookery.core.onehot import onehot, onehot_columns, target_codes


def test_species_are_numbered_in_the_order_of_the_task(penguins, make_task):
    assert target_codes(penguins) == {"Adelie": 1, "Chinstrap": 2, "Gentoo": 3}
    assert target_codes(
        make_task({"a": {"type": "float"}}, y={"type": "boolean", "required": True})
    ) == {False: 1, True: 2}


def test_each_category_has_a_column(penguins):
    assert [name for name, _, _ in onehot_columns(penguins)] == [
        "island_Biscoe",
        "island_Dream",
        "island_Torgersen",
        "sex_female",
        "sex_male",
    ]


def test_one_hot_rows_equal_those_of_pandas(penguins, clean_penguins):
    expected = pd.get_dummies(clean_penguins, columns=["island", "sex"], dtype="int64")
    expected["species"] = clean_penguins["species"].astype("category").cat.codes.astype("int64") + 1
    pd.testing.assert_frame_equal(onehot(clean_penguins, penguins), expected, check_like=True)


def test_a_target_that_is_a_number_stays_one_and_a_missing_category_is_all_zeros(make_task):
    task = make_task(
        {"c": {"type": "category", "values": ["a", "b"]}},
        y={"type": "float", "required": True},
        metric="rmse",
        candidates={"ridge": {}},
    )
    rows = pd.DataFrame({"c": pd.Series(["b", None], dtype="str"), "y": [1.5, 2.5]})
    assert onehot(rows, task).to_dict("list") == {"y": [1.5, 2.5], "c_a": [0, 0], "c_b": [1, 0]}
