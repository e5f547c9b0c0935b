"""What /ready, /model and /model/versions say of a followed model."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rookery.core.tags import FAMILY
from rookery.serving.answers import (
    History,
    LedgerRow,
    ModelCard,
    NotFollowed,
    Ready,
    ShadowCard,
    SignatureField,
    VersionCard,
)
from rookery.serving.loaded import Loaded
from rookery.serving.looks import Failure
from rookery.serving.problems import from_error, public_message
from rookery.serving.shadow.shadow import Shadow
from rookery.serving.swap import Follower

if TYPE_CHECKING:  # seconds of imports, which a warm start does not wait for
    from mlflow.entities.model_registry import ModelVersion


def answering(follower: Follower) -> Loaded:
    """What answers now.

    Raises:
        Problem: 503 while nothing does, whatever the reason.
    """
    if follower.loaded is None:
        problem = from_error(follower.why_not(), status=503)
        problem.headers["Retry-After"] = "1"
        raise problem
    return follower.loaded


def readiness(follower: Follower) -> Ready:
    """Which version answers, and what about it needs attention."""
    loaded = answering(follower)
    return Ready(
        model=loaded.description.name,
        version=loaded.description.version,
        alias=loaded.alias,
        via=loaded.via,
        failed=_not_followed(follower.failure),
        warnings=list(follower.warnings),
    )


def model_card(loaded: Loaded, shadow: Shadow | None = None) -> ModelCard:
    """Where the answers come from, and what they are compared with."""
    model, lineage = loaded.description, loaded.description.lineage
    return ModelCard(
        model=model.name,
        version=model.version,
        alias=loaded.alias,
        via=loaded.via,
        path=loaded.predictor.path,
        why_not_compiled=loaded.predictor.why or None,
        run_link=loaded.link,
        signature=[SignatureField(**asdict(field)) for field in model.fields],
        classes=list(model.classes),
        loaded_at=loaded.at,
        shadow=_shadow_card(shadow) if shadow else None,
        **asdict(lineage),
    )


def _shadow_card(shadow: Shadow) -> ShadowCard:
    follower, trouble = shadow.follower, shadow.trouble
    loaded = follower.loaded
    version = loaded.description.version if loaded else None
    return ShadowCard(
        alias=follower.settings.model_alias,
        version=version,
        path=loaded.predictor.path if loaded else None,
        not_compared=trouble.message if trouble and trouble.version == version else None,
        failed=_not_followed(follower.failure),
    )


def history(follower: Follower) -> History:
    """Reads the registry and the ledger; not for the event loop.

    Raises:
        Unavailable: one of them does not answer.
    """
    tracking = follower.tracking
    from rookery.stores.ledger import Ledger

    aliases = tracking.aliases(follower.name)
    ledger = Ledger(follower.settings.tables_url)
    return History(
        model=follower.name,
        versions=[
            _version_card(version, aliases, follower.loaded)
            for version in tracking.versions(follower.name)
        ],
        ledger=[LedgerRow(**entry.as_dict()) for entry in ledger.entries(follower.name)],
    )


def _version_card(
    version: "ModelVersion", aliases: dict[str, str], loaded: Loaded | None
) -> VersionCard:
    number = str(version.version)
    return VersionCard(
        version=number,
        run_id=version.run_id or None,
        stage=version.current_stage,
        aliases=[alias for alias, target in aliases.items() if target == number],
        family=version.tags.get(FAMILY),
        created_at=datetime.fromtimestamp(version.creation_timestamp / 1000, UTC),
        serving=loaded is not None and loaded.identity == (number, int(version.creation_timestamp)),
    )


def _not_followed(failure: Failure | None) -> NotFollowed | None:
    if failure is None:
        return None
    shown = from_error(failure.error).details.errors[0]
    return NotFollowed(
        version=failure.version,
        message=public_message(failure.error),
        allowed=shown.allowed,
        next=failure.error.next,
        at=failure.at,
    )
