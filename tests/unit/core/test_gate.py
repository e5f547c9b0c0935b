"""What the gate lets through, and how it says by how much something is lacking."""

import pytest

from rookery.core.gate import judge

nan = float("nan")


@pytest.fixture(scope="module")
def gated(make_task):
    def made(metric="accuracy", **gate):
        regressor = metric == "rmse"
        target = {"type": "float" if regressor else "boolean", "required": True}
        families = {"decision_tree": {}}
        return make_task(
            {"a": {"type": "float"}}, y=target, metric=metric, gate=gate, candidates=families
        )

    return made


CASES = [
    # gate, metrics, production, passed, reason
    ({}, {"accuracy": 0.5}, None, True, "accuracy 0.5000, first to be promoted"),
    ({}, {"accuracy": 0.9}, {"accuracy": 0.9}, True, "production has 0.9000 on the same rows"),
    (
        {},
        {"accuracy": 0.8},
        {"accuracy": 0.9},
        False,
        "accuracy 0.8000 is worse than production's 0.9000 by 0.1000 on the same hold-out rows",
    ),
    ({"tolerance": 0.1}, {"accuracy": 0.8}, {"accuracy": 0.9}, True, "0.8000"),
    ({"tolerance": 0.1}, {"accuracy": 0.7}, {"accuracy": 0.9}, False, "(tolerance 0.1)"),
    ({"not_worse_than_production": False}, {"accuracy": 0.1}, {"accuracy": 0.9}, True, "0.9000"),
    ({"minimum": {"accuracy": 0.9}}, {"accuracy": 0.9}, None, True, "0.9000"),
    (
        {"minimum": {"accuracy": 0.9}},
        {"accuracy": 0.85},
        None,
        False,
        "accuracy 0.8500 misses the gate's 0.9 by 0.0500",
    ),
    (
        {"minimum": {"log_loss": 0.3}},
        {"accuracy": 1.0, "log_loss": 0.4},
        None,
        False,
        "log_loss 0.4000 misses the gate's 0.3 by 0.1000",
    ),
    ({"minimum": {"log_loss": 0.3}}, {"accuracy": 0.1, "log_loss": 0.2}, None, True, "0.1000"),
    (
        {"minimum": {"roc_auc": 0.9}},
        {"accuracy": 1.0},
        None,
        False,
        "roc_auc could not be measured; the gate asks for 0.9",
    ),
    ({"minimum": {"accuracy": 0.9}}, {"accuracy": nan}, None, False, "misses the gate's 0.9"),
    ({}, {"accuracy": nan}, {"accuracy": 0.9}, False, "worse than production's"),
    ({}, {}, {"accuracy": 0.9}, False, "accuracy could not be measured"),
    ({}, {"accuracy": 0.9}, {}, True, "accuracy 0.9000"),
    (
        {"minimum": {"accuracy": 0.9, "f1_macro": 0.9}},
        {"accuracy": 0.5, "f1_macro": 0.5},
        {"accuracy": 0.6},
        False,
        "; f1_macro 0.5000 misses the gate's 0.9 by 0.4000; accuracy 0.5",
    ),
]


@pytest.mark.parametrize(("gate", "metrics", "production", "passed", "reason"), CASES)
def test_the_gate_judges_with_its_numbers(gated, gate, metrics, production, passed, reason):
    verdict = judge(gated(**gate), metrics, production)
    assert verdict.passed is passed
    assert reason in verdict.reason


@pytest.mark.parametrize(("mine", "passed"), [(9.0, True), (10.0, True), (10.1, False)])
def test_an_error_may_not_grow(gated, mine, passed):
    assert judge(gated("rmse"), {"rmse": mine}, {"rmse": 10.0}).passed is passed


def test_a_difference_of_rounding_is_none(gated):
    assert judge(gated(), {"accuracy": 0.3}, {"accuracy": 0.1 + 0.2}).passed
