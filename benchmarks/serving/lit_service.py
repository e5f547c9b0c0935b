"""LitServe with batching."""
# mypy: disable-error-code="import-not-found, misc"

import os
import sys
from typing import Any

import joblib
import litserve
import pandas as pd

Row = dict[str, Any]


class Penguins(litserve.LitAPI):
    def setup(self, device: str) -> None:
        del device
        self.model = joblib.load(os.environ["PIPELINE"])

    def decode_request(self, request: Row) -> Row:
        return request

    def batch(self, inputs: list[Row]) -> pd.DataFrame:
        return pd.DataFrame(inputs)

    def predict(self, frame: pd.DataFrame) -> list[str]:
        return list(self.model.predict(frame))

    def unbatch(self, output: list[str]) -> list[str]:
        return output

    def encode_response(self, output: str) -> dict[str, str]:
        return {"prediction": output}


if __name__ == "__main__":
    server = litserve.LitServer(
        Penguins(max_batch_size=64, batch_timeout=0.001), accelerator="cpu", workers_per_device=1
    )
    server.run(
        host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False, log_level="warning"
    )
