"""Flats whose price is known, and pipelines that learnt it well or badly."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression

from rookery.core.checks import Asked, Result, ask, declared, run
from rookery.core.pipeline import build_pipeline
from rookery.core.task import Task

COLUMNS = {
    "area": {"type": "float", "unit": "m²", "range": [20, 220]},
    "rooms": {"type": "integer", "required": True},
    "district": {"type": "category", "values": ["north", "centre", "south"], "required": True},
    "lift": {"type": "boolean", "required": True},
    "agent": {"type": "text"},
}
PRICE = {"type": "float", "unit": "EUR", "required": True}


@pytest.fixture(scope="session")
def flats() -> pd.DataFrame:
    """600 flats: 10 EUR a square metre more, 200 more in the centre, whatever the lift."""
    draw = np.random.default_rng(5)
    area = draw.uniform(20, 200, 600).round(1)
    district = draw.choice(["north", "centre", "south"], 600, p=[0.5, 0.4, 0.1])
    price = 10 * area + 200 * (district == "centre") + draw.normal(0, 20, 600)
    return pd.DataFrame(
        {
            "area": area,
            "rooms": (area // 25).astype("int64") + 1,
            "district": pd.Series(district, dtype="str"),
            "lift": draw.random(600) < 0.5,
            "agent": pd.Series([f"agent {n % 7}" for n in range(600)], dtype="str"),
            "y": price,
        }
    )


@pytest.fixture(scope="session")
def dear(flats) -> pd.DataFrame:
    """The same flats, of which a fifth is dear: the class q."""
    dear = flats["y"] > flats["y"].quantile(0.8)
    return flats.assign(y=pd.Series(np.where(dear, "q", "p"), dtype="str"))


@pytest.fixture(scope="session")
def priced(make_task) -> Callable[..., Task]:
    """The task of their prices, with these checks."""

    def made(**checks: Any) -> Task:
        return make_task(
            COLUMNS, y=PRICE, metric="mae", candidates={"linear_regression": {}}, checks=checks
        )

    return made


@pytest.fixture(scope="session")
def classed(make_task) -> Callable[..., Task]:
    """The task of which are dear, with these checks."""
    return lambda **checks: make_task(COLUMNS, checks=checks)


@pytest.fixture(scope="session")
def asked_of(flats, dear) -> Callable[..., Asked]:
    """A model and its answers; unless one is given, it learnt every row as the task says."""

    def made(task: Task, model: Any = None, rows: pd.DataFrame | None = None) -> Asked:
        learnt = dear if task.labels else flats
        usual = RandomForestClassifier(20, random_state=0) if task.labels else LinearRegression()
        model = build_pipeline(task, usual if model is None else model)
        model.fit(learnt[task.inputs], learnt["y"])
        return ask(task, model, task.inputs, learnt if rows is None else rows)

    return made


@pytest.fixture(scope="session")
def only(asked_of) -> Callable[..., Result]:
    """What the one check of a task finds, `packaging` aside."""

    def found(task: Task, model: Any = None, rows: pd.DataFrame | None = None) -> Result:
        (check,) = declared(task, packed=False)
        return run(check, asked_of(task, model, rows))

    return found
