"""Starts that are killed, disks that are full and a bucket that is gone, on a stack of their own.

Its data volumes are small and in memory, its ports are any that are free.
"""

import os
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError
from tests.stack import faults
from tests.stack.conftest import give_to
from tests.stack.faults import TASK, Asking, told
from tests.stack.stack import Stack, copy_checkout, free_ports, wait_until

SMALL_DISK = Path("tests", "stack", "small-disk.yaml")
MEGABYTE = 1 << 20


@pytest.fixture(scope="module")
def small(promoted, tmp_path_factory):
    """A second stack, not started yet; it uses the images that the first one has built."""
    folder = tmp_path_factory.mktemp("small disks")
    ports = free_ports()
    copy_checkout(folder)
    for shared in ("notebooks", "tasks", "configs", "backups"):
        give_to(folder / shared, 1000)
    environment = {
        **{name: str(port) for name, port in ports.items()},
        "MODEL_NAME": TASK,
        "COMPOSE_PROJECT_NAME": "rookery-small-disks",
        "COMPOSE_FILE": os.pathsep.join(["docker-compose.yaml", str(SMALL_DISK)]),
    }
    stack = Stack(folder, ports, environment)
    take_down(stack)
    try:
        yield stack
    finally:
        take_down(stack)


def take_down(stack):
    stack.compose("--profile", "maintenance", "down", "--volumes", "--remove-orphans")


@pytest.fixture(scope="module")
def running(small):
    """The second stack, whose API serves a promoted version of the task."""
    small.up()
    faults.add_task(small)
    wait_until(lambda: small.api("GET", "/ready").status_code == 200, "the API is ready")
    return small


def kill_when_it_runs(stack, service):
    """SIGKILL to a one-shot as soon as it runs; a start that goes on meanwhile fails by it."""
    name = f"{stack.environment['COMPOSE_PROJECT_NAME']}-{service}-1"
    wait_until(
        lambda: stack.run("docker", "kill", "-s", "KILL", name, check=False).returncode == 0,
        f"{service} runs",
        seconds=120,
    )


def test_one_shots_killed_during_the_first_start_are_made_up_for_by_the_next(small):
    for service in ("keys", "mysql-setup", "minio-setup", "mlflow-migrate"):
        up = small.start("up", "--detach")
        kill_when_it_runs(small, service)
        _, said = up.communicate(timeout=180)
        assert up.returncode == 1
        assert f'service "{service}" didn\'t complete successfully: exit 137' in said
    small.up()
    small.wait_healthy()


def test_the_api_of_a_new_stack_names_the_command_that_promotes(small):
    small.up()
    small.wait_healthy()
    answer = small.api("GET", "/ready")
    assert answer.status_code == 503
    assert answer.json()["next"] == f"rookery promote {TASK}", answer.text


def test_two_starts_at_once_and_one_after_them_leave_all_as_it_was(small):
    small.up()
    small.wait_healthy()
    secrets = [small.password, small.key("mlflow", "mlflow_s3_secret_key")]
    small.compose("stop")
    both = [small.start("up", "--detach") for _ in range(2)]
    for up in both:  # one may lose a race for a container: what stands afterwards counts
        up.communicate(timeout=300)
    small.up()
    small.wait_healthy()
    assert [small.password, small.key("mlflow", "mlflow_s3_secret_key")] == secrets
    assert small.mlflow("experiments/get", params={"experiment_id": "0"}).status_code == 200
    assert small.rookery("status").returncode == 0


def write_rows(stack, bytes_):
    """A CSV file of about so many bytes with the columns of the penguins; its path."""
    program = f"""
row = "x" * 4000 + ",Dream,{{}},18.7,181,3750,male,2007"
with open("/tmp/large.csv", "w") as file:
    print("species,island,bill_length_mm,bill_depth_mm,flipper_length_mm,body_mass_g,sex,year",
          file=file)
    for number in range({bytes_} // 4000):
        print(row.format(number), file=file)
"""
    stack.execute("jupyter", "python", "-c", program)
    return "/tmp/large.csv"


def test_a_table_larger_than_the_disk_is_refused_and_the_old_rows_stay(running):
    large = write_rows(running, 200 * MEGABYTE)
    before = running.mysql(f"CHECKSUM TABLE {TASK}_raw, {TASK}_clean, {TASK}_rejected")
    with Asking(running):
        done = running.rookery("ingest", TASK, "--from", large, check=False)
    assert done.returncode == 1
    message = told(done.stderr)
    assert "the database at mysql://my_app_user:***@mysql:3306/my_app_db failed" in message
    assert "is full (1114)" in message
    assert running.mysql(f"CHECKSUM TABLE {TASK}_raw, {TASK}_clean, {TASK}_rejected") == before
    running.execute("jupyter", "rm", large)
    assert running.rookery("run", TASK).returncode == 0
    faults.assert_sound(running)


@pytest.fixture
def full_store(running):
    """The object store, filled through the jobs' user to the last megabyte."""
    try:
        # the store itself refuses what leaves too little, or the disk what it let in, sometimes
        # in the middle of a body
        with pytest.raises(ClientError, match=r"XMinioStorageFull|no space left|IncompleteBody"):
            fill(running.s3("jobs"))
        yield
    finally:
        root = as_root(running)
        filling = {"Objects": every(root, "api-artifacts")}
        root.delete_objects(Bucket="api-artifacts", Delete=filling)


def fill(store):
    for number in range(100):
        store.put_object(Bucket="api-artifacts", Key=f"filling/{number}", Body=os.urandom(MEGABYTE))


def as_root(stack):
    return boto3.client(
        "s3",
        endpoint_url=stack.address("MINIO_PORT"),
        aws_access_key_id=stack.key("minio", "root_user"),
        aws_secret_access_key=stack.key("minio", "root_password"),
        region_name="us-east-1",
    )


def every(root, bucket):
    """All versions of all objects, and what marks them as deleted."""
    pages = root.get_paginator("list_object_versions").paginate(Bucket=bucket)
    return [
        {"Key": found["Key"], "VersionId": found["VersionId"]}
        for page in pages
        for found in (*page.get("Versions", []), *page.get("DeleteMarkers", []))
    ]


def test_a_full_object_store_fails_a_sweep_and_half_registers_nothing(running, full_store):
    versions = count_versions(running)
    with Asking(running) as asking:
        assert_sweep_refused(running)
    assert set(asking.versions) == {running.production(TASK)}
    assert count_versions(running) == versions
    faults.assert_sound(running)


def test_a_store_with_room_again_takes_sweeps_again(running):
    running.rookery("run", TASK)
    faults.assert_sound(running)


def count_versions(stack):
    return stack.postgres("SELECT count(*) FROM model_versions")


def assert_sweep_refused(stack):
    done = stack.rookery("sweep", TASK, "--no-cross-validate", check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "MLflow at http://mlflow:5005 answers 500" in told(done.stderr)
    assert "its object store" in told(done.stderr)


def test_a_bucket_that_is_gone_fails_a_sweep_and_the_set_up_makes_it_again(running):
    root, here = as_root(running), {"Bucket": "mlflows3"}
    for start in range(0, len(found := every(root, "mlflows3")), 1000):
        root.delete_objects(**here, Delete={"Objects": found[start : start + 1000]})
    root.delete_bucket(**here)
    versions = count_versions(running)
    with Asking(running):
        assert_sweep_refused(running)
        assert count_versions(running) == versions
        running.compose("run", "--rm", "minio-setup")
    assert root.get_bucket_versioning(**here)["Status"] == "Enabled"
    done = running.rookery("sweep", TASK, "--no-cross-validate", "--json", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
