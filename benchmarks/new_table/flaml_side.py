"""FLAML as its guide shows it: a task, a metric, a budget."""
# mypy: disable-error-code="import-not-found"

import time

BEGAN = time.perf_counter()

import sys  # noqa: E402 - the clock comes first

import pandas as pd  # noqa: E402
from flaml import AutoML  # noqa: E402
from other_side import Answers, Ask, Handed, answer  # noqa: E402


def fit(handed: Handed) -> Ask:
    model = AutoML()
    model.fit(
        handed.train.drop(columns=handed.target),
        handed.train[handed.target],
        task="regression" if handed.positive is None else "classification",
        metric=handed.metric,
        time_budget=handed.seconds,
        n_jobs=handed.cores,
        seed=42,
        verbose=0,
    )
    print("best:", model.best_estimator, file=sys.stderr)

    def ask(rows: pd.DataFrame) -> Answers:
        said = model.predict(rows)
        if handed.positive is None:
            return said, None
        return said, model.predict_proba(rows)[:, list(model.classes_).index(handed.positive)]

    return ask


if __name__ == "__main__":
    answer(fit, BEGAN)
