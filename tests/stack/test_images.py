"""What the images and containers of the stack are made of, and what they are not allowed."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from tests.stack.stack import ONE_SHOTS, ROOT, SERVERS, Stack, copy_checkout

OURS = ("fastapi", "jupyter", "mlflow", "minio", "minio-setup")
IN_PYTHON = ("fastapi", "jupyter", "mlflow")
LOCKS = [
    *sorted(ROOT / folder / "requirements.txt" for folder in (*IN_PYTHON, "minio")),
    ROOT / "fastapi" / "maintenance.txt",
    ROOT / "requirements" / "build.txt",
    *(ROOT / "deploy" / "image" / f"{name}.txt" for name in ("converted", "pipeline", "sbom")),
]
MAINTENANCE = ("backup", "restore")
ARCHITECTURE = re.compile(r"amd64|x86|i[36]86|aarch64|arm64|armv7|platform_machine", re.IGNORECASE)
ANOTHER = "aarch64-manylinux_2_36"  # Debian trixie on arm64
# what belongs to notebooks, plots and servers of another kind
NOT_IN_THE_API = [
    "IPython",
    "ipykernel",
    "jupyter_server",
    "jupyterlab",
    "papermill",
    "notebook",
    "matplotlib",
    "seaborn",
    "pyarrow",
    "flask",
    "gunicorn",
    "waitress",
    "alembic",
    "graphene",
    "docker",
    "boto3",
    "pip",
    "setuptools",
    "hatchling",
    "pytest",
]
PROCESSES = """
for folder in /proc/[0-9]*; do
    grep -E '^(Uid|CapEff|CapPrm|CapBnd|NoNewPrivs):' "$folder/status" || [ ! -e "$folder" ]
done
"""
UNCOMPILED = """
import importlib.util, pathlib
roots = map(pathlib.Path, ("/opt/venv/lib", "/opt/rookery"))
found = [str(path) for root in roots for path in root.rglob("*.py")]
compiled = map(pathlib.Path, map(importlib.util.cache_from_source, found))
print(len(found), *(source for source, code in zip(found, compiled) if not code.is_file()))
"""


@pytest.fixture(scope="module")
def values(promoted: Stack) -> dict[str, str]:
    """Every secret of the stack, by where it was read; addresses with a password among them."""
    found = {}
    for service in SERVERS:
        for name in promoted.execute(service, "ls", "/run/keys").stdout.split():
            found[f"{service}/{name}"] = promoted.key(service, name)
    return found


def leaks(values: dict[str, str], text: str) -> list[str]:
    """Names of the secrets in the text, never their values: a failure is printed in logs."""
    return [name for name, value in values.items() if value in text]


# --- portable


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def build_files() -> list[Path]:
    patterns = (
        "*/Dockerfile",
        "services/*/Dockerfile",
        "deploy/*/Dockerfile",
        "*/*.sh",
        "requirements/*.txt",
    )
    found = {path for pattern in patterns for path in ROOT.glob(pattern)}
    # it asks for one image after the other, for each processor
    found.discard(ROOT / "scripts" / "release_images.sh")
    return sorted({ROOT / "docker-compose.yaml", *LOCKS, *found})


@pytest.mark.parametrize("path", build_files(), ids=name_of)
def test_no_file_that_an_image_is_made_of_names_an_architecture(path):
    assert ARCHITECTURE.findall(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("lock", LOCKS, ids=name_of)
def test_every_pinned_package_has_a_wheel_for_arm64_or_is_mysqlclient(lock, tmp_path):
    """mysqlclient has no wheels for any Linux: the images build it."""
    # --dry-run resolves against the registry with the hashes of the lock, and installs nothing
    command = [sys.executable, "-m", "uv", "pip", "install", "--dry-run", "--no-deps"]
    options = ["--require-hashes", "--only-binary=:all:", "--no-binary=mysqlclient"]
    target = ["--python-platform", ANOTHER, "--python-version", "3.13", "--target", str(tmp_path)]
    done = subprocess.run(
        [*command, *options, *target, "-r", str(lock)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "Would install" in done.stderr


def test_no_image_is_named_latest_or_by_a_digest(promoted):
    for image in promoted.compose("config", "--images").stdout.split():
        assert ":" in image
        assert not image.endswith(":latest")
        assert "@sha256" not in image


# --- secrets


@pytest.mark.parametrize("service", OURS)
def test_no_secret_is_in_an_image(promoted, values, service):
    image = promoted.containers()[service]["Image"]
    told = promoted.run("docker", "history", "--no-trunc", image).stdout
    told += promoted.run("docker", "image", "inspect", image).stdout
    assert leaks(values, told) == []


def test_no_secret_is_in_what_docker_or_compose_say_of_the_containers(promoted, values):
    ids = promoted.compose("ps", "--all", "--quiet").stdout.split()
    assert leaks(values, promoted.run("docker", "inspect", *ids).stdout) == []
    assert leaks(values, promoted.compose("config").stdout) == []


@pytest.mark.parametrize("service", [*SERVERS, *ONE_SHOTS])
def test_no_secret_is_in_a_log_but_the_password_that_welcome_is_there_to_say(
    promoted, values, service
):
    log = promoted.run("docker", "logs", promoted.containers()[service]["Id"])
    found = leaks(values, log.stdout + log.stderr)
    allowed = {"jupyter/password", "mlflow/admin_password"} if service == "welcome" else set()
    assert set(found) == allowed


# --- rights


@pytest.mark.parametrize("service", [*SERVERS, *ONE_SHOTS])
def test_a_container_is_given_no_rights_and_bounded_resources(promoted, service):
    container = promoted.containers()[service]
    host = container["HostConfig"]
    user, _, group = container["Config"]["User"].partition(":")
    assert int(user) > 0
    assert int(group) > 0
    assert host["ReadonlyRootfs"] is True
    assert host["Privileged"] is False
    assert host["CapDrop"] == ["ALL"]
    assert not host["CapAdd"]
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert 0 < host["Memory"] <= 4 * 2**30
    assert host["LogConfig"]["Config"] == {"max-size": "10m", "max-file": "3"}
    assert not any(mount["Source"].endswith("docker.sock") for mount in container["Mounts"])


@pytest.mark.parametrize("service", MAINTENANCE)
def test_a_container_of_maintenance_would_be_given_no_more(promoted, service):
    config = promoted.compose("--profile", "maintenance", "config", "--format", "json").stdout
    wanted = json.loads(config)["services"][service]
    assert wanted["user"] == "1000:1000"
    assert wanted["read_only"] is True
    assert wanted["cap_drop"] == ["ALL"]
    assert wanted["security_opt"] == ["no-new-privileges:true"]
    assert wanted.keys().isdisjoint({"privileged", "cap_add", "devices", "ports", "pid", "ipc"})
    assert 0 < int(wanted["mem_limit"]) <= 4 * 2**30
    assert wanted["logging"]["options"] == {"max-size": "10m", "max-file": "3"}
    assert wanted["restart"] == "no"
    writable = {mount["target"] for mount in wanted["volumes"] if not mount.get("read_only")}
    assert writable == ({"/backups"} if service == "backup" else set())
    assert not any(mount["source"].endswith("docker.sock") for mount in wanted["volumes"])


@pytest.mark.parametrize("service", SERVERS)
def test_no_process_is_root_or_can_become_it(promoted, service):
    said = promoted.execute(service, "sh", "-c", PROCESSES).stdout
    lines = [line.split() for line in said.splitlines()]
    assert {line[0] for line in lines} == {"Uid:", "CapEff:", "CapPrm:", "CapBnd:", "NoNewPrivs:"}
    for name, *numbers in lines:
        if name == "Uid:":
            assert "0" not in numbers
        elif name == "NoNewPrivs:":
            assert numbers == ["1"]
        else:
            assert int(numbers[0], 16) == 0


@pytest.mark.parametrize("service", SERVERS)
@pytest.mark.parametrize("folder", ["/", "/usr/bin", "/opt", "/etc", "/run/keys"])
def test_a_container_cannot_write_into_its_own_image_or_keys(promoted, service, folder):
    wrote = promoted.execute(service, "touch", f"{folder}/mine", check=False)
    assert wrote.returncode != 0
    assert "Read-only file system" in wrote.stderr


@pytest.mark.parametrize("service", SERVERS)
def test_servers_come_back_and_one_shots_do_not(promoted, service):
    containers = promoted.containers()
    assert containers[service]["HostConfig"]["RestartPolicy"]["Name"] == "unless-stopped"
    for name in ONE_SHOTS:
        assert containers[name]["HostConfig"]["RestartPolicy"]["Name"] == "no"


# --- contents


@pytest.mark.parametrize("package", NOT_IN_THE_API)
def test_the_image_of_the_api_carries_nothing_that_it_does_not_need(promoted, package):
    asked = f"import importlib.util as util; print(util.find_spec({package!r}))"
    assert promoted.execute("fastapi", "python", "-c", asked).stdout.strip() == "None"


def test_the_image_of_the_api_has_mlflow_as_a_client_only(promoted):
    asked = (
        "from importlib.metadata import distributions; print(*{d.name for d in distributions()})"
    )
    packages = promoted.execute("fastapi", "python", "-c", asked).stdout.split()
    assert "mlflow-skinny" in packages
    assert "mlflow" not in packages


@pytest.mark.parametrize("service", IN_PYTHON)
def test_every_module_of_an_image_is_compiled(promoted, service):
    found, *without = promoted.execute(service, "python", "-c", UNCOMPILED).stdout.split()
    assert int(found) > 1000
    # templates of code, which are no modules and do not compile
    assert [path for path in without if "/templates/" not in path] == []


@pytest.fixture(scope="module")
def changed_build(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """What the builder says of a second build, after a change in the source; own image names."""
    folder = tmp_path_factory.mktemp("changed")
    copy_checkout(folder)
    stack = Stack(folder, {}, {"IMAGE_PREFIX": "changed-source-"})
    build = ["--progress=plain", "build", "fastapi", "jupyter", "mlflow"]
    images = stack.compose("config", "--images").stdout.split()
    made = [name for name in images if name.startswith("changed-source-")]
    change = f"# {uuid4()}\n"  # which no builder has cached
    try:
        stack.compose(*build)
        for changed in ("src/rookery/errors.py", "mlflow/serve.py"):
            with (folder / changed).open("a") as source:
                source.write(change)
        done = stack.compose(*build)
        yield done.stdout + done.stderr
    finally:
        stack.run("docker", "image", "rm", *made, check=False)
        shutil.rmtree(folder)


@pytest.mark.parametrize("service", IN_PYTHON)
def test_a_change_of_source_reuses_the_layers_of_the_dependencies(changed_build, service):
    for step in (r"dependencies \d+/\d+\] RUN --mount", r"\S+ \d+/\d+\] COPY --from=dependencies"):
        assert steps(changed_build, rf"\[{service} {step}") == ["CACHED"]


@pytest.mark.parametrize("service", ["fastapi", "jupyter"])
def test_a_change_of_source_reaches_the_image(changed_build, service):
    (outcome,) = steps(changed_build, rf"\[{service} \S+ \d+/\d+\] COPY --from=package")
    assert outcome.startswith("DONE")


def steps(said: str, pattern: str) -> list[str]:
    """How the steps ended whose title fits: CACHED, or DONE and the seconds."""
    numbers = set(re.findall(rf"^#(\d+) {pattern}", said, re.MULTILINE))
    return [
        outcome
        for number in numbers
        for outcome in re.findall(rf"^#{number} (CACHED|DONE .*)$", said, re.MULTILINE)
    ]
