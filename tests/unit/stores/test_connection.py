"""What MLflow's errors become: one line that says what is away."""

import pytest
from mlflow.exceptions import MlflowException

from rookery.stores.connection import fault_of

REQUEST = "API request to http://mlflow:5005/api/2.0/mlflow/runs/create failed with exception "
RETRIED = "HTTPConnectionPool(host='mlflow', port=5005): Max retries exceeded with url: /api/2.0 "


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            REQUEST + RETRIED + "(Caused by ResponseError('too many 503 error responses'))",
            "answers 503 again and again: its database or its object store is away or full",
        ),
        (
            REQUEST + RETRIED + "(Caused by NameResolutionError(\"HTTPConnection(host='mlfl"
            "ow', port=5005): Failed to resolve\"))",
            "does not answer: NameResolutionError",
        ),
        (
            REQUEST + "('Connection aborted.', RemoteDisconnected('Remote end closed'))",
            "does not answer: RemoteDisconnected",
        ),
        ("Run 'x' not found\nand more", "failed: Run 'x' not found"),
        ("", "failed: MlflowException"),
    ],
)
def test_a_failure_of_mlflow_is_told_in_one_line(said, told):
    assert fault_of(MlflowException(said)) == told
