"""A server whose connections break, that refuses new ones, and that comes back."""

import socket
import threading
from contextlib import suppress
from pathlib import Path

import sqlalchemy as sa
from tests import databases
from tests.integration.serving.conftest import eventually
from tests.integration.serving.prediction_log.conftest import Place, add


class Door:
    """A port that leads to a server, and that can be shut."""

    def __init__(self, host: str, port: int) -> None:
        self.server = (host, port)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.is_open = True
        self.ends: list[socket.socket] = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self.listener.accept()
                if not self.is_open:
                    near.close()
                    continue
                far = socket.create_connection(self.server)
                self.ends += [near, far]
                for source, target in ((near, far), (far, near)):
                    threading.Thread(target=pass_on, args=(source, target), daemon=True).start()

    def shut(self) -> None:
        self.is_open = False
        for end in self.ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


def pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)


def test_a_server_that_leaves_and_comes_back_has_each_prediction_once(tmp_path: Path):
    with databases.database("mysql", tmp_path) as direct:
        address = sa.make_url(direct)
        door = Door(str(address.host), int(address.port or 3306))
        through = address.set(host="127.0.0.1", port=door.port)
        place = Place(tmp_path / "spool", direct)
        log = place.log(url=through.render_as_string(hide_password=False))
        ids = add(log, 2000)
        eventually(lambda: place.stored())  # in the middle of it
        door.shut()
        ids |= add(log, 2000)
        eventually(lambda: log.last_error and log.written == 4000)
        door.is_open = True
        eventually(lambda: log.sent == 4000)
        log.stop()
        assert place.stored() == ids
        assert (log.lost, log.last_error) == (0, None)
