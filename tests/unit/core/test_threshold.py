"""The threshold is the best by its rule, and the model itself applies it."""

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn import metrics as sk
from sklearn.linear_model import LogisticRegression

from rookery.core.candidates import Candidate, fit_candidate
from rookery.core.pipeline import build_pipeline
from rookery.core.sections import Threshold
from rookery.core.threshold import choose, with_threshold

RULES = {
    "f1": ({"maximize": "f1"}, sk.f1_score),
    "accuracy": ({"maximize": "accuracy"}, sk.accuracy_score),
    "balanced_accuracy": ({"maximize": "balanced_accuracy"}, sk.balanced_accuracy_score),
    "cost": (
        {"cost": {"false_positive": 1, "false_negative": 7}},
        lambda y, found: -((found & ~y).sum() + 7 * (y & ~found).sum()),
    ),
}


def rows(count=400):
    draw = np.random.default_rng(2)
    a = draw.normal(size=count)
    return pd.DataFrame({"a": a, "y": np.where(a + draw.normal(size=count) > 1, "q", "p")})


@pytest.fixture
def scored():
    frame = rows()
    draw = np.random.default_rng(8)
    scores = np.clip(0.3 * frame["a"] / 3 + 0.4 + draw.normal(0, 0.05, len(frame)), 0, 1).round(2)
    return (frame["y"] == "q").to_numpy(), scores.to_numpy()


@pytest.mark.parametrize("name", RULES)
def test_no_other_threshold_is_better_by_the_rule(scored, name):
    rule, gain = RULES[name]
    truth, scores = scored
    chosen = choose(Threshold.model_validate(rule), truth, scores)
    best = max(gain(truth, scores >= border) for border in np.unique(scores))
    assert gain(truth, scores >= chosen) == pytest.approx(best)
    assert chosen not in scores


def test_the_asked_recall_is_reached_with_the_fewest_false_alarms(scored):
    truth, scores = scored
    chosen = choose(Threshold(minimum_recall=0.9), truth, scores)
    assert sk.recall_score(truth, scores >= chosen) >= 0.9
    higher = scores[scores >= chosen].min() + 1e-9
    assert sk.recall_score(truth, scores >= higher) < 0.9


def test_rows_of_one_class_give_no_threshold():
    with pytest.raises(ValueError, match="one class"):
        choose(Threshold(maximize="f1"), np.array([True, True]), np.array([0.1, 0.2]))


@pytest.mark.parametrize("cross_validate", [False, True])
def test_a_candidate_answers_at_the_threshold_of_its_folds(make_task, cross_validate):
    task = make_task(
        {"a": {"type": "float", "required": True}},
        metric="f1",
        threshold={"cost": {"false_positive": 1, "false_negative": 20}},
    )
    train, holdout = rows(), rows(90)
    scored = fit_candidate(
        Candidate("mine", LogisticRegression()), task, train, holdout, cross_validate=cross_validate
    )
    chances = scored.pipeline.predict_proba(holdout[["a"]])[:, 1]
    assert scored.threshold is not None
    assert scored.threshold < 0.2
    expected = np.where(chances >= scored.threshold, "q", "p")
    assert scored.pipeline.predict(holdout[["a"]]).tolist() == expected.tolist()
    assert scored.metrics["holdout_recall"] == sk.recall_score(
        holdout["y"], expected, pos_label="q"
    )
    assert ("cv_f1" in scored.metrics) is cross_validate
    data = skops.io.dumps(scored.pipeline)
    assert skops.io.get_untrusted_types(data=data) == []
    assert skops.io.loads(data).predict(holdout[["a"]]).tolist() == expected.tolist()


def test_a_boolean_target_has_a_threshold_too(make_task):
    task = make_task(
        {"a": {"type": "float", "required": True}}, y={"type": "boolean", "required": True}
    )
    frame = rows().assign(y=lambda found: found["y"] == "q")
    model = with_threshold(build_pipeline(task, LogisticRegression()), 0.9, True)
    model.fit(frame[["a"]], frame["y"])
    sure = model.predict_proba(frame[["a"]])[:, 1] >= 0.9
    assert model.predict(frame[["a"]]).tolist() == sure.tolist()
    assert 0 < sure.sum() < len(frame)
