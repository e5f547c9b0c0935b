"""Deployments as text for people."""

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rookery.core.deployment_calls import Call
    from rookery.jobs.deploy import Deployment


def deployed(result: "Deployment") -> str:
    """What serves where, or every call that would be made."""
    if result.dry_run:
        lines = [f"{result.task}: {result.image} to {result.target}; nothing was called"]
        for number, call in enumerate(result.calls, 1):
            lines += [f"{number:>3}. {call.method} {call.url}", f"     {call.when}"]
            lines += _body(call)
        return "\n".join([*lines, *result.notes])
    before = f", before it {result.previous}" if result.previous else ""
    lines = [
        f"{result.task}: version {result.version} answers at {result.url}",
        f"  image  {result.image}{before}",
    ]
    if result.away_seconds is not None:
        lines.append(f"  away   {result.away_seconds:g} s, between the two")
    return "\n".join([*lines, *result.notes, f"next: curl -s {result.url}/ready"])


def _body(call: "Call") -> list[str]:
    if call.body is None:
        return []
    return [f"     {line}" for line in json.dumps(call.body, indent=2).splitlines()]
