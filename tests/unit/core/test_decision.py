"""When a batch is a reason to train again, and what is said of it."""

import pytest

from rookery.core.decision import Evidence, decide
from rookery.core.sections import Drift, Retrain

WITHOUT_DRIFT = Retrain(drift=None)
SIX = [73_784, 94_551, 230_366, 4_055, 320_696, 361_457]


def test_the_six_batches_of_houses_are_decided_by_the_share_of_unseen_rows():
    rows = seen = 0
    found = []
    for batch in SIX:
        rows += batch
        decision = decide(WITHOUT_DRIFT, Evidence(rows, rows - seen, trained=seen > 0))
        seen = rows if decision.train else seen
        found.append((decision.train, round(100 * decision.unseen_share, 2)))
    assert found == [
        (True, 100.0),
        (False, 56.17),
        (True, 81.49),
        (False, 1.01),
        (False, 44.89),
        (True, 63.25),
    ]


def test_the_threshold_itself_is_enough():
    assert decide(Retrain(unseen=0.25), Evidence(100, 25, trained=True)).train
    assert not decide(Retrain(unseen=0.25), Evidence(100, 24, trained=True)).train


def test_the_first_model_needs_no_share():
    decision = decide(Retrain(unseen=1.0), Evidence(100, 100, trained=False))
    assert decision.train
    assert "no version was trained on batches yet" in decision.reason


def test_drift_is_a_reason_of_its_own_and_is_told():
    decision = decide(Retrain(), Evidence(100, 20, trained=True, drift=["price: moved"]))
    assert decision.train
    assert decision.reason == ("20.00% of 100 rows are unseen, below 60%; drift: price: moved")


def test_drift_in_a_handful_of_rows_is_told_and_decides_nothing():
    rule = Retrain(drift=Drift(volume=0.05))
    decision = decide(rule, Evidence(1000, 49, trained=True, drift=["state: new"]))
    assert not decision.train
    assert "left aside in so few rows: state: new" in decision.reason
    assert decide(rule, Evidence(1000, 50, trained=True, drift=["state: new"])).train


def test_drift_that_is_switched_off_decides_nothing():
    assert not decide(WITHOUT_DRIFT, Evidence(100, 20, trained=True, drift=["x: moved"])).train


@pytest.mark.parametrize("trained", [True, False])
def test_without_an_unseen_row_there_is_nothing_to_learn(trained):
    assert not decide(Retrain(unseen=0.0), Evidence(100, 0, trained=trained, drift=["x"])).train
