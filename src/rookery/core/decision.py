"""Whether a batch is a reason to train again, always with the reasons."""

from collections.abc import Sequence
from dataclasses import dataclass

from rookery.core.sections import Retrain


@dataclass(frozen=True)
class Evidence:
    """What is known when a batch has been cleaned; rows are raw ones."""

    rows: int  # of all batches
    unseen: int  # of them, those that no trained version has seen
    trained: bool  # whether there is a version that was trained on batches
    drift: Sequence[str] = ()  # findings, each as a sentence

    @property
    def unseen_share(self) -> float:
        return self.unseen / self.rows if self.rows else 0.0


@dataclass(frozen=True)
class Decision:
    """Train or not, and why."""

    train: bool
    reason: str
    unseen_share: float


def decide(rule: Retrain, evidence: Evidence) -> Decision:
    """The first model, enough rows that no version has seen, or drift: each alone is a reason."""
    share = evidence.unseen_share
    shown = f"{share:.2%} of {evidence.rows} rows are unseen"
    if not evidence.unseen:
        return Decision(False, "no row is unseen", share)
    if not evidence.trained:
        return Decision(True, f"no version was trained on batches yet; {shown}", share)
    enough = share >= rule.unseen
    reasons = [f"{shown}, {'at least' if enough else 'below'} {rule.unseen:.0%}"]
    drifted = _counted(rule, share, evidence.drift)
    reasons += [f"drift: {finding}" for finding in drifted]
    if evidence.drift and not drifted:
        reasons.append(f"drift is left aside in so few rows: {'; '.join(evidence.drift)}")
    return Decision(enough or bool(drifted), "; ".join(reasons), share)


def _counted(rule: Retrain, share: float, findings: Sequence[str]) -> Sequence[str]:
    """A handful of odd rows is no other world."""
    return findings if rule.drift is not None and share >= rule.drift.volume else ()
