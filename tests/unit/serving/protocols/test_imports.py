"""A warm start must not wait for libraries that answering does not need."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("module", ["invocations", "open_inference", "plain"])
def test_no_heavy_library_is_imported(module: str) -> None:
    code = f"import sys, rookery.serving.protocols.{module}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout
    assert not {b"pandas", b"sklearn", b"mlflow", b"scipy", b"sqlalchemy"} & set(loaded.split())
