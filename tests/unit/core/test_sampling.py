"""Folds and samples of rows with a price keep the shares of cheap and dear."""

import numpy as np
import pandas as pd
import pytest

from rookery.core.sampling import folds, sample, strata

PRICED = {"y": {"type": "float", "required": True}, "metric": "rmse", "candidates": {"ridge": {}}}


@pytest.fixture
def priced(make_task):
    return make_task({"a": {"type": "float"}}, **PRICED)


def prices(count):
    """A few rows cost a thousand times what most do."""
    return pd.Series(np.exp(np.random.default_rng(5).normal(12, 1.5, count)))


def test_every_fold_has_the_tenths_of_the_target_in_equal_shares(priced):
    y = prices(2000)
    tenths = pd.qcut(y, 10, labels=False)
    for _, test in folds(priced, y):
        assert np.bincount(tenths.iloc[test], minlength=10).tolist() == [40] * 10


@pytest.mark.parametrize("count", [2, 3, 7, 11, 23, 84])
def test_few_rows_with_a_price_have_folds_too(priced, count):
    y = prices(count)
    found = folds(priced, y)
    assert 2 <= len(found) <= 5
    assert sorted(row for _, test in found for row in test) == list(range(count))


def test_equal_prices_are_no_obstacle(priced):
    assert np.bincount(strata(priced, pd.Series([5.0] * 50), 5)).tolist() == [5] * 10


@pytest.mark.parametrize("most", [1, 2, 9, 50, 1999])
def test_a_sample_of_rows_with_a_price_has_as_many_of_each_tenth(priced, most):
    y = prices(2000)
    drawn = sample(pd.DataFrame({"a": 0.0, "y": y}), priced, most)
    assert len(drawn) == most
    counts = np.bincount(pd.qcut(y, 10, labels=False).loc[drawn.index], minlength=10)
    assert counts.max() - counts.min() <= max(1, -(-10 // most))
