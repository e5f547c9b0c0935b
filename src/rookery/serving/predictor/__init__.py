"""Predictors: one interface, one file a path; importing this package imports nothing else."""
