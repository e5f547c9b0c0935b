"""The settings, and the two files that list them."""

import ast
import re
from pathlib import Path

import pytest
from pydantic import SecretStr

import rookery
from rookery.core.azure_connection import EMULATOR_KEY
from rookery.errors import InputError
from rookery.settings import Settings, get_settings, project_root

ROOT = Path(__file__).parents[2]
CONTAINER = "wasbs://models@devstoreaccount1.blob.core.windows.net/artifacts"
SOURCE = Path(rookery.__file__).parent
EXAMPLE_LINE = re.compile(r"^# ([A-Z][A-Z0-9_]*)=(.*)$", re.MULTILINE)
COMPOSE_VARIABLE = re.compile(r"\$\{([A-Z0-9_]+)(?::-((?:\$\{[^}]*\}|[^}])*))?\}")
TABLE_ROW = re.compile(r"^\| `([A-Z0-9_]+)` \| (.+?) \| (.+) \|$", re.MULTILINE)


def variables() -> dict[str, str]:
    """Field names by the variable that fills them."""
    return {name.upper(): name for name in Settings.model_fields}


def secrets() -> set[str]:
    return {
        name.upper()
        for name, field in Settings.model_fields.items()
        if SecretStr in getattr(field.annotation, "__args__", ())
    }


def example() -> dict[str, str]:
    return dict(EXAMPLE_LINE.findall((ROOT / ".env.example").read_text(encoding="utf-8")))


def documented() -> dict[str, tuple[str, str]]:
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    return {name: (default, meaning) for name, default, meaning in TABLE_ROW.findall(text)}


def of_the_stack() -> dict[str, str]:
    """Variables that only the compose file reads, with the defaults that it gives them."""
    text = (ROOT / "docker-compose.yaml").read_text(encoding="utf-8")
    found = dict(COMPOSE_VARIABLE.findall(text))
    # a default made of other variables is none of its own
    ours = {k: v for k, v in found.items() if k.removesuffix("_FILE") not in variables()}
    return {name: "" if "$" in value else value for name, value in ours.items()}


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project's root without any variable set, as the folder we are in."""
    for name in variables():
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(f"{name}_FILE", raising=False)
    (tmp_path / "tasks").mkdir()
    monkeypatch.chdir(tmp_path)
    get_settings.cache_clear()
    yield tmp_path
    get_settings.cache_clear()


# the three places that list the variables


def test_the_example_file_lists_the_variables_of_the_class_and_of_the_stack():
    assert set(example()) == set(variables()) | set(of_the_stack())


def test_the_document_lists_the_variables_of_the_class_and_of_the_stack():
    assert set(documented()) == set(variables()) | set(of_the_stack())


def test_the_stack_has_the_defaults_that_are_listed():
    listed = {name: example()[name] for name in of_the_stack()}
    assert listed == of_the_stack()
    shown = {name: f"`{value}`" if value else "unset" for name, value in listed.items()}
    assert {name: documented()[name][0] for name in of_the_stack()} == shown


def test_what_the_stack_passes_on_has_the_defaults_of_the_class():
    text = (ROOT / "docker-compose.yaml").read_text(encoding="utf-8")
    passed = {name: value for name, value in COMPOSE_VARIABLE.findall(text) if name in variables()}
    shown = {name: example()[name] for name in passed}
    assert passed == shown
    assert "MODEL_ALIAS" in passed


def test_the_images_have_the_version_of_the_package():
    assert example()["ROOKERY_VERSION"] == rookery.__version__


@pytest.mark.parametrize("name", sorted(variables()))
def test_a_default_is_the_same_in_class_example_and_document(name, project, monkeypatch):
    default = getattr(get_settings(), variables()[name])
    if default is None:
        assert (example()[name], documented()[name][0]) == ("", "unset")
        return
    assert documented()[name][0] == f"`{example()[name]}`"
    monkeypatch.setenv(name, example()[name])
    assert getattr(Settings(), variables()[name]) == default


def test_an_untouched_copy_of_the_example_changes_nothing(project):
    before = get_settings()
    (project / ".env").write_text(
        (ROOT / ".env.example").read_text(encoding="utf-8"), encoding="utf-8"
    )
    get_settings.cache_clear()
    assert get_settings() == before


def test_exactly_the_secrets_are_said_to_have_a_file_form():
    listed = (ROOT / ".env.example").read_text(encoding="utf-8")
    in_document = {
        name for name, (_, meaning) in documented().items() if f"`{name}_FILE`" in meaning
    }
    in_example = {name for name in variables() if re.search(rf"\b{name}_FILE\b", listed)}
    assert in_document == in_example == secrets()


def reads_environment(path: Path) -> bool:
    """Whether a module looks a variable up; setting one, as for MLflow, is no look-up."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            look_up = r"(os\.)?(getenv|environ\.(get|items|copy))\("
        elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
            look_up = r"(os\.)?environ\["
        else:
            continue
        if re.match(look_up, ast.unparse(node)):
            return True
    return False


def test_no_other_module_reads_the_environment():
    assert reads_environment(SOURCE / "settings.py")
    others = [path for path in SOURCE.rglob("*.py") if path.name != "settings.py"]
    assert [path for path in others if reads_environment(path)] == []


# where values come from


def test_the_nearest_folder_upwards_with_tasks_is_the_root(project, monkeypatch):
    (project / "notebooks" / "deep").mkdir(parents=True)
    monkeypatch.chdir(project / "notebooks" / "deep")
    assert project_root() == project


def test_without_a_setting_everything_lies_below_the_home(project):
    settings = get_settings()
    assert settings.tables_url == f"sqlite:///{project / '.rookery' / 'tables.db'}"
    assert settings.tracking_uri == f"sqlite:///{project / '.rookery' / 'mlflow.db'}"
    assert settings.artifact_root == (project / ".rookery" / "artifacts").as_uri()
    assert settings.served_models == ["penguins"]
    assert settings.experiment_for("houses") == "houses"


def test_an_mlflow_server_keeps_the_artifacts_itself(project, monkeypatch):
    monkeypatch.setenv("MLFLOW_URL", "http://mlflow:5005")
    assert get_settings().tracking_uri == "http://mlflow:5005"
    assert get_settings().artifact_root is None


def test_a_secret_is_read_from_the_file_that_is_named(project, monkeypatch):
    (project / "token").write_text("  s3cret \n", encoding="utf-8")
    monkeypatch.setenv("API_ADMIN_TOKEN_FILE", str(project / "token"))
    assert get_settings().api_admin_token.get_secret_value() == "s3cret"


def test_environment_wins_over_secret_file_and_that_over_dotenv(project, monkeypatch):
    (project / ".env").write_text("API_KEY=from-dotenv\n", encoding="utf-8")
    assert Settings(_env_file=".env").api_key.get_secret_value() == "from-dotenv"
    (project / "key").write_text("from-file", encoding="utf-8")
    monkeypatch.setenv("API_KEY_FILE", str(project / "key"))
    assert Settings(_env_file=".env").api_key.get_secret_value() == "from-file"
    monkeypatch.setenv("API_KEY", "from-environment")
    assert Settings(_env_file=".env").api_key.get_secret_value() == "from-environment"


def test_only_a_secret_has_a_file_form(project, monkeypatch):
    (project / "alias").write_text("challenger", encoding="utf-8")
    monkeypatch.setenv("MODEL_ALIAS_FILE", str(project / "alias"))
    assert get_settings().model_alias == "production"


def test_a_secret_never_prints(project, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "mysql://user:hunter2@db/name")
    monkeypatch.setenv("API_KEY", "hunter2")
    assert "hunter2" not in repr(get_settings())
    assert "hunter2" not in get_settings().model_dump_json()


@pytest.mark.parametrize(
    ("given", "port"),
    [({}, 8000), ({"API_PORT": "8001"}, 8001), ({"API_PORT": "8001", "PORT": "80"}, 80)],
)
def test_port_wins_over_api_port(given, port, project, monkeypatch):
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    assert get_settings().api_port == port


@pytest.mark.parametrize(
    ("given", "served"),
    [
        ({"ROOKERY_TASK": "houses"}, ["houses"]),
        ({"MODEL_NAME": "adult"}, ["adult"]),
        ({"MODEL_NAME": "adult", "MODEL_NAMES": "penguins, houses,"}, ["penguins", "houses"]),
        ({"MODEL_NAME": "adult", "MODEL_NAMES": ""}, ["adult"]),
    ],
)
def test_the_served_models_are_the_most_particular_setting(given, served, project, monkeypatch):
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    assert get_settings().served_models == served


@pytest.mark.parametrize(
    ("given", "hosts"), [("ml.lan, proxy ,", ["ml.lan", "proxy"]), ("*", ["*"]), (" , ", None)]
)
def test_further_hosts_of_the_api_are_divided_by_commas(given, hosts, project, monkeypatch):
    monkeypatch.setenv("API_ALLOWED_HOSTS", given)
    assert get_settings().api_allowed_hosts == hosts


@pytest.mark.parametrize("name", sorted(set(variables()) - {"MLFLOW_TRACKING_URI", "MLFLOW_URL"}))
def test_set_but_empty_is_not_set(name, project, monkeypatch):
    before = get_settings()
    monkeypatch.setenv(name, "")
    get_settings.cache_clear()
    assert get_settings() == before


@pytest.mark.parametrize("name", ["MLFLOW_TRACKING_URI", "MLFLOW_URL"])
def test_the_same_server_may_be_named_twice(name, project, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://mlflow:5005")
    monkeypatch.setenv("MLFLOW_URL", "http://mlflow:5005")
    monkeypatch.setenv(name, "http://mlflow:5005/")
    assert get_settings().tracking_uri.startswith("http://mlflow:5005")


# what is refused


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"MLFLOW_TRACKING_URI": ""}, ["MLFLOW_TRACKING_URI", "empty"]),
        ({"MLFLOW_URL": ""}, ["MLFLOW_URL", "empty"]),
        (
            {"MLFLOW_TRACKING_URI": "http://a:5005", "MLFLOW_URL": "http://b:5005"},
            ["'http://a:5005'", "'http://b:5005'"],
        ),
        ({"MLFLOW_URL": "localhost:5005"}, ["MLFLOW_URL", "did you mean http://localhost:5005?"]),
        (
            {"ARTIFACTS_DESTINATION": "s3://mlflows3"},
            ["ARTIFACTS_DESTINATION", "begin with wasbs://"],
        ),
        (
            {"ARTIFACTS_DESTINATION": CONTAINER},
            ["ARTIFACTS_DESTINATION", "AZURE_STORAGE_CONNECTION_STRING is missing"],
        ),
        ({"AZURE_STORAGE_CONNECTION_STRING": "AccountName=a1b"}, ["AccountKey", "are missing"]),
        ({"API_PORT": "eight"}, ["API_PORT", "'eight'"]),
        ({"PORT": "eight"}, ["PORT", "'eight'"]),
        ({"API_STRICT": "perhaps"}, ["API_STRICT", "'perhaps'"]),
        ({"API_MAX_ROWS": "0"}, ["API_MAX_ROWS", "'0'"]),
        ({"RELOAD_SECONDS": "-1"}, ["RELOAD_SECONDS", "'-1'"]),
        ({"RELOAD_SECONDS": "inf"}, ["RELOAD_SECONDS", "'inf'"]),
        ({"API_PORT": "70000"}, ["API_PORT", "'70000'"]),
        ({"MODEL_ALIAS": "latest"}, ["MODEL_ALIAS", "'latest'", "reserves"]),
        ({"MODEL_ALIAS": "v2"}, ["MODEL_ALIAS", "'v2'", "reserves"]),
    ],
)
def test_a_wrong_value_is_refused_with_its_name(given, named, project, monkeypatch):
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(InputError) as refusal:
        get_settings()
    assert [part for part in named if part not in refusal.value.message] == []
    assert refusal.value.exit_code == 2


def test_azure_is_where_artifacts_go_and_its_key_never_prints(project, monkeypatch):
    (project / "azure").write_text("UseDevelopmentStorage=true\n", encoding="utf-8")
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING_FILE", "azure")
    monkeypatch.setenv("ARTIFACTS_DESTINATION", f"{CONTAINER}/")
    settings = get_settings()
    assert settings.artifact_root == CONTAINER
    assert settings.azure[1].key == EMULATOR_KEY
    assert EMULATOR_KEY not in repr(settings) + settings.model_dump_json() + repr(settings.azure)


def test_a_server_keeps_artifacts_in_azure_itself_and_needs_no_key_here(project, monkeypatch):
    monkeypatch.setenv("ARTIFACTS_DESTINATION", CONTAINER)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://mlflow:5005")
    assert (get_settings().artifact_root, get_settings().azure) == (None, None)


@pytest.mark.parametrize(
    ("content", "fault"),
    [(None, "No such file"), (b"", "empty"), (b" \n", "empty"), (b"\xff\xfe", "not UTF-8")],
)
def test_a_secret_file_without_a_secret_is_refused(content, fault, project, monkeypatch):
    if content is not None:
        (project / "key").write_bytes(content)
    monkeypatch.setenv("API_KEY_FILE", "key")
    with pytest.raises(InputError, match=f"API_KEY_FILE names 'key'.*{fault}"):
        get_settings()


def test_a_dotenv_that_is_not_text_is_refused(project):
    (project / ".env").write_bytes(b"API_KEY=\xff")
    with pytest.raises(InputError, match=r"\.env is not UTF-8 text"):
        get_settings()
