"""AutoGluon as its guide shows it: a label, a metric, a time limit."""
# mypy: disable-error-code="import-not-found"

import time

BEGAN = time.perf_counter()

import sys  # noqa: E402 - the clock comes first

import pandas as pd  # noqa: E402
from autogluon.tabular import TabularPredictor  # noqa: E402
from other_side import Answers, Ask, Handed, answer  # noqa: E402

METRICS = {"rmse": "root_mean_squared_error"}


def fit(handed: Handed) -> Ask:
    model = TabularPredictor(
        label=handed.target,
        problem_type="regression" if handed.positive is None else "binary",
        eval_metric=METRICS.get(handed.metric, handed.metric),
        path=str(handed.folder / "autogluon"),
        verbosity=0,
    )
    model.fit(handed.train, time_limit=handed.seconds, num_cpus=handed.cores)
    print("best:", model.model_best, file=sys.stderr)

    def ask(rows: pd.DataFrame) -> Answers:
        said = model.predict(rows)
        if handed.positive is None:
            return said, None
        return said, model.predict_proba(rows)[handed.positive]

    return ask


if __name__ == "__main__":
    answer(fit, BEGAN)
