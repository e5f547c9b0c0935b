"""The bodies of every answer that is not a prediction."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Health(BaseModel):
    """The process lives."""

    status: Literal["ok"] = "ok"


class NotFollowed(BaseModel):
    """Why what the registry asks for is not what serves."""

    version: str | None
    message: str
    allowed: Any = None
    next: str | None = None
    at: datetime


class Ready(BaseModel):
    """A model answers; `failed` and `warnings` say where it differs from the registry."""

    ready: Literal[True] = True
    model: str
    version: str
    alias: str | None = Field(description="None of a packaged version that carried none.")
    via: Literal["alias", "stage", "package"] = Field(
        description="What in the registry named this version; package: there is no registry."
    )
    failed: NotFollowed | None = None
    warnings: list[str] = []


class SignatureField(BaseModel):
    """One input of the loaded model."""

    name: str
    type: str
    required: bool
    values: list[str] | None = None
    range: tuple[float, float] | None = None
    unit: str | None = None
    description: str = ""
    example: Any = None


class ShadowCard(BaseModel):
    """The version that is compared with the one that answers; /metrics has the figures."""

    alias: str
    version: str | None = Field(description="None where no version carries the alias.")
    path: str | None
    not_compared: str | None = Field(description="Why a row was not compared, last.")
    failed: NotFollowed | None = Field(description="Why what the alias names is not loaded.")


class ModelCard(BaseModel):
    """Where the answers of the loaded version come from."""

    model: str
    version: str
    alias: str | None
    via: Literal["alias", "stage", "package"]
    path: str = Field(
        description="How predictions are computed: linear, trees, estimator or pipeline."
    )
    why_not_compiled: str | None = Field(description="Why no faster path serves.")
    family: str | None
    run_id: str | None
    run_link: str | None
    digest: str | None = Field(description="Of the clean rows that it was trained on.")
    commit: str | None
    metrics: dict[str, float | None]
    libraries: dict[str, str] = Field(description="The versions that it was trained with.")
    signature: list[SignatureField]
    classes: list[Any] = Field(description="In the order of the probabilities.")
    loaded_at: datetime
    shadow: ShadowCard | None = Field(default=None, description="None where SHADOW is not set.")


class VersionCard(BaseModel):
    """One version in the registry."""

    version: str
    run_id: str | None
    stage: str | None
    aliases: list[str]
    family: str | None
    created_at: datetime
    serving: bool = Field(description="Whether this process answers with it now.")


class LedgerRow(BaseModel):
    """One attempt to promote."""

    id: int
    task: str
    from_: str | None = Field(alias="from")
    to: str | None
    outcome: str
    reason: str
    metrics: dict[str, float | None]
    who: str
    at: str


class History(BaseModel):
    """The registry's versions, newest first, and the ledger, oldest first."""

    model: str
    versions: list[VersionCard]
    ledger: list[LedgerRow]


class Reloaded(BaseModel):
    """What a look at the registry came to."""

    model: str
    outcome: Literal["unchanged", "loaded", "refused", "failed"]
    version: str | None = Field(description="The version that answers now.")


class Reloads(BaseModel):
    models: list[Reloaded]


class PredictionCard(BaseModel):
    """A logged answer, and what it can be derived from again."""

    id: str
    at: datetime
    model: str
    version: str
    input: Any = Field(description="The record as it was understood.")
    output: Any = Field(description="The answer.")
    latency_seconds: float
    run_id: str | None = None
    run_link: str | None = None
    digest: str | None = Field(default=None, description="Of the clean rows it was trained on.")
    commit: str | None = None


class Feedback(BaseModel):
    """What turned out to be true of an answer."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    id: str = Field(description="The id of the answer.", max_length=36)
    outcome: str | float | bool = Field(description="The true label or number.")
    note: str | None = Field(default=None, max_length=1000)


class FeedbackTaken(BaseModel):
    id: str
    taken: Literal[True] = True
