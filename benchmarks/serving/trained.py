"""What `train.py` left: models for every server, rows, and the labels they must get."""

import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from environments import CannotRun
from measuring import HERE, ROOT, environment
from serving.answers_checked import Question
from serving.forms import Row
from serving.servers import running

JOB_SECONDS = 300


@dataclass(frozen=True)
class Trained:
    """Folders, environment of our commands, and the versions in our registry."""

    folder: Path
    environ: dict[str, str]
    versions: dict[str, str]
    rows: list[Row]
    labels: dict[str, list[Any]]

    @property
    def tables(self) -> Path:
        return self.folder / "home" / "tables.db"

    def stored(self, model: str) -> Path:
        """The folder with `pipeline.joblib` and `mlflow`."""
        return self.folder / "models" / model

    def batch(self, model: str, count: int) -> Question:
        """So many rows in one question, the same ones again where there are fewer."""
        picked = [place % len(self.rows) for place in range(count)]
        labels = self.labels[model]
        return Question([self.rows[place] for place in picked], [labels[place] for place in picked])

    def singles(self, model: str) -> list[Question]:
        """Every row by itself, in an order that mixes the labels."""
        order = [place * 7 % len(self.rows) for place in range(len(self.rows))]
        return [Question([self.rows[place]], [self.labels[model][place]]) for place in order]

    def promote(self, model: str) -> None:
        self.job(rookery(), "promote", "penguins", "--version", self.versions[model])

    def job(self, *command: str) -> None:
        """Raises SystemExit, with what the command said, where it fails."""
        _job(command, self.environ, self.folder)


def rookery() -> str:
    """Our command as it is installed beside this Python."""
    return str(Path(sys.executable).with_name("rookery"))


def train(folder: Path) -> Trained:
    """An embedded home with all versions, and the same pipelines in the others' formats."""
    tasks, models = folder / "tasks", folder / "models"
    shutil.copytree(ROOT / "tasks", tasks)
    environ = environment(folder / "home", ROOKERY_TASKS=str(tasks), PYTHONPATH=str(HERE))
    _job([sys.executable, "-m", "serving.train", str(models)], environ, folder)
    served = json.loads((models / "served.json").read_text(encoding="utf-8"))
    return Trained(folder, environ, served["versions"], served["rows"], served["labels"])


def _job(command: Sequence[str], environ: dict[str, str], folder: Path) -> None:
    with running(Path(command[0]).name, command, environ, folder) as process:
        try:
            process.finish(JOB_SECONDS)
        except CannotRun as error:
            raise SystemExit(f"{' '.join(command)} failed:\n{process.said(20)}") from error
