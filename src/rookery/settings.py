"""The only reader of the environment.

Every variable stands in `.env.example` and `docs/settings.md` too; a test holds the three together.
One file, though a long one: whoever asks what can be set, or why it is refused, looks here.
"""

import os
import re
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from rookery.core.azure_connection import AzureConnection, AzureDestination, read_azure
from rookery.core.server_address import WEB, check_address, check_same_server
from rookery.errors import InputError


def project_root() -> Path:
    """The nearest folder, from here upwards, that has a `tasks/`; else the folder we are in.

    Notebooks run in `notebooks/`, the command line in the root: both mean the same project.
    """
    here = Path.cwd()
    return next((place for place in (here, *here.parents) if (place / "tasks").is_dir()), here)


class SecretFiles(PydanticBaseSettingsSource):
    """Reads each secret from the file that `NAME_FILE` names, as container secrets are given."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        name = f"{field_name.upper()}_FILE"
        path = os.environ.get(name)
        if not path or SecretStr not in getattr(field.annotation, "__args__", ()):
            return None, field_name, False
        return _secret_in(path, name), field_name, False

    def __call__(self) -> dict[str, Any]:
        values = {
            name: self.get_field_value(field, name)[0]
            for name, field in self.settings_cls.model_fields.items()
        }
        return {name: value for name, value in values.items() if value is not None}


def _secret_in(path: str, name: str) -> str:
    """An empty file is refused: an API that has lost its key would be open to all."""
    try:
        secret = Path(path).read_text(encoding="utf-8").strip()
        fault = "" if secret else "it is empty"
    except OSError as error:
        fault = error.strerror or type(error).__name__
    except UnicodeDecodeError:
        fault = "it is not UTF-8 text"
    if fault:
        raise InputError(
            f"{name} names {path!r}, which cannot be read as a secret: {fault}",
            field=name,
            value=path,
            allowed="a readable file that holds the secret",
        )
    return secret


Port = Annotated[int, Field(ge=1, le=65535)]


class WithSecretFiles(BaseSettings):
    """Settings that the environment gives, then secret files, then `.env` where one is named."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        del file_secret_settings
        return init_settings, env_settings, SecretFiles(settings_cls), dotenv_settings


class Settings(WithSecretFiles):
    """What differs between one place and another; the defaults are the embedded mode."""

    model_config = SettingsConfigDict(
        extra="ignore", case_sensitive=False, populate_by_name=True, hide_input_in_errors=True
    )

    rookery_home: Path = Path(".rookery")
    rookery_task: str = "penguins"
    rookery_tasks: Path = Path("tasks")
    database_url: SecretStr | None = None
    source_database_url: SecretStr | None = None
    source_batches_url: str = Field(default="http://localhost:8010", pattern=r"^https?://[^@\s]+$")
    source_files: Path | None = None
    mlflow_tracking_uri: str | None = None
    mlflow_url: str | None = None
    mlflow_tracking_username: str | None = None
    mlflow_tracking_password: SecretStr | None = None
    mlflow_ui_url: str | None = None
    experiment_name: str | None = None
    artifacts_destination: str | None = None
    azure_storage_connection_string: SecretStr | None = None
    s3_endpoint: str | None = None
    model_alias: str = "production"
    shadow: str | None = None
    model_name: str | None = None
    model_names: Annotated[list[str] | None, NoDecode] = None
    model_dir: Path | None = None
    api_host: str = "127.0.0.1"
    api_port: Port = 8000
    api_url: str | None = None
    api_ui_url: str | None = None
    api_allowed_hosts: Annotated[list[str] | None, NoDecode] = None
    port: Port | None = None
    api_key: SecretStr | None = None
    api_admin_token: SecretStr | None = None
    api_strict: bool = True
    api_max_body_bytes: int = Field(default=10_000_000, gt=0)
    api_max_rows: int = Field(default=10_000, gt=0)
    api_most_waiting: int = Field(default=20_000, gt=0)
    api_workers: int = Field(default=1, ge=1, le=64)
    api_log_requests: bool = False
    prediction_log: bool = True
    prediction_log_days: int | None = Field(default=None, gt=0)
    prediction_spool_bytes: int = Field(default=256 * 2**20, gt=0)
    reload_seconds: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    image_name: str | None = None
    deploy_port: Port = 8080
    azure_credentials: SecretStr | None = None
    azure_resource_group: str | None = None
    azure_region: str | None = None
    azure_dns_label: str | None = None
    acr_name: str | None = None
    acr_username: str | None = None
    acr_password: SecretStr | None = None
    dockerhub_username: str | None = None
    dockerhub_token: SecretStr | None = None

    @model_validator(mode="before")
    @classmethod
    def drop_empty(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Set but empty is not set: container files pass variables on so."""
        kept = ("mlflow_tracking_uri", "mlflow_url")
        return {name: value for name, value in values.items() if value != "" or name in kept}

    @model_validator(mode="before")
    @classmethod
    def split_lists(cls, values: dict[str, Any]) -> dict[str, Any]:
        """`MODEL_NAMES=a,b` as people write it, instead of a JSON list."""
        given = {name: values.get(name) for name in ("model_names", "api_allowed_hosts")}
        split = {
            name: [part.strip() for part in value.split(",") if part.strip()] or None
            for name, value in given.items()
            if isinstance(value, str)
        }
        return values | split

    @model_validator(mode="after")
    def prefer_port(self) -> "Settings":
        """Hosting platforms say `PORT`."""
        self.api_port = self.port or self.api_port
        return self

    @field_validator("model_alias", "shadow")
    @classmethod
    def check_alias(cls, alias: str | None) -> str | None:
        if alias and re.fullmatch(r"latest|v\d+", alias, re.IGNORECASE):
            raise ValueError("MLflow reserves `latest` and `v<number>`; name the alias otherwise")
        return alias

    @field_validator("model_alias")
    @classmethod
    def check_serving_alias(cls, alias: str) -> str:
        if alias.lower() == "challenger":
            raise ValueError("`challenger` is the alias of what wants this one; name it otherwise")
        return alias

    @field_validator("api_url")
    @classmethod
    def check_api_url(cls, url: str | None) -> str | None:
        parts = urlsplit(url or "")
        if url and (parts.scheme not in ("http", "https") or not parts.hostname or parts.username):
            raise ValueError("give the API's address as http://host:port, without user or password")
        return url.rstrip("/") if url else None

    @model_validator(mode="after")
    def check_shadow(self) -> "Settings":
        if self.shadow is not None and self.shadow == self.model_alias:
            raise ValueError(
                f"SHADOW={self.shadow!r} is MODEL_ALIAS, whose version answers; "
                "name the alias of another version, such as challenger"
            )
        return self

    @model_validator(mode="after")
    def check_model_dir(self) -> "Settings":
        """A packaged model is served without database and registry."""
        if self.model_dir is None:
            return self
        for name in ("prediction_log", "shadow"):
            if name in self.model_fields_set and getattr(self, name):
                raise ValueError(
                    f"{name.upper()} needs a database or a registry, and with MODEL_DIR there is "
                    f"none: unset {name.upper()}, or serve without MODEL_DIR"
                )
        self.prediction_log = False
        return self

    @model_validator(mode="after")
    def check_tracking(self) -> "Settings":
        given = {"MLFLOW_TRACKING_URI": self.mlflow_tracking_uri, "MLFLOW_URL": self.mlflow_url}
        for name, uri in given.items():
            check_address(name, uri)
        check_same_server(given)
        return self

    @model_validator(mode="after")
    def check_azure(self) -> "Settings":
        """Before anything runs."""
        _ = self.azure
        return self

    def with_tracking(self, uri: str) -> "Settings":
        """The same, but for the MLflow server that is named on a command line.

        Raises:
            InputError: it is empty, or not the address of a server.
        """
        check_address("--mlflow-tracking-uri", uri)
        return self.model_copy(update={"mlflow_tracking_uri": uri, "mlflow_url": None})

    @property
    def configs_folder(self) -> Path:
        """Where sweeps leave configurations: beside the task files."""
        return self.tasks_folder.parent / "configs"

    @property
    def home(self) -> Path:
        return (project_root() / self.rookery_home.expanduser()).resolve()

    @property
    def tasks_folder(self) -> Path:
        return (project_root() / self.rookery_tasks.expanduser()).resolve()

    @property
    def source_files_folder(self) -> Path | None:
        """Copies of what tasks take from the web; None: it is fetched."""
        given = self.source_files
        return (project_root() / given.expanduser()).resolve() if given else None

    @property
    def packaged_model(self) -> Path | None:
        """The folder of the one model that is served; None: the registry says which are."""
        return (project_root() / self.model_dir.expanduser()).resolve() if self.model_dir else None

    @property
    def cache(self) -> Path:
        return self.home / "cache"

    @property
    def tables_url(self) -> str:
        """Where the tables are: `DATABASE_URL`, or a SQLite file below `ROOKERY_HOME`."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite:///{self.home / 'tables.db'}"

    @property
    def tracking_uri(self) -> str:
        """Where runs and models are: an MLflow server, or a SQLite file below `ROOKERY_HOME`."""
        given = self.mlflow_tracking_uri or self.mlflow_url
        return given or f"sqlite:///{self.home / 'mlflow.db'}"

    @property
    def is_remote(self) -> bool:
        """Whether runs and models are with a server, and not in a file."""
        return urlsplit(self.tracking_uri).scheme in WEB

    @property
    def azure(self) -> tuple[AzureDestination, AzureConnection] | None:
        """The container that artifacts lie in, and what opens it; None where we reach none."""
        secret = self.azure_storage_connection_string
        text = secret.get_secret_value() if secret else None
        # a server keeps artifacts itself, and needs no key of ours
        return read_azure(self.artifacts_destination, text, required=not self.is_remote)

    @property
    def mlflow_pages(self) -> str:
        """Where a browser finds MLflow, without a slash at the end."""
        given = self.mlflow_ui_url or self.mlflow_tracking_uri or self.mlflow_url or ""
        return (given if given.startswith("http") else "http://localhost:5005").rstrip("/")

    @property
    def artifact_root(self) -> str | None:
        """Where a new experiment keeps its artifacts; None leaves it to the server."""
        if self.is_remote:
            return None
        return self.azure[0].uri if self.azure else (self.home / "artifacts").as_uri()

    @property
    def served_models(self) -> list[str]:
        return self.model_names or [self.model_name or self.rookery_task]

    def experiment_for(self, task_name: str) -> str:
        return self.experiment_name or task_name


def shared_metrics() -> Path | None:
    """Where worker processes add up their metrics; the variable's name is Prometheus' client's."""
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    return Path(folder) if folder else None


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """The settings of this process, read once; `get_settings.cache_clear()` reads them again.

    Raises:
        InputError: a variable has a value that is not allowed.
    """
    dotenv = project_root() / ".env"
    try:
        return Settings(_env_file=dotenv)
    except UnicodeDecodeError as error:
        raise InputError(
            f"{dotenv} is not UTF-8 text", field=".env", value=str(dotenv), allowed="UTF-8 text"
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"]).upper() or None
        shown = first["msg"].removeprefix("Value error, ")
        raise InputError(
            f"{name}={first['input']!r}: {shown}" if name else shown,
            field=name,
            value=first["input"] if name else None,
            allowed="see docs/settings.md",
            next="rookery doctor",
        ) from None
