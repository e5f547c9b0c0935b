"""A look at the registry must not bring what only the loading of a version needs."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("imported", "there"), [("import_registry", False), ("import_loading", True)]
)
def test_only_the_loading_of_a_version_imports_scikit_learn(imported: str, there: bool) -> None:
    code = f"import sys; from rookery.serving.importing import {imported}; {imported}()"
    shown = [sys.executable, "-c", f"{code}; print(*sys.modules)"]
    modules = subprocess.run(shown, capture_output=True, check=True).stdout.split()
    assert b"mlflow" in modules
    assert (b"sklearn" in modules) is there


def test_the_collector_waits_for_the_end_of_the_imports_and_sets_them_apart() -> None:
    code = """
import gc
from rookery.serving.importing import import_loading
count = lambda: sum(one["collections"] for one in gc.get_stats())
before = count()
import_loading()
print(count() - before, gc.isenabled(), gc.get_freeze_count() > 100_000)
before = gc.get_freeze_count()
import_loading()
print(gc.get_freeze_count() - before)
"""
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert shown.stdout.splitlines() == ["0 True True", "0"]
