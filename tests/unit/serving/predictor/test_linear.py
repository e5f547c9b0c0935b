"""A row has the product that it has alone, whatever arrives beside it and however numbers lie."""

import copy

import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression

from rookery.serving.predictor.linear import read
from rookery.serving.predictor.model import Linked

X, Y = make_classification(500, 30, n_classes=3, n_informative=9, random_state=0)


@pytest.fixture(scope="module")
def fitted():
    return LogisticRegression(max_iter=1000).fit(X, Y)


@pytest.mark.parametrize("rows", ["C", "F"])
@pytest.mark.parametrize("coefficients", ["C", "F"])
def test_a_row_among_others_has_its_own_product_to_the_last_bit(fitted, coefficients, rows):
    estimator = copy.copy(fitted)
    estimator.coef_ = np.asarray(fitted.coef_, order=coefficients)
    found = read(estimator)
    assert isinstance(found, Linked)
    together = found.model.raw(np.asarray(X, order=rows))
    assert np.array_equal(together, [found.model.raw(row[np.newaxis])[0] for row in X])
    assert np.array_equal(together, [estimator.decision_function([row])[0] for row in X])
