"""Writes tasks/task.schema.json, by which editors complete and check task files."""

import json
from pathlib import Path

from rookery.core.taskfile import task_schema

TARGET = Path(__file__).parent.parent / "tasks" / "task.schema.json"


def main() -> None:
    TARGET.write_text(json.dumps(task_schema(), indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
