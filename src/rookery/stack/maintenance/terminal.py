"""What others have named, made fit for a message."""

MOST = 300


def printable(text: str) -> str:
    """The text without what would move a cursor, end a line or hide itself, and not too long."""
    shown = "".join(c if c.isprintable() else "?" for c in text[:MOST])
    return shown + ("…" if len(text) > MOST else "")
