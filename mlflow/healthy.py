"""Health check: the API by the service's name, with a password, down to the database.

`/health` would say OK with the host check wrong and Postgres away.
"""

import base64
import http.client

import database

PATH = "/api/2.0/mlflow/experiments/get?experiment_id=0"


def main() -> None:
    login = base64.b64encode(
        f"{database.API_USER}:{database.key('api_password')}".encode()
    ).decode()
    headers = {"Host": "mlflow:5005", "Authorization": f"Basic {login}"}
    server = http.client.HTTPConnection("127.0.0.1", 5005, timeout=15)
    server.request("GET", PATH, headers=headers)
    answer = server.getresponse()
    if answer.status != http.client.OK:
        raise SystemExit(f"{answer.status} {answer.read()[:300].decode(errors='replace')}")


if __name__ == "__main__":
    main()
