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
