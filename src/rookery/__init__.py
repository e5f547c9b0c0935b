"""Rookery: from a table to a served, monitored model; `import rookery as rk`."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rookery.core.candidates import Candidate
    from rookery.jobs.clean import clean
    from rookery.jobs.connect import connect
    from rookery.jobs.deploy import deploy
    from rookery.jobs.diff import diff
    from rookery.jobs.ingest import ingest
    from rookery.jobs.new import new
    from rookery.jobs.plots import plots
    from rookery.jobs.predict import predict
    from rookery.jobs.promote import promote, rollback
    from rookery.jobs.query import query
    from rookery.jobs.register import register
    from rookery.jobs.report import report
    from rookery.jobs.reproduce import reproduce
    from rookery.jobs.run import run
    from rookery.jobs.status import status
    from rookery.jobs.sweep import sweep
    from rookery.jobs.train import train
    from rookery.jobs.verify import verify
    from rookery.serving.package import package
    from rookery.serving.replay import replay

__version__ = "0.1.0"
__all__ = [
    "Candidate",
    "clean",
    "connect",
    "deploy",
    "diff",
    "ingest",
    "new",
    "package",
    "plots",
    "predict",
    "promote",
    "query",
    "register",
    "replay",
    "report",
    "reproduce",
    "rollback",
    "run",
    "status",
    "sweep",
    "train",
    "verify",
]

_HOMES = {
    "Candidate": "core.candidates",
    "package": "serving.package",
    "replay": "serving.replay",
    "rollback": "jobs.promote",
}


def __getattr__(name: str) -> Any:
    """Imports a job when it is first asked for: MLflow and scikit-learn take seconds."""
    if name not in __all__:
        raise AttributeError(f"module 'rookery' has no attribute {name!r}")
    home = importlib.import_module(f"rookery.{_HOMES.get(name, f'jobs.{name}')}")
    return getattr(home, name)
