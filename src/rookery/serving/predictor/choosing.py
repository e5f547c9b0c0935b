"""The fastest predictor that answers as the pipeline does."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from rookery.core.records import RecordField, Row
from rookery.serving.predictor import linear, reading_trees
from rookery.serving.predictor.compiled import Compiled
from rookery.serving.predictor.estimator import EstimatorPredictor
from rookery.serving.predictor.interface import NotCompiled, Predictor
from rookery.serving.predictor.model import Linked, kind
from rookery.serving.predictor.pipeline import PipelinePredictor, classes_of, steps_of
from rookery.serving.predictor.probes import probing_rows
from rookery.serving.predictor.proof import difference
from rookery.serving.predictor.reading_encoders import read_encoder

READERS: tuple[Callable[[Any], Linked | None], ...] = (linear.read, reading_trees.read)


def compile_predictor(
    pipeline: Any, fields: Sequence[RecordField], example: Row | None = None
) -> Predictor:
    """Compiles a fitted pipeline (or bare estimator) and proves the result against it.

    What cannot be compiled, or answers anything differently, is served by the pipeline itself;
    `why` says so.
    """
    plain = PipelinePredictor(pipeline, fields)
    try:
        candidate = _candidate(pipeline, fields)
        batches = probing_rows(fields, candidate.encoder.plan, example)
        unlike = difference(candidate, plain, batches)
    except NotCompiled as error:
        return PipelinePredictor(pipeline, fields, str(error))
    except Exception as error:  # a pipeline put together in a way that nobody thought of
        return PipelinePredictor(pipeline, fields, f"{type(error).__name__}: {error}")
    if unlike:
        return PipelinePredictor(pipeline, fields, f"the path {candidate.path} differs: {unlike}")
    return candidate


def _candidate(pipeline: Any, fields: Sequence[RecordField]) -> Compiled | EstimatorPredictor:
    transformers, estimator = steps_of(pipeline)
    encoder = read_encoder(transformers, fields)
    try:
        return Compiled(encoder, _linked(estimator), classes_of(estimator))
    except NotCompiled as error:
        return EstimatorPredictor(encoder, estimator, str(error))


def _linked(estimator: Any) -> Linked:
    """Raises NotCompiled where there is no compiled form."""
    if kind(estimator) == "TransformedTargetRegressor":
        return _of_a_logarithm(estimator)
    for read in READERS:
        found = read(estimator)
        if found is not None:
            return found
    raise NotCompiled(f"{kind(estimator)} has no compiled form")


def _of_a_logarithm(estimator: Any) -> Linked:
    found = _linked(estimator.regressor_)
    if estimator.transformer or estimator.inverse_func is not np.exp:
        raise NotCompiled(f"{kind(estimator)} of other than a logarithm has no compiled form")
    if found.link != "identity":
        raise NotCompiled(f"the logarithm of {kind(estimator.regressor_)} has no compiled form")
    return replace(found, link="exponential")
