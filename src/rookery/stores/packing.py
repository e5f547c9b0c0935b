"""A fitted pipeline as the bytes that are stored: skops, deflated, and checked by our trust rule.

Apart from `models`, because the processes that fit need this and not MLflow.
"""

import zipfile
from typing import Any

import skops.io

from rookery.errors import Refused
from rookery.stores.trust import check_file


def pack(pipeline: Any) -> bytes:
    """The file of a model; uncompressed it would be 6 to 10 times larger.

    Raises:
        Refused: a part cannot be stored as data, or the API would not load it.
    """
    try:
        data: bytes = skops.io.dumps(pipeline, compression=zipfile.ZIP_DEFLATED, compresslevel=1)
    except Exception as error:  # skops raises whatever pickling a part would
        raise Refused(
            f"the model cannot be stored as skops: {type(error).__name__}: {error}",
            field="model",
            allowed="estimators and functions of an importable module",
        ) from error
    check_file(data)
    return data
