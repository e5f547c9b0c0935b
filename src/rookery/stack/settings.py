"""What the compose file passes on to the one-shots of the stack from `.env`."""

from ipaddress import IPv4Address
from typing import Annotated

from pydantic import BeforeValidator, IPvAnyAddress, SecretStr, ValidationError
from pydantic_settings import SettingsConfigDict

from rookery.core.azure_connection import read_azure
from rookery.errors import InputError
from rookery.settings import Port, WithSecretFiles

Address = Annotated[IPvAnyAddress, BeforeValidator(lambda given: str(given).strip("[]"))]


class StackSettings(WithSecretFiles):
    """What somebody chose: passwords, where artifacts go, where ports are published."""

    model_config = SettingsConfigDict(
        env_ignore_empty=True, extra="ignore", hide_input_in_errors=True
    )

    rookery_password: SecretStr | None = None
    mysql_password: SecretStr | None = None
    artifacts_destination: str | None = None
    azure_storage_connection_string: SecretStr | None = None
    bind_address: Address = IPv4Address("127.0.0.1")
    postgres_port: Port = 5432
    mysql_port: Port = 3306
    minio_port: Port = 9000
    minio_console_port: Port = 9001
    mlflow_port: Port = 5005
    jupyter_port: Port = 8888
    api_port: Port = 8000

    def check_azure(self) -> None:
        """Raises InputError where artifacts are to go to Azure Blob and cannot."""
        secret = self.azure_storage_connection_string
        text = secret.get_secret_value() if secret else None
        read_azure(self.artifacts_destination, text, required=True)


def stack_settings() -> StackSettings:
    """The settings of this container.

    Raises:
        InputError: a variable has a value that is not allowed.
    """
    try:
        return StackSettings()
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]).upper()
        raise InputError(
            f"{name}={first['input']!r}: {first['msg']}",
            field=name,
            value=first["input"],
            allowed="see .env.example",
        ) from None
