"""The seconds of imports that the registry needs, in one thread at a time.

MLflow's modules import each other in a circle: of two threads that begin at different ends, one
finds a module half made, and that import fails for the life of the process.
"""

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

_ONE_AT_A_TIME = threading.Lock()


@cache
def import_registry() -> None:
    """Imports what looks at the registry, before any of it is used."""
    with _importing():
        import rookery.stores.tracking  # noqa: F401


@cache
def import_loading() -> None:
    """Imports what loads a version too, scikit-learn among it: a hundred megabytes more."""
    with _importing():
        import rookery.serving.loading
        import rookery.stores.versions  # noqa: F401


@contextmanager
def _importing() -> Iterator[None]:
    """Modules stay, by the hundred thousand objects, and leave hardly any garbage.

    The collector would look at all of them several times while they come, and now and then ever
    after: a fifth of a second each time, in which no request is answered.
    """
    with _ONE_AT_A_TIME:
        gc.disable()
        try:
            yield
        finally:
            gc.freeze()
            gc.enable()
