"""`.env` holds secrets: only its owner may read it."""

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_env_file_is_made_for_its_owner_only_and_never_replaced(tmp_path):
    for name in ("Makefile", ".env.example"):
        shutil.copy(ROOT / name, tmp_path)
    subprocess.run(["make", "env"], cwd=tmp_path, check=True, capture_output=True)
    made = tmp_path / ".env"
    assert made.stat().st_mode & 0o777 == 0o600
    made.write_text("API_KEY=mine\n", encoding="utf-8")
    subprocess.run(["make", "env"], cwd=tmp_path, check=True, capture_output=True)
    assert made.read_text(encoding="utf-8") == "API_KEY=mine\n"
