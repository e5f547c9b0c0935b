"""A stop while a database is asked: it ends the job as a stop, whenever it comes."""

import os
import signal
import threading

import pytest

from rookery.jobs.stopping import stops_raise
from rookery.stores.database import connect
from rookery.stores.locks import take


@pytest.mark.parametrize("delay", [number / 1000 for number in range(40)])
def test_a_stop_is_a_stop_and_not_a_failure_of_the_database(database, delay, caplog, capfd):
    engine = connect(database)
    release = take(engine, "penguins")
    assert release is not None
    stopping = threading.Timer(delay, os.kill, (os.getpid(), signal.SIGTERM))

    def wait() -> None:
        with stops_raise():
            stopping.start()
            while True:
                assert take(engine, "penguins") is None

    with pytest.raises(KeyboardInterrupt, match="stopped by SIGTERM"):
        wait()
    stopping.join()
    # nothing is said of a cursor or a connection
    assert (caplog.text, capfd.readouterr()) == ("", ("", ""))
    release()
    again = take(engine, "penguins")
    assert again is not None
    again()
