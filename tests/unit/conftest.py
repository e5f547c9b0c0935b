"""Hypothesis draws the same examples everywhere, and no test depends on the clock."""

from hypothesis import settings

settings.register_profile("repeatable", deadline=None, derandomize=True, database=None)
settings.load_profile("repeatable")
