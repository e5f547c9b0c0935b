"""Expressions of workflow files, the part that our workflows use; anything else is refused.

Values, comparison and truth are those of the documentation of GitHub Actions, "Evaluate expressions
in workflows and actions": https://docs.github.com/actions/reference/evaluate-expressions
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

STATUS = ("success", "failure", "always", "cancelled")
TOKEN = re.compile(
    r"""\s*(?:
      (?P<text>'(?:[^']|'')*')
    | (?P<number>-?\d+(?:\.\d+)?)
    | (?P<name>[A-Za-z_][\w-]*(?:\.[A-Za-z_][\w-]*)*)
    | (?P<mark>\|\||&&|==|!=|[!(),])
    )""",
    re.VERBOSE,
)
CONSTANTS = {"true": True, "false": False, "null": None}


class NotRehearsed(Exception):
    """What a workflow file says is outside of what is imitated here."""


class Open(dict[str, Any]):
    """A context in which what is not set is empty, such as secrets."""


Function = Callable[..., Any]
# those that know nothing but what they are given
PURE: Mapping[str, Function] = {
    "startsWith": lambda text, start: shown(text).lower().startswith(shown(start).lower()),
    "format": lambda text, *values: text.format(*map(shown, values)),
}


@dataclass(frozen=True)
class Scope:
    """What an expression can name."""

    contexts: Mapping[str, Any]
    functions: Mapping[str, Function]


def evaluate(expression: str, scope: Scope) -> Any:
    """The value of an expression, without its `${{ }}`.

    Raises:
        NotRehearsed: it names or uses what is not imitated.
    """
    parser = _Parser(_tokens(expression), scope)
    value = parser.either()
    if parser.kind is not None:
        raise NotRehearsed(f"{parser.token!r} is not expected there")
    return value


def interpolate(text: str, scope: Scope) -> str:
    """The text with every `${{ … }}` in it replaced by its value.

    Raises:
        NotRehearsed: naming the expression.
    """

    def replaced(found: re.Match[str]) -> str:
        try:
            return shown(evaluate(found[1], scope))
        except NotRehearsed as error:
            raise NotRehearsed(f"{found[0]}: {error}") from None

    return re.sub(r"\$\{\{(.*?)\}\}", replaced, text, flags=re.DOTALL)


def holds(condition: str | None, scope: Scope) -> bool:
    """Whether an `if:` lets its step or job run; one that asks for no status asks for success.

    Raises:
        NotRehearsed: naming the expression.
    """
    expression = (condition or "success()").strip()
    if expression.startswith("${{"):
        expression = expression.removeprefix("${{").removesuffix("}}")
    asks = any(re.search(rf"\b{name}\s*\(", expression) for name in STATUS)
    if not asks and not scope.functions["success"]():
        return False
    try:
        return truth(evaluate(expression, scope))
    except NotRehearsed as error:
        raise NotRehearsed(f"if: {expression}: {error}") from None


def truth(value: Any) -> bool:
    """False, 0, the empty text and null are false; NaN does not occur here."""
    return value not in (False, 0, "", None)


def shown(value: Any) -> str:
    """A value as it stands in a text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping | list):
        raise NotRehearsed("an object has no text")
    return f"{value:g}" if isinstance(value, float) else str(value)


def equal(left: Any, right: Any) -> bool:
    """Texts without regard to case; values of two kinds as numbers, as far as they are."""
    if isinstance(left, str) and isinstance(right, str):
        return left.lower() == right.lower()
    if type(left) is type(right):
        return bool(left == right)
    return _number(left) == _number(right)


def _number(value: Any) -> float:
    if value is None or value == "":
        return 0.0
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("nan")


def _tokens(expression: str) -> list[tuple[str, str]]:
    tokens, at = [], 0
    text = expression.rstrip()
    while at < len(text):
        found = TOKEN.match(text, at)
        if found is None or found.lastgroup is None:
            raise NotRehearsed(f"{text[at:].strip()!r} is not understood")
        tokens.append((found.lastgroup, found[found.lastgroup]))
        at = found.end()
    return tokens


class _Parser:
    """Evaluates while it reads: both sides of `&&` and `||` have no effects."""

    def __init__(self, tokens: list[tuple[str, str]], scope: Scope) -> None:
        self.tokens, self.scope = tokens, scope

    @property
    def kind(self) -> str | None:
        return self.tokens[0][0] if self.tokens else None

    @property
    def token(self) -> str:
        return self.tokens[0][1] if self.tokens else "the end"

    def take(self) -> str:
        return self.tokens.pop(0)[1]

    def found(self, *marks: str) -> str | None:
        return self.take() if self.kind == "mark" and self.token in marks else None

    def expect(self, mark: str) -> None:
        if not self.found(mark):
            raise NotRehearsed(f"{mark!r} is expected before {self.token!r}")

    def either(self) -> Any:
        value = self.both()
        while self.found("||"):
            other = self.both()
            value = value if truth(value) else other
        return value

    def both(self) -> Any:
        value = self.compared()
        while self.found("&&"):
            other = self.compared()
            value = other if truth(value) else value
        return value

    def compared(self) -> Any:
        value = self.negated()
        if mark := self.found("==", "!="):
            return equal(value, self.negated()) == (mark == "==")
        return value

    def negated(self) -> Any:
        return not truth(self.negated()) if self.found("!") else self.single()

    def single(self) -> Any:
        if self.found("("):
            value = self.either()
            self.expect(")")
            return value
        kind = self.kind
        if kind == "text":
            return self.take()[1:-1].replace("''", "'")
        if kind == "number":
            return float(self.take())
        if kind == "name":
            return self.named(self.take())
        raise NotRehearsed(f"{self.token!r} is not expected there")

    def named(self, name: str) -> Any:
        if self.found("("):
            return self.called(name)
        if name in CONSTANTS:
            return CONSTANTS[name]
        return _looked_up(name, self.scope.contexts)

    def called(self, name: str) -> Any:
        functions = {**PURE, **self.scope.functions}
        if name not in functions:
            raise NotRehearsed(f"the function {name}() is not imitated")
        arguments = []
        while not self.found(")"):
            arguments.append(self.either())
            if not self.found(","):
                self.expect(")")
                break
        return functions[name](*arguments)


def _looked_up(name: str, contexts: Mapping[str, Any]) -> Any:
    value: Any = contexts
    for part in name.split("."):
        if isinstance(value, Mapping) and part in value:
            value = value[part]
        elif isinstance(value, Open) or value in ("", None):
            value = ""
        else:
            raise NotRehearsed(f"{name} is not known: there is no {part!r}")
    return value
