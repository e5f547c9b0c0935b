"""The seconds of imports that the registry needs, in one thread at a time.

MLflow's modules import each other in a circle: of two threads that begin at different ends, one
finds a module half made, and that import fails for the life of the process.
"""

import threading

_ONE_AT_A_TIME = threading.Lock()


def import_registry() -> None:
    """Imports what looks at the registry, before any of it is used."""
    with _ONE_AT_A_TIME:
        import rookery.stores.tracking  # noqa: F401


def import_loading() -> None:
    """Imports what loads a version too, scikit-learn among it: a hundred megabytes more."""
    with _ONE_AT_A_TIME:
        import rookery.serving.loading
        import rookery.stores.versions  # noqa: F401
