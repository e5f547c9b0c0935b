"""The model registry: versions, aliases and, while MLflow still has them, stages."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from rookery.errors import InputError, Unavailable
from rookery.stores.connection import Connection, is_unknown

PAGE = 1000  # versions asked for at once
MOST_DIGITS = 9  # of a version: larger ones fail in the database of MLflow
STAGE = "Production"
CHALLENGER_ALIAS = "challenger"  # the alias of the version that wants the serving alias


@dataclass(frozen=True)
class Standing:
    """What a registered model says of its versions: numbers by alias, and the staged one."""

    aliases: dict[str, str] = field(default_factory=dict)
    staged: ModelVersion | None = None

    def aliases_in_another_case(self, alias: str) -> list[str]:
        """Aliases that look like this one but are not it, such as `Production`."""
        return [
            other for other in self.aliases if other != alias and other.lower() == alias.lower()
        ]


class Registry(Connection):
    """Registered models, each named as its task."""

    def register(
        self, name: str, model_id: str, run_id: str | None, tags: Mapping[str, str]
    ) -> str:
        """Makes a logged model the next version of a registered model."""
        with self.answering():
            if self._registered(name) is None:
                try:
                    self.client.create_registered_model(name)
                except MlflowException:
                    if self._registered(name) is None:
                        raise
            created = self.client.create_model_version(
                name, f"models:/{model_id}", run_id, tags=dict(tags), model_id=model_id
            )
        return str(created.version)

    def _registered(self, name: str) -> Any:
        try:
            return self.client.get_registered_model(name)
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return None
            raise

    def versions(self, name: str) -> list[ModelVersion]:
        """All versions, newest first."""
        ask = partial(self.client.search_model_versions, f"name = '{name}'", PAGE)
        with self.answering():
            page = ask()
            found = list(page)
            while page.token:
                page = ask(page_token=page.token)
                found += page
        return sorted(found, key=lambda version: -int(version.version))

    def version(self, name: str, number: str) -> ModelVersion:
        """One version.

        Raises:
            InputError: there is none of that number.
        """
        if number.isdecimal() and len(number) <= MOST_DIGITS:
            try:
                with self.answering():
                    return self.client.get_model_version(name, number)
            except Unavailable as error:
                if not is_unknown(error):
                    raise
        known = ", ".join(str(version.version) for version in self.versions(name))
        raise InputError(
            f"{name} has no version {number}",
            field="--version",
            value=number,
            allowed=known or "none yet",
            next=f"rookery status {name}",
        )

    def standing(self, name: str) -> Standing:
        """Aliases, exactly as written, and stage, in one look-up; empty without such a model."""
        with self.answering():
            model = self._registered(name)
        if model is None:
            return Standing()
        # the newest version of each stage, as long as MLflow has stages
        newest = getattr(model, "latest_versions", None) or ()
        return Standing(
            {str(alias): str(number) for alias, number in model.aliases.items()},
            next((version for version in newest if version.current_stage == STAGE), None),
        )

    def aliases(self, name: str) -> dict[str, str]:
        """Versions by alias, exactly as written; empty where nothing is registered."""
        return self.standing(name).aliases

    def production(self, name: str) -> str | None:
        """The version that is to be served: the alias, or the stage Production where none is."""
        standing = self.standing(name)
        staged = str(standing.staged.version) if standing.staged else None
        return standing.aliases.get(self.settings.model_alias, staged)

    def aliased(self, name: str) -> ModelVersion | None:
        """The version that carries the serving alias, in one look-up; None where none does."""
        with self.answering():
            try:
                return self.client.get_model_version_by_alias(name, self.settings.model_alias)
            except MlflowException as error:
                # no such model, and no such alias
                if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                    return None
                # MLflow refuses those who only read this look-up where there is no such model
                if error.error_code == "PERMISSION_DENIED" and self._registered(name) is None:
                    return None
                raise

    def set_production(self, name: str, version: str) -> None:
        """Moves the alias, and while MLflow still has stages, the stage."""
        with self.answering():
            self.client.set_registered_model_alias(name, self.settings.model_alias, version)
        self.follow_alias(name, version)

    def follow_alias(self, name: str, version: str) -> None:
        """What comes after a move of the serving alias: the stage, and the end of a challenge."""
        self.set_stage(name, version)
        self.end_challenge(name, version)

    def end_challenge(self, name: str, version: str) -> None:
        """Takes the alias `challenger` from a version that carries it."""
        if self.aliases(name).get(CHALLENGER_ALIAS) == version:
            with self.answering():
                self.client.delete_registered_model_alias(name, CHALLENGER_ALIAS)

    def set_challenger(self, name: str, version: str) -> None:
        """Gives the alias `challenger`, which whatever had it loses."""
        with self.answering():
            self.client.set_registered_model_alias(name, CHALLENGER_ALIAS, version)

    def set_stage(self, name: str, version: str) -> None:
        """Stage Production for this version, archiving the others."""
        if not hasattr(self.client, "transition_model_version_stage"):
            return
        with self.answering(), warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            if self.client.get_model_version(name, version).current_stage != STAGE:
                self.client.transition_model_version_stage(
                    name, version, STAGE, archive_existing_versions=True
                )

    def model_uri(self, version: ModelVersion) -> str:
        """Where the files of a version are."""
        with self.answering():
            return str(self.client.get_model_version_download_uri(version.name, version.version))
