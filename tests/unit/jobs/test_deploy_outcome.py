"""What is said, and how a command ends, where an image does not come to serve."""

import pytest

from rookery.errors import InputError, Interrupted, Refused, Unavailable
from rookery.jobs.deploy import deploy
from rookery.jobs.deploy.outcome import refused


@pytest.mark.parametrize(
    ("error", "returned", "kind"),
    [
        (Refused("it answers otherwise"), True, Refused),
        (Unavailable("it did not come up", field="IMAGE"), True, Refused),
        (Unavailable("no answer", field="predict"), True, Refused),
        (Unavailable("docker start: no space left", field="docker"), True, Unavailable),
        (Unavailable("Azure did not do it"), True, Unavailable),
        (Refused("it answers otherwise"), False, Unavailable),
        (Interrupted("stopped by SIGTERM"), True, Interrupted),
    ],
)
def test_the_image_is_at_fault_unless_something_outside_failed(error, returned, kind):
    found = refused(error, "penguins:2", "penguins:1 serves", "line 1\nline 2", returned=returned)
    assert type(found) is kind
    first, now, *log = found.message.splitlines()
    assert first.startswith("penguins:2 ")
    assert first.endswith(error.message)
    assert now == "  now: penguins:1 serves"
    assert log == ["  its log:", "  | line 1", "  | line 2"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"rollback": True, "image": "x:1"}, "--image does not go with --rollback"),
        ({"target": "aci", "image": "x:1", "port": 8080}, "--port does not go with --target aci"),
        ({"image": "x:1", "file": "group.yaml"}, "--file does not go with --target local"),
        ({"task": "Penguins", "image": "x:1"}, "'Penguins' is no name of a task"),
        ({"image": "--privileged"}, "'--privileged' is no name of an image"),
        ({"image": "x:1 --privileged"}, "is no name of an image"),
    ],
)
def test_wrong_usage_is_refused_before_anything_is_called(options, words, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))  # no engine's command
    with pytest.raises(InputError, match=words):
        deploy(**options)
