"""The goals, and how many of them are met."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from measuring import table, verdict

Values = Mapping[str, float | None]  # None: it should have been measured, and could not be


@dataclass(frozen=True)
class Goal:
    text: str
    bound: float
    at_least: bool = True

    def is_met(self, value: float | None) -> bool:
        if value is None:
            return False
        return value >= self.bound if self.at_least else value <= self.bound

    def shown(self, value: float | None) -> str:
        if value is None:
            return "could not be measured: not met"
        return verdict(value, self.bound, at_least=self.at_least)


at_most = partial(Goal, at_least=False)

GOALS = {
    "lr64 mlflow": Goal("LogisticRegression, 64 connections, times mlflow", 80),
    "lr64 echo": Goal("LogisticRegression, 64 connections, of the echo", 0.60),
    "lr64 batching": Goal("LogisticRegression, 64 connections, times the best that batches", 8),
    "lr1 mlflow": Goal("LogisticRegression, 1 connection, times mlflow", 35),
    "lr1 echo": Goal("LogisticRegression, 1 connection, of the echo", 0.40),
    "rf64 mlflow": Goal("RandomForest(100), 64 connections, times mlflow", 120),
    "rf1 mlflow": Goal("RandomForest(100), 1 connection, times mlflow", 20),
    "uncompiled mlflow": Goal("a pipeline not compiled, 64 connections, times mlflow", 15),
    "batches 1000": Goal("1,000-row batches, rows/s, times mlflow", 4),
    "batches 10000": Goal("10,000-row batches, rows/s, times mlflow", 1.5),
    "open failures": at_most("500 requests/s beside a sweep, failures", 0),
    "swaps p99": at_most("p99 during swaps, times that without", 2),
    "start mlflow": at_most("restart with a warm cache to the first answer, of mlflow", 0.2),
    "memory mlflow": at_most("memory after load, of mlflow", 0.4),
}


def show(values: Values, chosen: Sequence[str]) -> None:
    """Prints every goal of the chosen sections; the last line says how many are met."""
    asked = {key: goal for key, goal in GOALS.items() if key.split()[0] in chosen}
    shown = [[goal.text, goal.shown(values.get(key))] for key, goal in asked.items()]
    table("Goals", ["goal", "measured"], shown)
    met = sum(goal.is_met(values.get(key)) for key, goal in asked.items())
    left = len(GOALS) - len(asked)
    print(f"\n{met} of {len(asked)} goals are met{f'; {left} not asked for' if left else ''}.")
