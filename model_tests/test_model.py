"""One test a check, such as `test_the_model_passes[direction-house_size]`."""

from collections.abc import Callable

import pytest

from rookery.core.checks import Asked, Check, run


def test_the_model_passes(
    check: Check, asked: Asked, record_property: Callable[[str, object], None]
) -> None:
    found = run(check, asked)
    for name in ("value", "sense", "bound", "rows"):
        record_property(name, getattr(found, name))
    if not found.passed:
        rows = [f"\n  {example}" for example in found.examples]
        pytest.fail(f"{check.kind} {check.name}: {found.says}{''.join(rows)}", pytrace=False)
