"""What trains is what serves: the locks agree, and a model made with other versions is refused."""

import re
from pathlib import Path

import pytest

from rookery.errors import Refused
from rookery.stores.models import BOOSTERS, libraries
from rookery.stores.serving_versions import require_serving_versions, serving_versions

ROOT = Path(__file__).parents[3]
LOCKS = (
    "requirements/local.txt",
    "requirements/dev.txt",
    "fastapi/requirements.txt",
    "jupyter/requirements.txt",
    "mlflow/requirements.txt",
)
PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^ ]+)", re.MULTILINE)


def pins(lock):
    """Every version by library; a library that differs between Pythons has several."""
    found = {}
    for name, version in PIN.findall((ROOT / lock).read_text(encoding="utf-8")):
        found.setdefault(name, set()).add(version)
    return found


@pytest.mark.parametrize("lock", [lock for lock in LOCKS if lock != "mlflow/requirements.txt"])
def test_every_lock_that_trains_or_serves_has_the_versions_of_the_api(lock):
    found = pins(lock)
    found.setdefault("mlflow", found["mlflow-skinny"])
    assert {name: found[name] for name in serving_versions()} == {
        name: {version} for name, version in serving_versions().items()
    }


@pytest.mark.parametrize("lock", LOCKS)
def test_a_library_that_two_locks_share_has_one_version(lock):
    ours, first = pins(lock), pins("requirements/local.txt")
    assert {n: v for n, v in ours.items() if n in first} == {
        n: first[n] for n in ours if n in first
    }


def test_the_list_names_the_libraries_that_a_model_pins():
    some_pin = {name for names in BOOSTERS.values() for name in names}
    assert set(serving_versions()) - some_pin == set(libraries())


def test_a_model_of_the_same_libraries_passes():
    require_serving_versions("version 1", serving_versions())


def test_a_library_that_a_model_does_not_pin_is_not_compared():
    require_serving_versions("version 1", {})


def test_a_model_of_another_version_is_refused_with_both_versions():
    other = serving_versions() | {"scikit-learn": "1.8.0"}
    with pytest.raises(Refused) as refused:
        require_serving_versions("version 3", other)
    assert "version 3 was made with other libraries" in refused.value.message
    assert f"scikit-learn 1.8.0 (the API has {serving_versions()['scikit-learn']})" in (
        refused.value.message
    )
    assert refused.value.value == {"scikit-learn": "1.8.0"}
