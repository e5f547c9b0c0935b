"""The predictor of a model's file that was kept; needs scikit-learn, and no MLflow."""

import hashlib

from rookery.core.served import Description
from rookery.serving.predictor.choosing import compile_predictor
from rookery.serving.predictor.interface import Predictor
from rookery.stores.packing import unpack


def predictor_from(data: bytes, description: Description) -> Predictor:
    """The fastest predictor that answers as the pipeline in the file does.

    Raises:
        Refused: it holds what may not be loaded. ValueError: it is not the described model.
    """
    if hashlib.sha256(data).hexdigest() != description.model_digest:
        raise ValueError("it is not the model that was kept")
    pipeline = unpack(data, f"{description.name} version {description.version}")
    return compile_predictor(pipeline, description.fields, description.example_row)
