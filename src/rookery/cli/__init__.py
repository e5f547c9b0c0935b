"""The command line: one verb a job."""

# in the order in which --help shows their verbs
from rookery.cli import life_cycle, operating  # noqa: F401
from rookery.cli.application import app
from rookery.cli.running import main, run_command

__all__ = ["app", "main", "run_command"]
