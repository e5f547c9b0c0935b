"""Images that speak the contract of a packaged model, in a second and without a model.

Each holds its examples, answers /health and /predict on 8000 as user 1000, asks for API_KEY where
that is set, and has one behaviour:
right; unhealthy: never answers /health with 200; wrong: another label; wrong-later and dies: right
where it is the first process, as in the check, and wrong, or dead after an answer, where it serves.
"""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SERVER = """
import json, os, threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

EXAMPLES = json.loads(Path("/model/examples.json").read_text())
BEHAVIOUR = os.environ["BEHAVIOUR"]
SERVES = os.getpid() > 1


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        ok = self.path == "/health" and BEHAVIOUR != "unhealthy"
        self.send(200 if ok else 503, {"status": "ok" if ok else "not yet"})

    def do_POST(self):
        record = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if os.environ.get("API_KEY", "") != self.headers.get("X-API-Key", ""):
            return self.send(401, {"detail": "the key is missing"})
        place = EXAMPLES["records"].index(record)
        answer = dict(EXAMPLES["answers"][place], id="1")
        if BEHAVIOUR == "wrong" or (BEHAVIOUR == "wrong-later" and SERVES):
            answer["prediction"] = "Gentoo"
        self.send(200, answer)
        if BEHAVIOUR == "dies" and SERVES:
            threading.Timer(0.2, die).start()

    def send(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *arguments):
        pass


def die():
    print("out of luck", flush=True)
    os._exit(7)


print("listening as", BEHAVIOUR, flush=True)
ThreadingHTTPServer(("0.0.0.0", 8000), Handler).serve_forever()
"""
DOCKERFILE = """
FROM python:3.13-slim-trixie
COPY server.py /server.py
COPY examples.json /model/examples.json
ENV BEHAVIOUR={behaviour} PYTHONDONTWRITEBYTECODE=1
USER 1000:1000
CMD ["python", "-S", "/server.py"]
"""


def examples(task: str, version: str) -> dict[str, object]:
    record = {"island": "Torgersen", "bill_length_mm": 39.1}
    answer = {"prediction": "Adelie", "model": task, "version": version}
    return {"model": task, "version": version, "records": [record], "answers": [answer]}


def build(folder: Path, tag: str, task: str, version: str, behaviour: str) -> str:
    (folder / "server.py").write_text(SERVER)
    (folder / "examples.json").write_text(json.dumps(examples(task, version)))
    (folder / "Dockerfile").write_text(DOCKERFILE.format(behaviour=behaviour))
    subprocess.run(["docker", "build", "--quiet", "--tag", tag, "."], cwd=folder, check=True)
    return tag


@contextmanager
def tiny_images(folder: Path, task: str, prefix: str) -> Iterator[dict[str, str]]:
    """Tags by behaviour, version 1 and then 2, 3 …; `second` is right too. Removed at the end."""
    behaviours = ["right", "second", "unhealthy", "wrong", "wrong-later", "dies"]
    tags = {name: f"{prefix}:{name}" for name in behaviours}
    try:
        for number, (name, tag) in enumerate(tags.items(), 1):
            what = "right" if name == "second" else name
            build(folder, tag, task, str(number), what)
        yield tags
    finally:
        subprocess.run(["docker", "image", "rm", "--force", *tags.values()], capture_output=True)
