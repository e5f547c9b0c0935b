"""Makes every secret of the stack once, and hands each reader copies of its own.

The master stands in `/keys/all`, written before any copy is: whatever kills a run, the next one
completes it with the same values. The folders are volumes, one for each reader.
"""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from filelock import FileLock

from rookery.errors import InputError, Unavailable
from rookery.stack.disk import flush
from rookery.stack.oneshot import finish
from rookery.stack.passwords import check_chosen
from rookery.stack.readers import READERS, SECRETS, copies, places_of
from rookery.stack.settings import StackSettings, stack_settings

MODE = 0o444
MASTER = "all"
# variable: the secret that it chooses
CHOSEN = {"ROOKERY_PASSWORD": "password", "MYSQL_PASSWORD": "my_app_user_password"}
SHORTEST = 12  # which MLflow asks for


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the one-shot; the exit code says how it went."""
    parser = argparse.ArgumentParser(prog="python -m rookery.stack.keys", description=__doc__)
    parser.add_argument("--root", type=Path, default=Path("/keys"), help="default: /keys")
    root = parser.parse_args(arguments).root
    return finish(lambda: begin(root, stack_settings()))


def begin(root: Path, settings: StackSettings) -> str:
    """What the first one-shot does: nothing starts with settings that would fail later.

    Raises:
        InputError: artifacts cannot go where they are to, or as `hand_out`. Unavailable: the same.
    """
    settings.check_azure()
    return hand_out(root, chosen(settings))


def chosen(settings: StackSettings) -> dict[str, str]:
    """The values that the user has set, by the variable that set them."""
    given = {
        "ROOKERY_PASSWORD": settings.rookery_password,
        "MYSQL_PASSWORD": settings.mysql_password,
    }
    return {name: value.get_secret_value() for name, value in given.items() if value is not None}


def hand_out(root: Path, chosen: Mapping[str, str]) -> str:
    """Completes master and copies below `root`, and says in one line what it did.

    Raises:
        InputError: a chosen value differs from the stored one, or cannot be used as a password;
            nothing is changed then.
        Unavailable: a folder is missing, or a stored secret cannot be read.
    """
    for name in (MASTER, *READERS):
        _check_folder(root / name)
    with FileLock(root / MASTER / ".lock"):
        kept = _kept(root)
        _check_usable(kept, chosen)
        made = _made(kept, chosen)
        _write(root / MASTER, kept | made)
        written = [_write(root / reader, files) for reader, files in copies(kept | made).items()]
    return f"keys: {len(made)} secrets made, {len(kept)} kept; {sum(written)} copies written"


def _check_folder(folder: Path) -> None:
    if not folder.is_dir():
        raise Unavailable(
            f"there is no folder {folder}: secrets written elsewhere would be lost",
            value=str(folder),
            next=f"mount the volume for it at {folder} in docker-compose.yaml",
        )


def _kept(root: Path) -> dict[str, str]:
    """The secrets made before; one that the master has lost is taken back from a copy."""
    found = {}
    for name in SECRETS:
        places = (f"{MASTER}/{name}", *places_of(name))
        if secret := next(filter(None, (_stored(root / place) for place in places)), None):
            found[name] = secret
    return found


def _stored(path: Path) -> str | None:
    """What the file holds; None if there is none."""
    try:
        secret = path.read_text(encoding="ascii")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        secret = ""
    if not secret or not secret.isprintable():
        raise Unavailable(f"{path} does not hold a secret", value=str(path))
    return secret


def _check_usable(kept: Mapping[str, str], chosen: Mapping[str, str]) -> None:
    for variable, value in chosen.items():
        in_use = kept.get(CHOSEN[variable])
        if in_use is None:
            check_chosen(variable, value, shortest=SHORTEST)
        elif in_use != value:
            raise InputError(
                f"{variable} differs from the password in use, which was fixed when the volumes "
                "were made",
                field=variable,
                allowed="unset, or the value it had then",
                next=f"remove {variable} from .env; or `docker compose down -v`, which deletes "
                "the data too",
            )


def _made(kept: Mapping[str, str], chosen: Mapping[str, str]) -> dict[str, str]:
    """The secrets that are still missing: as the user has chosen them, else drawn."""
    wanted = {CHOSEN[variable]: value for variable, value in chosen.items()}
    return {name: wanted.get(name) or make() for name, make in SECRETS.items() if name not in kept}


def _write(folder: Path, files: Mapping[str, str]) -> int:
    """How many files had to be written; each is whole or not there at any moment."""
    wrong = [name for name, value in files.items() if not _holds(folder / name, value)]
    for name in wrong:
        try:
            _replace(folder / name, files[name])
        except OSError as error:
            raise Unavailable(
                f"{folder / name} cannot be written: {error.strerror}", value=str(folder / name)
            ) from error
    if wrong:  # a database may have stored a password before the power fails
        flush(folder)
    return len(wrong)


def _holds(path: Path, value: str) -> bool:
    if not path.is_file() or path.stat().st_mode & 0o777 != MODE:
        return False
    return path.read_bytes() == value.encode("ascii")


def _replace(path: Path, value: str) -> None:
    aside = path.with_name(f".{path.name}")
    aside.unlink(missing_ok=True)
    with aside.open("x", encoding="ascii", newline="") as file:
        file.write(value)
        file.flush()
        os.fchmod(file.fileno(), MODE)
        os.fsync(file.fileno())
    aside.replace(path)


if __name__ == "__main__":
    sys.exit(main())
