"""`python -m rookery.cli` is the console script."""

from rookery.cli import main

main()
