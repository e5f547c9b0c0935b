"""One-shots of the stack, run as `python -m rookery.stack.<name>`."""
