"""Expressions of workflow files, as GitHub evaluates those that ours use."""

import re

import pytest
from rehearsal.expressions import NotRehearsed, Open, Scope, evaluate, holds, interpolate


def scope(*, failed: bool = False) -> Scope:
    contexts = {
        "secrets": Open(TOKEN="s3cret"),
        "vars": Open(MODEL_NAME="flats"),
        "inputs": Open(),
        "needs": {"find": {"result": "success", "outputs": Open(version="3")}},
        "steps": {"python": {"outputs": Open({"python-version": "3.13.5"})}},
        "github": {"sha": "abc", "event_name": "push"},
    }
    functions = {
        "success": lambda: not failed,
        "failure": lambda: failed,
        "always": lambda: True,
        "hashFiles": lambda *patterns: "+".join(patterns),
    }
    return Scope(contexts, functions)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("secrets.TOKEN", "s3cret"),
        ("vars.MODEL_NAME || 'penguins'", "flats"),
        ("vars.NOT_SET || 'penguins'", "penguins"),
        ("secrets.NOT_SET && 'aci' || 'local'", "local"),
        ("secrets.TOKEN != '' && 'aci' || 'local'", "aci"),
        ("needs.find.outputs.version", "3"),
        ("needs.find.outputs.deployed != 'true'", True),
        ("steps.python.outputs.python-version", "3.13.5"),
        ("github.event_name == 'PUSH'", True),
        ("inputs.build-run-id == ''", True),
        ("!(github.sha == 'abc') || false", False),
        ("'it''s'", "it's"),
        ("startsWith('Deployed-3-abc', format('deployed-{0}-{1}', 3, github.sha))", True),
        ("startsWith('deployed-31', 'deployed-3-')", False),
        ("null == ''", True),
        ("'1' == 1", True),
        ("true && 0", 0),
        ("hashFiles('a', 'b')", "a+b"),
    ],
)
def test_the_value_is_the_one_that_github_documents(expression, value):
    assert evaluate(expression, scope()) == value


@pytest.mark.parametrize(
    ("expression", "named"),
    [
        ("needs.other.outputs.version", "'other'"),
        ("steps.x.outputs.y", "'x'"),
        ("github.token_of_another", "'token_of_another'"),
        ("matrix.python", "'matrix'"),
        ("fromJSON('{}')", "fromJSON()"),
        ("github.sha == ", "the end"),
        ("github.sha github.sha", "github.sha"),
        ("needs.find.outputs", "no text"),
        ("1 < 2", "'< 2'"),
        ("github['sha']", "\"['sha']\""),
    ],
)
def test_what_is_not_imitated_stops_with_its_name(expression, named):
    with pytest.raises(NotRehearsed, match=re.escape(named)) as error:
        interpolate(f"${{{{ {expression} }}}}", scope())
    assert expression.strip() in str(error.value)


def test_a_text_holds_several_expressions():
    assert interpolate("${{ vars.MODEL_NAME }}-${{github.sha}}!", scope()) == "flats-abc!"


@pytest.mark.parametrize(
    ("condition", "before", "runs"),
    [
        (None, "well", True),
        (None, "badly", False),
        ("always()", "badly", True),
        ("failure()", "badly", True),
        ("failure()", "well", False),
        ("vars.MODEL_NAME == 'flats'", "badly", False),
        ("${{ vars.MODEL_NAME == 'flats' }}", "well", True),
        ("!failure()", "well", True),
        ("false", "well", False),
    ],
)
def test_a_condition_that_asks_for_no_status_asks_for_success(condition, before, runs):
    assert holds(condition, scope(failed=before == "badly")) is runs
