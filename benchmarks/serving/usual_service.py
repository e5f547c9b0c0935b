"""The service as people write it: FastAPI, a pydantic model, a frame of one row."""

import os

import joblib
import pandas as pd
from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI()
model = joblib.load(os.environ["PIPELINE"])


class Penguin(BaseModel):
    island: str
    bill_length_mm: float
    bill_depth_mm: float
    flipper_length_mm: float
    body_mass_g: float
    sex: str


class Prediction(BaseModel):
    prediction: str


@app.post("/predict")
def predict(penguin: Penguin) -> Prediction:
    frame = pd.DataFrame([penguin.model_dump()])
    return Prediction(prediction=model.predict(frame)[0])
