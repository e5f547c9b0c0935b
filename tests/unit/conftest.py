"""Hypothesis and numpy draw the same everywhere, and no test depends on the clock."""

import numpy as np
import pytest
from hypothesis import settings

settings.register_profile("repeatable", deadline=None, derandomize=True, database=None)
settings.load_profile("repeatable")


@pytest.fixture(autouse=True)
def same_draws() -> None:
    """What an estimator without a `random_state` draws from."""
    np.random.seed(0)
