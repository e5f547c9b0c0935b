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


def test_a_name_that_no_database_could_hold_or_tell_apart_ends_in_a_digest(make_task):
    values = ["adelie", "Adelie", "café", "cafe", "🐧", "plain", "x" * 70, "x" * 71]
    task = make_task(
        {"c": {"type": "category", "values": values}, "c_plain": {"type": "float"}},
        y={"type": "boolean", "required": True},
    )
    found = {value: name for name, _, value in onehot_columns(task)}
    assert (found["adelie"], found["café"]) == ("c_adelie", "c_café")
    assert len({name.lower() for name in found.values()} - {"c_plain"}) == len(values)
    for value in ("Adelie", "cafe", "🐧", "plain", "x" * 70):
        kept, _, digits = found[value].rpartition("_")
        assert kept == f"c_{value}".replace("🐧", "")[:54]
        assert len(digits) == 8
    assert all(len(name.encode()) <= 63 for name in found.values())


def test_two_pairs_of_column_and_value_of_one_name_have_two_columns(make_task):
    task = make_task(
        {
            "a": {"type": "category", "values": ["b_c", "x"]},
            "a_b": {"type": "category", "values": ["c", "x"]},
        },
        y={"type": "boolean", "required": True},
    )
    names = [name for name, _, _ in onehot_columns(task)]
    assert names[0] == "a_b_c"
    assert names[2].startswith("a_b_c_")
    assert len(set(names)) == 4
