"""A process that logs until it is ended, and says each prediction that it has logged.

`python logging_process.py SPOOL URL COUNT`: SIGTERM stops the log in good order.
"""

import signal
import sys
import time
from pathlib import Path
from types import FrameType
from uuid import uuid4

from rookery.serving.prediction_log.log import PredictionLog
from rookery.serving.prediction_log.rows import Entry

GIVEN, SAID = b'{"a": 1}', b'{"prediction": "b"}'


def end(_signal: int, _frame: FrameType | None) -> None:
    log.stop()
    sys.exit(0)


log = PredictionLog(Path(sys.argv[1]), sys.argv[2])
log.start()
signal.signal(signal.SIGTERM, end)
for _ in range(int(sys.argv[3])):
    now, prediction_id = time.time_ns() // 1000, str(uuid4())
    log.add(Entry(prediction_id, now, "penguins", "3", GIVEN, SAID, 0.001))
    print(prediction_id, now, flush=True)
    time.sleep(0.001)  # a pace, no wait
print("done", flush=True)
signal.pause()
