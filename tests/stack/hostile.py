"""Backups as somebody would write them who wants into the stack that they are restored to."""

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.stack.maintenance import backups
from tests.stack.stack import Stack

from rookery.stack.maintenance.members import KEY
from rookery.stack.tables import RIGHTS as OWN_RIGHTS

TABLE_PROGRAMS = r"""
DELIMITER //
CREATE TRIGGER t BEFORE INSERT ON feedback FOR EACH ROW SET NEW.who = 'me'//
CREATE PROCEDURE p() SQL SECURITY DEFINER DELETE FROM feedback//
CREATE FUNCTION f() RETURNS INT DETERMINISTIC RETURN 1//
CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO DELETE FROM feedback//
"""
RIGHTS = r"""
GRANT ALL ON `my\_app\_db`.* TO rookery_api WITH GRANT OPTION;
GRANT ALL ON feedback TO rookery_api WITH GRANT OPTION;
GRANT UPDATE (output) ON predictions TO rookery_api;
GRANT PROXY ON my_app_user TO rookery_api;
ALTER USER USER() IDENTIFIED BY 'known-to-a-stranger';
"""
OWN_GRANTS = sorted(
    f"GRANT {rights} ON {place} TO `rookery_api`@`%`"
    for place, rights in {
        "*.*": "USAGE",
        **{f"`my_app_db`.`{table}`": rights for table, rights in OWN_RIGHTS.items()},
    }.items()
)
USERS = """
CREATE TABLE kept AS SELECT * FROM users;
INSERT INTO users (username, password_hash, is_admin)
    SELECT 'stranger', password_hash, true FROM users WHERE username = 'admin';
UPDATE users SET password_hash = 'known', is_admin = username <> 'admin' WHERE username IN
    ('admin', 'rookery_api')
"""
NO_USERS = """
DELETE FROM users WHERE username = 'stranger';
UPDATE users SET password_hash = kept.password_hash, is_admin = kept.is_admin
    FROM kept WHERE kept.id = users.id;
DROP TABLE kept
"""
# pg_restore fills the view at the end, and so calls the function as the role that it works as
PROGRAMS = """
CREATE FUNCTION act() RETURNS int LANGUAGE plpgsql AS $$ BEGIN
    IF current_setting('application_name') = 'pg_restore' THEN
        ALTER ROLE mlflow_user PASSWORD 'known-to-a-stranger';
        ALTER ROLE mlflow_user SET search_path = elsewhere, public;
        ALTER DATABASE mlflow_db SET search_path = elsewhere, public;
    END IF;
    RETURN 1;
END $$;
CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER keep BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION keep();
CREATE MATERIALIZED VIEW run AS SELECT act()
"""
NO_PROGRAMS = """
DROP MATERIALIZED VIEW run; DROP TRIGGER keep ON users; DROP FUNCTION keep; DROP FUNCTION act
"""


def plain(stack: Stack) -> Path:
    """A backup of what the stack holds."""
    there = backups(stack)
    stack.compose("run", "--rm", "-T", "backup")
    (made,) = backups(stack) - there
    return made


def rewritten(backup: Path, name: str, change: Callable[[bytes], bytes]) -> Path:
    """The backup with one file changed, and a manifest that fits."""
    data = change((backup / name).read_bytes())
    (backup / name).write_bytes(data)
    manifest = json.loads((backup / "manifest.json").read_text())
    manifest["files"][name] = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    (backup / "manifest.json").write_text(json.dumps(manifest))
    return backup


def with_programs(packed: bytes) -> bytes:
    return gzip.compress(gzip.decompress(packed) + TABLE_PROGRAMS.encode())


def drop_programs(stack: Stack) -> None:
    for program in ("TRIGGER t", "PROCEDURE p", "FUNCTION f", "EVENT e"):
        stack.mysql(f"DROP {program}")


def with_rights(packed: bytes) -> bytes:
    return gzip.compress(gzip.decompress(packed) + RIGHTS.encode())


def with_link(_packed: bytes) -> bytes:
    """A regular object in front: it must not be uploaded either."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as tar:
        for name, kind in (("a", tarfile.REGTYPE), ("b", tarfile.SYMTYPE)):
            member = tarfile.TarInfo(name)
            member.type, member.linkname, member.pax_headers = kind, "/run/keys", {KEY: name}
            tar.addfile(member)
    return target.getvalue()


def grants(stack: Stack) -> list[str]:
    """The rights of the API's account, as root sees them."""
    asked = (
        'MYSQL_PWD="$(cat /run/keys/root_password)" mysql --user=root --protocol=socket '
        '--skip-column-names --execute="SHOW GRANTS FOR rookery_api"'
    )
    return sorted(stack.execute("mysql", "sh", "-c", asked).stdout.splitlines())


@contextmanager
def planted(stack: Stack, sow: str, weed: str) -> Iterator[None]:
    """Something in MLflow's database while the block runs; the scripts return no rows."""
    stack.postgres(f"{sow}; SELECT 1")
    try:
        yield
    finally:
        stack.postgres(f"{weed}; SELECT 1")
