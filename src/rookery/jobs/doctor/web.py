"""One short request, and what can be said of its answer."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from json import loads
from typing import Any

import requests

from rookery.jobs.doctor.findings import Finding, error, fine, warning

SECONDS = 3.0
# S3 refuses a request signed more than 15 minutes away from its own clock; a third of that leaves
# time to mend it, and what runs on one machine should not be seconds apart
SKEW_WARNING, SKEW_ERROR = 5.0, 300.0


@dataclass(frozen=True)
class Answer:
    """Status 0 where nothing answered; `text` then says why."""

    url: str
    status: int
    text: str
    kind: str = ""
    skew: float | None = None

    @property
    def plain(self) -> Any:
        """The JSON that the body holds, or an empty object."""
        try:
            return loads(self.text)
        except ValueError:
            return {}


def ask(url: str, auth: tuple[str, str] | None = None, *, direct: bool = True) -> Answer:
    """GET; `direct` leaves out the proxy and the passwords that the environment names."""
    with requests.Session() as session:
        session.trust_env = not direct
        before = time.time()
        try:
            answer = session.get(url, auth=auth, timeout=SECONDS)
        except requests.RequestException as failed:
            return Answer(url, 0, _reason(failed))
    kind = answer.headers.get("content-type", "")
    skew = _skew(answer.headers.get("date"), (before + time.time()) / 2)
    return Answer(url, answer.status_code, answer.text[:2000], kind, skew)


def _reason(failed: requests.RequestException) -> str:
    if isinstance(failed, requests.Timeout):
        return f"no answer within {SECONDS:g} s"
    text = str(failed)
    known = ("Connection refused", "Name or service not known", "Remote end closed connection")
    return next((each.lower() for each in known if each in text), type(failed).__name__)


def _skew(date: str | None, now: float) -> float | None:
    """Seconds that the other clock is ahead; the header has whole seconds, cut off."""
    try:
        return parsedate_to_datetime(date).timestamp() + 0.5 - now if date else None
    except ValueError:
        return None


def clock(urls: Sequence[str]) -> Iterator[Finding]:
    """The clocks of servers against ours."""
    answers = [answer for url in urls if (answer := ask(url)).skew is not None]
    if answers:
        yield judge_clock(max(answers, key=lambda answer: abs(answer.skew or 0.0)))


def judge_clock(worst: Answer) -> Finding:
    skew = worst.skew or 0.0
    if abs(skew) <= SKEW_WARNING:
        return fine("the servers' clocks agree with ours")
    way = "ahead of" if skew > 0 else "behind"
    said = f"the clock of {worst.url} is {abs(skew):.0f} s {way} ours; S3 refuses 900 s"
    mend = "set both clocks (timedatectl set-ntp true); with Docker Desktop: restart it"
    return error(said, mend) if abs(skew) > SKEW_ERROR else warning(said, mend)
