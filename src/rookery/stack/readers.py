"""Which secrets the stack has, and which container reads which of them."""

from collections.abc import Callable, Mapping
from urllib.parse import quote

from rookery.stack.passwords import drawn, four_words

# MinIO takes access keys of at most 20 characters and secret keys of at most 40
SECRETS: dict[str, Callable[[], str]] = {
    "password": four_words,
    "postgres_password": lambda: drawn(32),
    "mlflow_user_password": lambda: drawn(32),
    "mysql_root_password": lambda: drawn(32),
    "my_app_user_password": lambda: drawn(32),
    "rookery_api_password": lambda: drawn(32),
    "minio_root_user": lambda: drawn(20),
    "minio_root_password": lambda: drawn(40),
    "mlflow_s3_access_key": lambda: drawn(20),
    "mlflow_s3_secret_key": lambda: drawn(40),
    "jobs_s3_access_key": lambda: drawn(20),
    "jobs_s3_secret_key": lambda: drawn(40),
    "flask_secret_key": lambda: drawn(48),
    "api_password": lambda: drawn(32),
    "admin_token": lambda: drawn(32),
}

# reader: its file: the secret, or what is made of some
READERS: dict[str, dict[str, str]] = {
    "postgres": {
        "postgres_password": "postgres_password",
        "mlflow_user_password": "mlflow_user_password",
    },
    "mysql": {
        "root_password": "mysql_root_password",
        "my_app_user_password": "my_app_user_password",
        "rookery_api_password": "rookery_api_password",
    },
    "minio": {"root_user": "minio_root_user", "root_password": "minio_root_password"},
    "minio-setup": {
        "root_user": "minio_root_user",
        "root_password": "minio_root_password",
        "mlflow_s3_access_key": "mlflow_s3_access_key",
        "mlflow_s3_secret_key": "mlflow_s3_secret_key",
        "jobs_s3_access_key": "jobs_s3_access_key",
        "jobs_s3_secret_key": "jobs_s3_secret_key",
    },
    "mysql-setup": {"database_url": "my_app_user_url"},
    "mlflow": {
        "mlflow_user_password": "mlflow_user_password",
        "mlflow_s3_access_key": "mlflow_s3_access_key",
        "mlflow_s3_secret_key": "mlflow_s3_secret_key",
        "flask_secret_key": "flask_secret_key",
        "admin_password": "password",
        "api_password": "api_password",
    },
    "jupyter": {
        "password": "password",
        "database_url": "my_app_user_url",
        "my_app_user_password": "my_app_user_password",
        "jobs_s3_access_key": "jobs_s3_access_key",
        "jobs_s3_secret_key": "jobs_s3_secret_key",
        "s3_credentials": "jobs_s3_credentials",
        "admin_token": "admin_token",
    },
    "fastapi": {
        "database_url": "rookery_api_url",
        "mlflow_password": "api_password",
        "admin_token": "admin_token",
    },
    "welcome": {"password": "password"},
}


def database_url(user: str, password: str) -> str:
    """The address of the tables, with the password quoted as SQLAlchemy unquotes it."""
    return f"mysql://{user}:{quote(password, safe='')}@mysql:3306/my_app_db"


def s3_credentials(access_key: str, secret_key: str) -> str:
    """A file of credentials as the clients of S3 share it.

    https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html
    """
    return f"[default]\naws_access_key_id = {access_key}\naws_secret_access_key = {secret_key}\n"


def copies(secrets: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """What every file of every reader holds."""
    values = {
        **secrets,
        "my_app_user_url": database_url("my_app_user", secrets["my_app_user_password"]),
        "rookery_api_url": database_url("rookery_api", secrets["rookery_api_password"]),
        "jobs_s3_credentials": s3_credentials(
            secrets["jobs_s3_access_key"], secrets["jobs_s3_secret_key"]
        ),
    }
    return {
        reader: {file: values[name] for file, name in files.items()}
        for reader, files in READERS.items()
    }


def places_of(secret: str) -> list[str]:
    """The copies of a secret, as `reader/file`."""
    return [
        f"{reader}/{file}"
        for reader, files in READERS.items()
        for file, name in files.items()
        if name == secret
    ]
