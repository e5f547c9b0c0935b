"""The command line: one verb a job."""

# in the order in which --help shows their verbs
from rookery.cli import life_cycle, from_files, packaging, deploying, again, operating  # noqa: F401, I001
from rookery.cli.application import app
from rookery.cli.running import main, run_command

__all__ = ["app", "main", "run_command"]
