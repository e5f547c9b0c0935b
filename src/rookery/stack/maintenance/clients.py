"""The stores' own programs, which write a dump and read it back.

Passwords reach them by the environment or a file that only this user reads, never by an argument.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from os import environ, fstat
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen
from tempfile import NamedTemporaryFile, TemporaryFile
from typing import IO

from sqlalchemy.engine import URL, Engine

from rookery.errors import Unavailable
from rookery.stack.maintenance.terminal import printable

CHUNK = 1 << 20
# the collation of names and texts goes through as bytes; large texts need large packets
MYSQL = ("--default-character-set=utf8mb4", "--max-allowed-packet=1G")


def dump_mysql(engine: Engine) -> Iterator[bytes]:
    """All tables and views as SQL, in one consistent transaction.

    Raises:
        Unavailable: the database is away, or a table was changed meanwhile.
    """
    url = engine.url
    with _mysql_options(url) as options:
        command = ["mariadb-dump", f"--defaults-extra-file={options}", *MYSQL]
        command += ["--single-transaction", "--quick", "--hex-blob", "--skip-triggers"]
        command += ["--no-tablespaces", "--skip-dump-date", str(url.database)]
        yield from _output(command)


def load_mysql(engine: Engine, statements: Iterable[bytes]) -> None:
    """Runs a dump, which can have the client read no file and run no program.

    Raises:
        Unavailable: the database is away or refuses; what ran before stays.
    """
    url = engine.url
    with _mysql_options(url) as options:
        command = ["mariadb", f"--defaults-extra-file={options}", *MYSQL]
        command += ["--batch", "--binary-mode", "--sandbox", "--local-infile=0"]
        command += [f"--database={url.database}"]
        _feed(command, statements)


def dump_postgres(engine: Engine, snapshot: str) -> Iterator[bytes]:
    """The whole database in Postgres' own format, as of a snapshot that is held elsewhere.

    Raises:
        Unavailable: the database is away or refuses.
    """
    command = ["pg_dump", *_postgres_place(engine.url), f"--snapshot={snapshot}"]
    command += ["--format=custom", "--no-owner", "--no-privileges", "--lock-wait-timeout=60000"]
    return _output(command, _postgres_password(engine.url))


def load_postgres(engine: Engine, dump: Path) -> None:
    """Runs a dump in one transaction, without psql, to whose commands it could break out.

    Raises:
        Unavailable: the database is away or refuses.
    """
    command = ["pg_restore", *_postgres_place(engine.url), "--format=custom", "--no-owner"]
    command += ["--no-privileges", "--single-transaction", str(dump)]
    with _running(command, _postgres_password(engine.url), stdin=DEVNULL, stdout=DEVNULL):
        pass


def _postgres_place(url: URL) -> list[str]:
    place = {"host": url.host, "port": url.port, "username": url.username, "dbname": url.database}
    return ["--no-password", *(f"--{name}={value}" for name, value in place.items())]


def _postgres_password(url: URL) -> dict[str, str]:
    return {"PGPASSWORD": str(url.password), "PGCONNECT_TIMEOUT": "10"}


@contextmanager
def _mysql_options(url: URL) -> Iterator[str]:
    """A file of options. The server signs its certificate itself: encrypted, yet not verified."""
    quoted = str(url.password).replace("\\", "\\\\").replace('"', '\\"')
    place = f'host={url.host}\nport={url.port or 3306}\nuser={url.username}\npassword="{quoted}"\n'
    with NamedTemporaryFile("w", suffix=".cnf") as file:
        file.write(f"[client]\n{place}ssl-verify-server-cert=0\n")
        file.flush()
        yield file.name


def _output(command: list[str], variables: Mapping[str, str] | None = None) -> Iterator[bytes]:
    with _running(command, variables, stdin=DEVNULL, stdout=PIPE) as process:
        assert process.stdout is not None
        while chunk := process.stdout.read(CHUNK):
            yield chunk


def _feed(command: list[str], chunks: Iterable[bytes]) -> None:
    with _running(command, {}, stdin=PIPE, stdout=DEVNULL) as process:
        assert process.stdin is not None
        try:
            for chunk in chunks:
                process.stdin.write(chunk)
            process.stdin.close()
        except BrokenPipeError:  # it has ended; what it said is the reason
            process.wait()


@contextmanager
def _running(
    command: list[str], variables: Mapping[str, str] | None, stdin: int, stdout: int
) -> Iterator[Popen[bytes]]:
    """A client; killed where the block ends early, so that half a script is not taken for all."""
    with TemporaryFile() as said:
        process = Popen(  # noqa: S603 - our own words, no shell
            command, stdin=stdin, stdout=stdout, stderr=said, env={**environ, **(variables or {})}
        )
        try:
            yield process
        except BaseException:
            process.kill()
            raise
        finally:
            code = process.wait()
            for pipe in (process.stdin, process.stdout):
                _close(pipe)
        if code:
            raise Unavailable(
                f"{command[0]} ended with {code}: {_reason(said)}",
                value=command[0],
                next="docker compose ps --all; docker compose logs postgres mysql",
            )


def _close(pipe: IO[bytes] | None) -> None:
    try:
        if pipe:
            pipe.close()
    except BrokenPipeError:  # of the part that was not sent yet
        return


def _reason(said: IO[bytes]) -> str:
    """The last lines that a client wrote, as one."""
    said.seek(max(0, fstat(said.fileno()).st_size - 2000))
    lines = said.read().decode(errors="replace").strip().splitlines()
    return printable(" ".join(lines[-3:])) or "it said nothing"
