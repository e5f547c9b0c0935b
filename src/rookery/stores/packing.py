"""A fitted pipeline as the bytes that are stored: skops, deflated, and checked by our trust rule.

Apart from `models` and `folders`, because what fits and what is packaged needs this and not MLflow.
"""

import zipfile
from typing import Any

import skops.io

from rookery.errors import Refused
from rookery.stores.trees import check_trees
from rookery.stores.trust import check_file, trusted_types


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


def unpack(data: bytes, name: str) -> Any:
    """The fitted pipeline, if every type in it is one that skops or our list allows.

    The list that MLflow keeps beside the model is never looked at: who can write the model can
    write that list. `name` is what the file is called in a refusal.

    Raises:
        Refused: a type that is not allowed, by name, or a file that cannot be read.
    """
    try:
        check_file(data)
        model = skops.io.loads(data, trusted=list(trusted_types()))
        check_trees(model)
    except Refused:
        raise
    except Exception as error:  # a broken or hostile file: skops raises whatever its parts do
        raise Refused(
            f"the model file cannot be read: {type(error).__name__}: {error}",
            field="model",
            value=name,
        ) from error
    return model
