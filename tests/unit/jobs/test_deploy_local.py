"""What serves after a deployment that fails halfway, by an engine of names and states alone."""

from dataclasses import replace

import pytest

from rookery.errors import Refused, Unavailable
from rookery.jobs.deploy import local
from rookery.jobs.deploy.containers import Names, recover
from rookery.jobs.image_check import ImageCheck
from rookery.stores import engine
from rookery.stores.engine import State

NAMES = Names("penguins")
RUNS = State(running=True, exit_code=0, port=8000, image="sha256:1")
ENDED = replace(RUNS, running=False)


@pytest.fixture
def containers(monkeypatch):
    """The containers by name; the engine's commands change nothing else."""
    known: dict[str, State] = {}

    def rename(container, name):
        known[name] = known.pop(container)

    def start(container):
        known[container] = replace(known[container], running=True)

    def stop(container):
        known[container] = replace(known[container], running=False)

    monkeypatch.setattr(engine, "state", known.get)
    monkeypatch.setattr(engine, "rename", rename)
    monkeypatch.setattr(engine, "start", start)
    monkeypatch.setattr(engine, "stop", stop)
    monkeypatch.setattr(engine, "remove", lambda container: known.pop(container, None))
    return known


def test_a_first_deployment_that_was_killed_does_not_serve_untested(containers):
    containers[NAMES.new] = RUNS
    recover(NAMES)
    assert containers == {}


def test_a_deployment_that_was_killed_when_it_had_its_place_serves(containers):
    containers.update({NAMES.new: RUNS, NAMES.before: ENDED})
    recover(NAMES)
    assert containers == {NAMES.now: RUNS, NAMES.before: ENDED}


@pytest.mark.parametrize("broken", ["logs", "remove"])
def test_the_one_before_serves_again_also_where_the_engine_fails_on_the_way(
    containers, monkeypatch, broken
):
    containers.update({NAMES.now: RUNS, NAMES.new: ENDED})

    def fails(_):
        raise Unavailable("docker: no answer within 60 s")

    def wrong(*_):
        if not containers[NAMES.now].running:
            raise Refused("it answers otherwise")

    monkeypatch.setattr(engine, "logs", lambda _: "its last line")
    monkeypatch.setattr(engine, broken, fails)
    monkeypatch.setattr(local, "_create", lambda *_: None)
    monkeypatch.setattr(local, "examples_in", lambda *_: None)
    monkeypatch.setattr(local, "require_answers", wrong)
    checked = ImageCheck("penguins:2", "sha256:2", "penguins", "2", 1, 1, 0.1)
    wish = local.Wish(NAMES, "penguins:2", checked, 8000, {}, 1, 0)
    with pytest.raises(Refused, match=r"serves at http://localhost:.*, put back"):
        local._switch(wish, replace(RUNS, labels={"rookery.deployment.port": "8000"}))
    assert containers[NAMES.now].running
