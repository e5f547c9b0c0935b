"""A row keeps its hash and its side of the split, whatever happens to the others."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rookery.core.holdout import digest, holdout_mask, row_hashes, split, value_bands

NUMBERS = st.one_of(st.integers(-(2**53), 2**53), st.floats(allow_nan=True), st.none())
ROW = st.tuples(NUMBERS, st.one_of(st.none(), st.text(max_size=5)))


def frame(rows, number="float64"):
    return pd.DataFrame(
        {
            "n": pd.Series([row[0] for row in rows], dtype=number),
            "t": pd.Series([row[1] for row in rows], dtype="str"),
        }
    )


@settings(max_examples=50)
@given(st.lists(ROW, min_size=1, max_size=20), st.randoms())
def test_a_row_is_hashed_by_its_content_alone(rows, random):
    hashes = dict(zip(map(repr, rows), row_hashes(frame(rows)), strict=True))
    shuffled = [*random.sample(rows, len(rows)), (1.5, "another")]
    found = row_hashes(frame(shuffled))[:-1]
    assert [hashes[repr(row)] for row in shuffled[:-1]] == found.tolist()


@settings(max_examples=50)
@given(st.lists(st.integers(-(2**53), 2**53), min_size=1))
def test_whole_numbers_hash_alike_as_integers_and_as_floats(numbers):
    kinds = ("int64", "float64", "Int64", "Float64")
    found = [row_hashes(pd.DataFrame({"n": pd.Series(numbers, dtype=kind)})) for kind in kinds]
    for hashes in found[1:]:
        np.testing.assert_array_equal(hashes, found[0])


ALIKE = [
    (
        "missing numbers",
        [pd.Series([1.0, np.nan]), pd.Series([1, None], dtype="Int64"), pd.Series([1.0, -np.nan])],
    ),
    (
        "missing text",
        [
            pd.Series(["a", None], dtype="str"),
            pd.Series(["a", None], dtype=object),
            pd.Series(["a", np.nan], dtype=object),
        ],
    ),
    ("booleans", [pd.Series([True, False]), pd.Series([1, 0]), pd.Series([1.0, -0.0])]),
    (
        "dates",
        [
            pd.Series(["2024-01-31", None]).astype(f"datetime64[{unit}]")
            for unit in ("s", "ms", "us", "ns")
        ],
    ),
    ("categories", [pd.Series(["a", "b"], dtype=kind) for kind in ("str", "category", object)]),
]


@pytest.mark.parametrize("columns", [case for _, case in ALIKE], ids=[name for name, _ in ALIKE])
def test_what_a_database_gives_back_in_another_type_hashes_alike(columns):
    hashes = [row_hashes(column.to_frame("x")).tolist() for column in columns]
    assert all(found == hashes[0] for found in hashes)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": [1], "b": [2]}, {"a": [2], "b": [1]}),
        ({"a": ["x"], "b": [""]}, {"a": [""], "b": ["x"]}),
        ({"a": ["1"]}, {"a": [1]}),
        ({"a": [""]}, {"a": [None]}),
        ({"a": ["nan"]}, {"a": [None]}),
        ({"a": [0.1]}, {"a": [np.nextafter(0.1, 1)]}),
        ({"a": ["é"]}, {"a": ["e"]}),
    ],
)
def test_rows_that_differ_hash_apart(one, other):
    assert row_hashes(pd.DataFrame(one))[0] != row_hashes(pd.DataFrame(other))[0]


def test_real_rows_do_not_collide_and_no_bit_leans_to_one_side(clean_penguins):
    hashes = row_hashes(clean_penguins)
    assert len(set(hashes)) == len(clean_penguins)
    many = row_hashes(pd.DataFrame({"n": np.arange(20_000)}))
    ones = [float(((many >> np.uint64(bit)) & np.uint64(1)).mean()) for bit in range(64)]
    assert min(ones) > 0.48
    assert max(ones) < 0.52


def test_hashes_are_the_same_on_every_machine():
    rows = pd.DataFrame({"n": [1.0, np.nan], "t": ["é", None], "b": [True, False]})
    # another value here would move rows between training and hold-out in every project
    pinned = [15430015668080625591, 12206343360312127711]
    assert row_hashes(rows).tolist() == pinned
    assert row_hashes(rows, salt="other").tolist() != pinned


def test_the_digest_names_the_content_whatever_the_order_or_index(clean_penguins):
    named = digest(clean_penguins)
    assert len(named) == 16
    assert digest(clean_penguins.sample(frac=1, random_state=1).reset_index(drop=True)) == named
    assert digest(clean_penguins.iloc[1:]) != named
    assert digest(clean_penguins.rename(columns={"sex": "gender"})) != named
    assert digest(clean_penguins.iloc[:0]) != digest(clean_penguins.iloc[:0, 1:])


def test_a_fifth_of_each_species_is_held_out(clean_penguins, penguins):
    mask = holdout_mask(clean_penguins, penguins)
    shares = pd.Series(mask).groupby(clean_penguins["species"].to_numpy()).mean()
    assert shares.between(0.1, 0.3).all()
    train, test = split(clean_penguins, penguins)
    assert len(train) + len(test) == 333
    pd.testing.assert_frame_equal(test, clean_penguins[mask])


@settings(max_examples=20)
@given(data=st.data())
def test_a_row_stays_on_its_side_when_others_come_or_go(clean_penguins, penguins, data):
    positions = st.lists(st.integers(0, 332), min_size=60, unique=True)
    chosen = clean_penguins.iloc[data.draw(positions)]
    before = pd.Series(holdout_mask(clean_penguins, penguins), index=clean_penguins.index)
    after = pd.Series(holdout_mask(chosen, penguins), index=chosen.index)
    moved = after[after != before[chosen.index]].index
    # only in a class none of whose drawn rows is left may another stand in
    for species, rows in chosen.loc[moved].groupby("species"):
        assert len(rows) == 1
        assert not before[chosen.index][chosen["species"] == species].any()


def test_another_seed_holds_out_other_rows(clean_penguins, penguins):
    other = penguins.model_copy(update={"split": penguins.split.model_copy(update={"seed": 1})})
    assert (holdout_mask(clean_penguins, penguins) != holdout_mask(clean_penguins, other)).any()


@pytest.mark.parametrize("share", [0.05, 0.2, 0.5, 0.9])
def test_the_share_is_that_of_the_task(make_task, share):
    task = make_task({"a": {"type": "float"}}, split={"holdout": share})
    rows = pd.DataFrame({"a": np.arange(20_000.0), "y": np.resize(["p", "q", "q"], 20_000)})
    mask = pd.Series(holdout_mask(rows, task))
    assert mask.groupby(rows["y"]).mean().to_numpy() == pytest.approx(share, abs=0.02)


@pytest.mark.parametrize(
    "target", [{"type": "boolean", "required": True}, {"type": "integer", "required": True}]
)
def test_the_side_does_not_depend_on_the_type_in_which_the_target_came(make_task, target):
    metric = "accuracy" if target["type"] == "boolean" else "mae"
    families = {"decision_tree": {}}
    task = make_task({"a": {"type": "float"}}, y=target, metric=metric, candidates=families)
    whole = pd.DataFrame({"a": np.arange(50.0), "y": np.resize([0, 1], 50)})
    masks = [holdout_mask(whole.astype({"y": kind}), task) for kind in ("int64", "float64", "bool")]
    assert 0 < masks[0].sum() < 50
    np.testing.assert_array_equal(masks[0], masks[1])
    np.testing.assert_array_equal(masks[0], masks[2])


@pytest.mark.parametrize("rows", [2, 3, 5])
def test_a_class_of_few_rows_has_one_held_out_and_one_to_learn_from(make_task, rows):
    task = make_task({"a": {"type": "float"}}, split={"holdout": 0.01})
    few = pd.DataFrame({"a": np.arange(float(rows)), "y": ["p"] * rows})
    assert holdout_mask(few, task).sum() == 1


def test_the_only_row_of_a_class_is_learnt_from_unless_drawn(make_task):
    task = make_task({"a": {"type": "float"}}, split={"holdout": 0.0001})
    assert not holdout_mask(pd.DataFrame({"a": [1.0], "y": ["p"]}), task).any()


def test_a_column_of_the_source_can_say_what_is_held_out(make_task):
    task = make_task({"a": {"type": "float"}, "part": {"type": "text"}}, split={"column": "part"})
    rows = pd.DataFrame(
        {
            "a": [1.0, 2, 3, 4],
            "y": "p",
            "part": pd.Series(["test", "train", " TEST ", None], dtype="str"),
        }
    )
    assert holdout_mask(rows, task).tolist() == [True, False, True, False]


def priced(count, seed=0):
    """Most rows cost some thousands, every fiftieth a million."""
    draw = np.random.default_rng(seed)
    prices = np.where(np.arange(count) % 50 == 0, 1e6, 1e3) * draw.uniform(2.2, 4.6, count)
    return pd.DataFrame({"a": draw.normal(size=count), "y": prices})


@pytest.fixture
def price_task(make_task):
    return make_task(
        {"a": {"type": "float"}},
        y={"type": "float", "required": True},
        metric="rmse",
        candidates={"ridge": {}},
    )


@pytest.mark.parametrize("seed", range(8))
def test_a_band_of_prices_with_ten_rows_has_one_held_out(price_task, seed):
    rows = priced(500, seed)
    dear = rows["y"] > 1e6
    assert dear.sum() == 10
    assert holdout_mask(rows, price_task)[dear].any()


def test_a_row_with_a_price_stays_on_its_side_when_dearer_ones_arrive(price_task):
    rows = priced(2000)
    more = pd.concat([rows, priced(3000, seed=9).assign(y=lambda found: found["y"] * 20)])
    before, after = (holdout_mask(each, price_task) for each in (rows, more))
    np.testing.assert_array_equal(before, after[:2000])
    tenths = pd.qcut(rows["y"], 10, labels=False)
    shares = pd.Series(before).groupby(tenths.to_numpy()).mean()
    assert shares.between(0.1, 0.3).all()


def test_a_band_is_a_matter_of_the_value_alone():
    values = np.array([0.0, -0.0, 1.0, 2.0, 2.2, 9.9, 10.0, -5.0, 1e-300, 1e300])
    together = value_bands(values)
    alone = [value_bands(np.array([value]))[0] for value in values]
    assert together.tolist() == alone
    assert together[0] == together[1] == 0
    assert together[2] == together[3] != together[4]  # the border is at the cube root of 10
    assert len(set(together.tolist())) == 8
