"""The members of a tar file of objects, each looked at before anything is done with it."""

import re
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from rookery.stack.maintenance.files import damaged
from rookery.stack.maintenance.terminal import printable

# https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html: keywords of a vendor
KEY, TYPE, TAG = "ROOKERY.key", "ROOKERY.content-type", "ROOKERY.meta."
# https://www.rfc-editor.org/rfc/rfc9110#section-5: a line end would begin a header of its own
HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
HEADER_VALUE = re.compile("[\t -~\x80-\xff]*")


def members(source: Path) -> Iterator[tuple[tarfile.TarInfo, IO[bytes]]]:
    """Every member with its contents.

    Raises:
        InputError: the file is no tar file, or a member is not one that a backup writes.
    """
    room = source.stat().st_size
    with _damage_named(source), tarfile.open(source, "r:") as tar:
        for member in tar:
            if wrong := fault(member, room):
                raise ValueError(f"member {printable(member.name)} {wrong}")
            room -= member.size
            body = tar.extractfile(member)
            assert body is not None
            yield member, body


@contextmanager
def _damage_named(source: Path) -> Iterator[None]:
    try:
        yield
    except (tarfile.TarError, ValueError, OverflowError) as error:
        said = f"{source.parent.name}/{source.name}: {printable(str(error))}"
        raise damaged(source.parent.parent, said) from error


def check(source: Path) -> None:
    """Looks at all members, and reads the contents of none.

    Raises:
        InputError: the file is no tar file, or a member is not one that a backup writes.
    """
    for _ in members(source):
        pass


def fault(member: tarfile.TarInfo, room: int) -> str:
    """What is wrong with a member of a file that has so many bytes left; empty if nothing is."""
    key = member.pax_headers.get(KEY, "")
    if member.type != tarfile.REGTYPE or member.issparse():
        return "is not a regular file"
    if not 0 <= member.size <= room:
        return f"claims {member.size} bytes, where the file has {room} left"
    if not key or key.rstrip("/") != member.name.rstrip("/"):
        return "has not the key of its name"
    if key.startswith("/") or ".." in key.split("/"):
        return "has a key that leads out of its bucket"
    return _header_fault(member.pax_headers)


def _header_fault(headers: Mapping[str, str]) -> str:
    tags = {name.removeprefix(TAG): text for name, text in headers.items() if name.startswith(TAG)}
    legal = all(map(HEADER_NAME.fullmatch, tags))
    if legal and all(map(HEADER_VALUE.fullmatch, (headers.get(TYPE, ""), *tags.values()))):
        return ""
    return "has a type or a tag that is no header"
