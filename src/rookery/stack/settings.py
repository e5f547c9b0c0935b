"""What the compose file passes on to the one-shots of the stack from `.env`."""

from ipaddress import IPv4Address
from typing import Annotated

from pydantic import BeforeValidator, IPvAnyAddress, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from rookery.errors import InputError
from rookery.settings import Port

Address = Annotated[IPvAnyAddress, BeforeValidator(lambda given: str(given).strip("[]"))]


class StackSettings(BaseSettings):
    """The passwords that somebody chose, and where the ports of the stack are published."""

    model_config = SettingsConfigDict(env_ignore_empty=True, extra="ignore")

    rookery_password: SecretStr | None = None
    mysql_password: SecretStr | None = None
    bind_address: Address = IPv4Address("127.0.0.1")
    postgres_port: Port = 5432
    mysql_port: Port = 3306
    minio_port: Port = 9000
    minio_console_port: Port = 9001
    mlflow_port: Port = 5005
    jupyter_port: Port = 8888
    api_port: Port = 8000


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
