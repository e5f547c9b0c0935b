"""Words for yes and no, and for no value at all."""

from collections.abc import Mapping

from rookery.core.onehot import folded
from rookery.core.profile.numbers import Reading
from rookery.core.sections import Cleaning
from rookery.core.values import FALSE, TRUE

# without accents, which people leave out
YES_AND_NO = (
    ("true", "false"), ("t", "f"), ("yes", "no"), ("y", "n"), ("si", "no"),
    ("verdadero", "falso"), ("oui", "non"), ("vrai", "faux"), ("ja", "nein"),
    ("wahr", "falsch"), ("sim", "nao"), ("verdadeiro", "falso"), ("on", "off"),
)  # fmt: skip
ALWAYS_MISSING = Cleaning().missing
# what a spreadsheet writes where a formula fails, in English and in Spanish
ERRORS = (
    "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#NULL!", "#N/D", "#¡DIV/0!", "#¡VALOR!",
    "#¡REF!", "#¿NOMBRE?", "#¡NUM!", "#¡NULO!",
)  # fmt: skip
# in a column of numbers or dates any of these says that there is no value
MISSING_WORDS = frozenset(
    [*ERRORS, "?", "-", "--", "---", ".", "*", "N/A", "n/a", "#N/A", "<NA>", "NULL", "NaT", "none",
     "NONE", "n.a.", "na", "unknown", "Unknown", "UNKNOWN", "missing", "Missing", "nil", "N/D",
     "n/d", "n.d.", "ND", "S/D", "s/d", "s.d.", "NS/NC", "ns/nc", "desconocido", "Desconocido",
     "DESCONOCIDO", "Sin datos", "sin datos", "SIN DATOS", "No consta", "no consta",
     "inf", "-inf", "Inf", "-Inf", "Infinity", "-Infinity"]
)  # fmt: skip
# in a column of text only what can hardly be a value
MISSING_TEXTS = frozenset(
    ["?", "-", "--", "---", ".", "N/A", "n/a", "#N/A", "<NA>", "NULL", "N/D", "n/d", "S/D", "s/d",
     *ERRORS]
)  # fmt: skip


def read_booleans(counts: Mapping[str, int]) -> Reading | None:
    """The texts as yes and no, if both occur and nothing else does; None otherwise."""
    words = {folded(text) for text in counts}
    pair = next((pair for pair in YES_AND_NO if set(pair) == words), None)
    if pair is None:
        return None
    values = {text: float(folded(text) == pair[0]) for text in counts}
    replace = {
        text: "true" if value else "false"
        for text, value in values.items()
        if text.lower() not in (*TRUE, *FALSE)
    }
    said = f"yes and no in words: {', '.join(map(repr, counts))}"
    return Reading("boolean", values, {"replace": replace} if replace else {}, said=(said,))
