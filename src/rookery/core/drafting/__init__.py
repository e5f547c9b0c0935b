"""A task file drafted from what was seen of a table, with every choice said in a comment."""

from rookery.core.drafting.file import draft_task

__all__ = ["draft_task"]
