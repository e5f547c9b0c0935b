"""The metrics of a bootstrap are those of scikit-learn, on the rows as often as they were drawn."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rookery.core.comparison import metrics_of
from rookery.core.resampling import Answers, resamples, statistic


def classified(seed: int, rows: int = 40, labels: int = 3) -> Answers:
    """Answers with ties among the scores, and a last class that need not occur."""
    draw = np.random.default_rng(seed)
    scores = draw.integers(1, 6, size=(rows, labels)).astype(float)
    scores /= scores.sum(axis=1, keepdims=True)
    truth = draw.integers(max(1, labels - seed % 2), size=rows)
    return Answers(truth, scores.argmax(axis=1), scores, labels)


def estimated(seed: int, rows: int = 40) -> Answers:
    draw = np.random.default_rng(seed)
    truth = draw.normal(1e6, 10, size=rows).round(1)
    return Answers(truth, truth + draw.normal(0, 5, size=rows).round(1))


def of_two(seed: int) -> Answers:
    return classified(seed, labels=2)


def of_many_rows(seed: int) -> Answers:
    return estimated(seed, rows=2000 + seed % 2)


@pytest.mark.parametrize("make", [classified, of_two, estimated, of_many_rows])
@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000))
def test_a_resampled_metric_is_the_metric_of_the_rows_drawn(make, seed):
    answers = make(seed)
    (counts,) = resamples(len(answers), 5, seed)
    found = {name: statistic(name, answers)(counts) for name in metrics_of(answers)}
    for place, sample in enumerate(counts.astype(int)):
        drawn = metrics_of(answers.among(np.repeat(np.arange(len(answers)), sample)))
        for name, value in drawn.items():
            assert found[name][place] == pytest.approx(value, rel=1e-9, abs=1e-12), name


def test_each_sample_draws_as_many_rows_as_there_are_and_all_samples_come():
    parts = list(resamples(1_500_000, 3, seed=1))
    assert [part.shape for part in parts] == [(1, 1_500_000)] * 3
    assert all(part.sum() == 1_500_000 for part in parts)
    # of a row's chances, 1 in e is never to be drawn
    assert (parts[0] == 0).mean() == pytest.approx(np.exp(-1), abs=0.01)


def test_the_same_seed_draws_the_same_rows():
    first, second, other = (next(resamples(50, 10, seed)) for seed in (1, 1, 2))
    assert (first == second).all()
    assert (first != other).any()


def test_what_needs_probabilities_is_left_out_without_them():
    answers = Answers(np.array([0, 1]), np.array([0, 1]), None, 2)
    assert statistic("roc_auc", answers) is None
    assert statistic("log_loss", answers) is None
    assert statistic("rmse", answers) is None
    assert statistic("accuracy", answers) is not None


def test_roc_auc_of_a_sample_of_one_class_is_not_defined():
    answers = Answers(np.array([0, 1]), np.array([0, 1]), np.array([[0.9, 0.1], [0.2, 0.8]]), 2)
    found = statistic("roc_auc", answers)(np.array([[2.0, 0.0], [1.0, 1.0]]))
    assert np.isnan(found[0])
    assert found[1] == 1.0
