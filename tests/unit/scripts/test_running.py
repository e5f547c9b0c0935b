"""Workflows run on this machine: what steps and jobs hand on, and what stops them."""

import subprocess
import time
from pathlib import Path

import psutil
import pytest
from rehearsal.expressions import NotRehearsed
from rehearsal.running import Outcome, run_workflow
from rehearsal.workflow import read_workflow
from rehearsal.world import Event, World

HEAD = """\
name: x
on: {push: {}, workflow_dispatch: {}}
env:
  TASK: ${{ vars.MODEL_NAME || 'penguins' }}
jobs:
"""


@pytest.fixture
def origin(tmp_path) -> Path:
    folder = tmp_path / "origin"
    folder.mkdir()
    (folder / "file.txt").write_text("committed\n", encoding="utf-8")
    author = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    for command in (("init", "-q"), ("add", "."), (*author, "commit", "-qm", "first")):
        subprocess.run(["git", *command], cwd=folder, check=True)
    (folder / "file.txt").write_text("not committed\n", encoding="utf-8")
    return folder


@pytest.fixture
def world(tmp_path, origin) -> World:
    secrets = {"ACR_PASSWORD": "hush-hush"}
    return World(tmp_path / "root", origin, secrets, {"MODEL_NAME": "flats"})


def run(world: World, jobs: str, run_id: str = "1") -> tuple[Outcome, str]:
    world.root.mkdir(exist_ok=True)
    (world.root / "x.yml").write_text(HEAD + jobs, encoding="utf-8")
    sha = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=world.origin, capture_output=True, text=True, check=True
    ).stdout.strip()
    said: list[str] = []
    workflow = read_workflow(world.root / "x.yml")
    outcome = run_workflow(world, workflow, Event("push", sha), run_id, said.append)
    return outcome, "\n".join(said)


def test_outputs_environment_paths_and_summary_go_where_github_takes_them(world):
    outcome, said = run(
        world,
        r"""
  first:
    outputs: {number: "${{ steps.made.outputs.number }}"}
    steps:
      - uses: actions/checkout@v7
      - run: |
          cat file.txt
          install -D /bin/true bin/ours
          printf '#!/bin/sh\necho found' >bin/ours
      - id: made
        run: |
          echo number=4 >>"$GITHUB_OUTPUT"
          printf 'TEXT<<END\ntwo\nlines\nEND\n' >>"$GITHUB_ENV"
          echo "$PWD/bin" >>"$GITHUB_PATH"
          echo "# A table" >>"$GITHUB_STEP_SUMMARY"
      - run: ours && echo "$TEXT of $TASK at ${GITHUB_SHA:0:4}" && echo $KEY
        env: {KEY: "${{ secrets.ACR_PASSWORD }}"}
  second:
    needs: first
    steps:
      - run: test ! -e file.txt && echo "got $NUMBER"
        env: {NUMBER: "${{ needs.first.outputs.number }}"}
""",
    )
    assert outcome.results == {"first": "success", "second": "success"}
    shown = [step.output for step in outcome.steps]
    assert shown[1] == "committed"
    assert shown[3].startswith("found\ntwo\nlines of flats at ")
    assert shown[3].endswith("***")
    assert "hush-hush" not in said
    assert shown[4] == "got 4"
    assert [step.summary for step in outcome.steps if step.summary] == ["# A table\n"]


def test_after_a_failure_only_what_asks_for_it_runs_and_jobs_that_need_it_are_skipped(world):
    outcome, _ = run(
        world,
        """
  first:
    steps:
      - {name: pipe, shell: bash, run: exit 3 | cat}
      - {name: next, run: echo next}
      - {name: mourn, if: failure(), run: echo failed}
      - {name: always, if: always(), run: echo always}
  second:
    needs: first
    steps: [{run: echo second}]
  third:
    needs: [first, second]
    if: always() && needs.first.result == 'failure'
    steps: [{run: echo third}]
""",
    )
    assert outcome.results == {"first": "failure", "second": "skipped", "third": "success"}
    named = {step.name: step.outcome for step in outcome.steps}
    assert named["pipe"] == "failure"
    assert outcome.failure is not None
    assert outcome.failure.code == 3
    assert (named["next"], named["mourn"], named["always"]) == ("skipped", "success", "success")


def test_an_artifact_goes_from_job_to_job_and_a_cache_from_run_to_run(world):
    jobs = """
  first:
    steps:
      - id: kept
        uses: actions/cache@v5
        with: {path: kept, key: "one-${{ hashFiles('*.lock') }}"}
      - run: test "$HIT" = true || (mkdir kept && echo made >kept/made)
        env: {HIT: "${{ steps.kept.outputs.cache-hit }}"}
      - run: mkdir -p data/in .hidden && cp kept/made data/in/a.csv && touch data/.secret
      - uses: actions/upload-artifact@v7
        with: {name: rows, path: data, if-no-files-found: error}
      - uses: actions/upload-artifact@v7
        with: {name: alone, path: "data/in/*.csv"}
  second:
    needs: first
    steps:
      - uses: actions/download-artifact@v8
        with: {name: rows, path: got}
      - uses: actions/download-artifact@v8
        with: {name: alone}
      - run: cat got/in/a.csv a.csv && test ! -e got/.secret
"""
    for run_id, hit in (("1", "nothing by the key one-"), ("2", "found by the key one-")):
        outcome, said = run(world, jobs, run_id)
        assert outcome.passed, said
        assert outcome.steps[-1].output == "made\nmade"
        assert hit in said


def test_jobs_that_wait_for_no_other_run_side_by_side_each_in_a_place_of_its_own(world, tmp_path):
    meet = "touch {mine}; for n in $(seq 200); do [ -e {other} ] && exit; sleep 0.05; done; exit 1"
    one, two = tmp_path / "one", tmp_path / "two"
    outcome, said = run(
        world,
        f"""
  one:
    steps:
      - run: {meet.format(mine=one, other=two)}
      - run: "pwd > {one}"
  two:
    steps:
      - run: {meet.format(mine=two, other=one)}
      - run: "pwd > {two}; exit 3"
  last:
    needs: [one]
    steps: [{{run: "true"}}]
  never:
    needs: [one, two]
    steps: [{{run: "true"}}]
""",
    )
    expected = {"one": "success", "two": "failure", "last": "success", "never": "skipped"}
    assert outcome.results == expected
    assert one.read_text() != two.read_text()
    assert "two |    [ended with 3, " in said
    assert [step.job for step in outcome.steps] == ["one", "one", "two", "two", "last"]


def test_what_cannot_be_rehearsed_ends_what_runs_beside_it(world):
    began = time.monotonic()
    with pytest.raises(NotRehearsed, match="strange"):
        run(
            world,
            """
  one: {steps: [{run: sleep 60}, {run: sleep 60}]}
  two: {steps: [{run: sleep 0.5}, {run: "${{ strange.value }}"}]}
""",
        )
    assert time.monotonic() - began < 30


def test_what_a_job_left_running_ends_with_it(world):
    outcome, _ = run(
        world, "  one:\n    steps:\n      - run: sleep 600 >/dev/null 2>&1 & echo $!\n"
    )
    left = int(outcome.steps[0].output)
    deadline = time.monotonic() + 20
    while psutil.pid_exists(left) and psutil.Process(left).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_step_is_killed_when_its_time_is_over(world):
    step = "      - {timeout-minutes: 0.005, run: sleep 600}\n"
    outcome, said = run(world, f"  one:\n    steps:\n{step}")
    assert outcome.results == {"one": "failure"}
    assert "because its time was over" in said


@pytest.mark.parametrize(
    ("step", "named"),
    [
        ("{run: 'echo ${{ steps.other.outputs.x }}'}", r"x.yml:8: \$\{\{ steps.other.outputs.x"),
        ("{run: 'true', shell: pwsh}", "x.yml:8: the shell 'pwsh'"),
        ("{uses: actions/checkout@v7, with: {repository: a/b}}", "x.yml:8: .*`repository`"),
        ("{run: 'echo x >>$GITHUB_ENV'}", "x.yml:8: 'x' is no"),
        ("{if: cancelled() && matrix.x, run: 'true'}", "x.yml:8: if: .*'matrix'"),
    ],
)
def test_what_is_not_imitated_stops_with_file_and_line(world, step, named):
    with pytest.raises(NotRehearsed, match=named):
        run(world, f"  one:\n    steps:\n      - {step}\n")


def test_an_action_that_is_not_imitated_is_said_and_passed_over(world):
    step = "      - {uses: docker/setup-qemu-action@v4}\n      - {run: echo on}\n"
    outcome, said = run(world, f"  one:\n    steps:\n{step}")
    assert [step.outcome for step in outcome.steps] == ["not rehearsed", "success"]
    assert "not rehearsed: docker/setup-qemu-action" in said


def test_an_event_that_does_not_start_the_workflow_is_refused(world):
    (world.root).mkdir()
    (world.root / "x.yml").write_text(HEAD + "  one: {steps: [{run: 'true'}]}\n", encoding="utf-8")
    workflow = read_workflow(world.root / "x.yml")
    with pytest.raises(NotRehearsed, match="not started by schedule"):
        run_workflow(world, workflow, Event("schedule", "0" * 40), "1", print)


def test_the_newest_cache_is_found_by_how_its_key_begins(world):
    jobs = """
  one:
    steps:
      - id: last
        uses: actions/cache/restore@v5
        with: {path: kept, key: nobodys, restore-keys: done-, lookup-only: true}
      - run: echo "$LAST" >kept && cat kept
        env: {LAST: "${{ steps.last.outputs.cache-matched-key }}"}
      - uses: actions/cache/save@v5
        with: {path: kept, key: "done-${{ github.run_id }}-${{ github.run_attempt }}"}
"""
    found = [run(world, jobs, run_id)[0].steps[1].output for run_id in ("3", "4", "1")]
    assert found == ["", "done-3-1", "done-4-1"]
