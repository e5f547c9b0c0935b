"""Rows that arrive in parts: each loaded, cleaned, judged, and trained on where it is time."""
