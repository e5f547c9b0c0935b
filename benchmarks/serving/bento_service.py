"""BentoML with adaptive batching."""
# mypy: disable-error-code="import-not-found, untyped-decorator"

import os

import bentoml
import joblib
import pandas as pd
from pydantic import BaseModel


class Penguin(BaseModel):
    island: str
    bill_length_mm: float
    bill_depth_mm: float
    flipper_length_mm: float
    body_mass_g: float
    sex: str


@bentoml.service
class Penguins:
    def __init__(self) -> None:
        self.model = joblib.load(os.environ["PIPELINE"])

    @bentoml.api(batchable=True, max_batch_size=64)
    def predict(self, rows: list[Penguin]) -> list[str]:
        frame = pd.DataFrame([row.model_dump() for row in rows])
        return list(self.model.predict(frame))
