"""Words for yes and no, and for no value at all."""

from collections.abc import Mapping

from rookery.core.profile.numbers import Reading
from rookery.core.sections import Cleaning
from rookery.core.values import FALSE, TRUE

YES_AND_NO = (
    ("true", "false"), ("t", "f"), ("yes", "no"), ("y", "n"), ("sí", "no"), ("si", "no"),
    ("oui", "non"), ("ja", "nein"), ("sim", "não"), ("verdadero", "falso"), ("on", "off"),
)  # fmt: skip
ALWAYS_MISSING = Cleaning().missing
# in a column of numbers or dates any of these says that there is no value
MISSING_WORDS = frozenset(
    ["?", "-", "--", "---", ".", "*", "N/A", "n/a", "#N/A", "<NA>", "NULL", "NaT", "none", "NONE",
     "n.a.", "na", "unknown", "Unknown", "UNKNOWN", "missing", "Missing", "nil"]
)  # fmt: skip
# in a column of text only what can hardly be a value
MISSING_TEXTS = frozenset(["?", "-", "--", "---", ".", "N/A", "n/a", "#N/A", "<NA>", "NULL"])


def read_booleans(counts: Mapping[str, int]) -> Reading | None:
    """The texts as yes and no, if both occur and nothing else does; None otherwise."""
    words = {text.lower() for text in counts}
    pair = next((pair for pair in YES_AND_NO if set(pair) == words), None)
    if pair is None:
        return None
    values = {text: float(text.lower() == pair[0]) for text in counts}
    replace = {
        text: "true" if value else "false"
        for text, value in values.items()
        if text.lower() not in (*TRUE, *FALSE)
    }
    said = f"yes and no in words: {', '.join(map(repr, counts))}"
    return Reading("boolean", values, {"replace": replace} if replace else {}, said=(said,))
