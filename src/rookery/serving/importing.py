"""The seconds of imports that a look at the registry needs, in one thread at a time."""

import threading

_ONE_AT_A_TIME = threading.Lock()


def import_registry() -> None:
    """Imports what follows the registry, and loads models, before any of it is used.

    MLflow's modules import each other in a circle: of two threads that begin at different ends,
    one finds a module half made, and that import fails for the life of the process.
    """
    with _ONE_AT_A_TIME:
        import rookery.serving.loading
        import rookery.stores.tracking
        import rookery.stores.versions  # noqa: F401
