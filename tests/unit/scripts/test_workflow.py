"""Workflow files as jobs in the order of their needs, and refused where they say more."""

from pathlib import Path

import pytest
from rehearsal.expressions import NotRehearsed
from rehearsal.workflow import read_workflow

JOBS = """\
name: x
on: push
jobs:
  last:
    needs: [second, first]
    runs-on: ubuntu-24.04
    steps: [{run: make last}]
  second:
    needs: first
    runs-on: ubuntu-24.04
    steps: [{run: make second}]
  first:
    runs-on: ubuntu-24.04
    steps:
      - &same {name: Again, run: make first}
      - *same
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "x.yml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_job_comes_after_those_that_it_needs(tmp_path):
    workflow = read_workflow(written(tmp_path, JOBS))
    assert [[job.id for job in turn] for turn in workflow.in_turns()] == [
        ["first"],
        ["second"],
        ["last"],
    ]
    assert [step.run for step in workflow.jobs["first"].steps] == ["make first"] * 2


def test_jobs_that_need_each_other_are_named(tmp_path):
    text = JOBS.replace("  first:\n", "  first:\n    needs: last\n")
    with pytest.raises(NotRehearsed, match=r"last, second, first wait for each other"):
        list(read_workflow(written(tmp_path, text)).in_turns())


def test_a_job_that_is_not_there_is_named(tmp_path):
    text = JOBS.replace("needs: first", "needs: other")
    with pytest.raises(NotRehearsed, match="there is no job other"):
        list(read_workflow(written(tmp_path, text)).in_turns())


@pytest.mark.parametrize(
    "key",
    [
        "services: {db: {image: postgres}}",
        "container: debian",
        "strategy: {matrix: {python: [1]}}",
        "uses: ./other.yml",
    ],
)
def test_a_key_that_is_not_imitated_is_refused_with_file_and_line(tmp_path, key):
    text = JOBS.replace("  first:\n", f"  first:\n    {key}\n")
    with pytest.raises(NotRehearsed, match=rf"x.yml:13: `{key.partition(':')[0]}`"):
        read_workflow(written(tmp_path, text))


def test_continue_on_error_of_a_step_is_refused(tmp_path):
    text = JOBS.replace("run: make first}", "run: make first, continue-on-error: true}")
    with pytest.raises(NotRehearsed, match="continue-on-error"):
        read_workflow(written(tmp_path, text))
