"""What a command said, as a table in the summary of a job."""

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[3] / "scripts/job_summary.py"


def summarised(said: str, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    files = {"GITHUB_STEP_SUMMARY": folder / "summary", "GITHUB_OUTPUT": folder / "output"}
    return subprocess.run(
        [sys.executable, str(SCRIPT), "Registration", *options],
        input=said,
        capture_output=True,
        text=True,
        env={name: str(path) for name, path in files.items()},
    )


def test_values_and_metrics_stand_in_one_table_and_the_version_is_handed_on(tmp_path):
    said = {"task": "flats", "version": "3", "metrics": {"r2": 0.91234567}, "files": ["a"]}
    done = summarised(json.dumps(said), tmp_path, "--output", "version")
    assert done.returncode == 0
    assert (tmp_path / "output").read_text() == "version=3\n"
    summary = (tmp_path / "summary").read_text()
    assert summary.startswith("### Registration\n")
    assert "| r2 | 0.912346 |\n" in summary
    assert "files" not in summary
    assert "r2" in done.stdout


def test_a_value_inside_is_handed_on_and_is_empty_where_nothing_is(tmp_path):
    for said, line in (({"version": "3"}, "version=3\n"), (None, "version=\n")):
        (tmp_path / "output").unlink(missing_ok=True)
        summarised(json.dumps({"production": said}), tmp_path, "--output", "production.version")
        assert (tmp_path / "output").read_text() == line


def test_a_refusal_is_shown_with_what_it_says(tmp_path):
    error = {"type": "Refused", "message": "r2 0.1 misses the gate's 0.5", "next": "mend it"}
    done = summarised(json.dumps({"error": error}), tmp_path)
    assert done.returncode == 0
    assert "| error | r2 0.1 misses the gate's 0.5 |" in (tmp_path / "summary").read_text()


def test_what_comes_from_data_is_neither_a_link_nor_a_line_of_its_own(tmp_path):
    said = {"name": "[x](http://y) <b>|\n::set-output name=a::b", "version": "3\nother=4"}
    summarised(json.dumps(said), tmp_path, "--output", "version")
    assert "\\[x\\](http://y) \\<b\\>\\| ::set-output" in (tmp_path / "summary").read_text()
    assert (tmp_path / "output").read_text() == "version=3 other=4\n"


def test_what_is_no_json_or_lacks_what_is_to_be_handed_on_fails(tmp_path):
    assert summarised("Traceback", tmp_path).returncode == 2
    done = summarised("{}", tmp_path, "--output", "version")
    assert done.returncode == 2
    assert "does not say version" in done.stderr
    assert not (tmp_path / "output").exists()
