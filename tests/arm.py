"""A stand-in of Azure's login and resource manager, over real HTTPS, that records its requests.

It answers as Azure does where it matters to a client: tokens, `provisioningState` that takes a
while, `Azure-AsyncOperation`, errors with code and message, and no secret in what is read.
"""

import copy
import datetime as dt
import ipaddress
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

TENANT = "11111111-1111-1111-1111-111111111111"
CLIENT = "22222222-2222-2222-2222-222222222222"
SUBSCRIPTION = "33333333-3333-3333-3333-333333333333"
CLIENT_SECRET = "the-service-principal's-password"
RESOURCE_GROUP = "models"
POLL_MILLISECONDS = "20"
# what the placeholders of deploy/aci/container-group.yaml stand for
GROUP_VALUES = {
    "GROUP_NAME": "rookery-penguins",
    "AZURE_REGION": "westeurope",
    "DNS_LABEL": "rookery-penguins",
    "TASK": "penguins",
    "IMAGE": "mine.azurecr.io/penguins:abc1234",
    "PREVIOUS_IMAGE": "mine.azurecr.io/penguins:0000000",
    "MODEL_NAME": "penguins",
    "MODEL_VERSION": "3",
    "COMMIT": "abc1234",
    "RUN_ID": "0123456789abcdef",
    "DIGEST": "fedcba9876543210",
    "REGISTRY_SERVER": "mine.azurecr.io",
    "REGISTRY_USERNAME": "puller",
    "REGISTRY_PASSWORD": "hunter2-of-acr",
    "API_KEY": "hunter2-of-api",
}

Group = dict[str, Any]


@dataclass
class Arm:
    """`serve` makes a group answer, and says at which host; `refuse` may say why not."""

    url: str = ""
    requests: list[tuple[str, str, Any]] = field(default_factory=list)
    groups: dict[str, Group] = field(default_factory=dict)
    polls: int = 2  # until a group is provisioned
    async_header: bool = True
    fails: dict[str, str] = field(default_factory=dict)  # an image, and how provisioning ends
    stuck: set[str] = field(default_factory=set)  # images that are never done
    keeps: bool = False  # a deletion is never done
    denied: bool = False
    log: str = "its last line"
    serve: Callable[[Group], str] = lambda _: "127.0.0.1"
    withdraw: Callable[[str], None] = lambda _: None
    refuse: Callable[[Group], tuple[int, str, str] | None] = lambda _: None
    restarts: Callable[[str], int] = lambda _: 0
    _left: dict[str, int] = field(default_factory=dict)

    @property
    def credentials(self) -> str:
        """As `az ad sp create-for-rbac --json-auth` prints them."""
        return json.dumps(
            {
                "clientId": CLIENT,
                "clientSecret": CLIENT_SECRET,
                "subscriptionId": SUBSCRIPTION,
                "tenantId": TENANT,
                "activeDirectoryEndpointUrl": self.url,
                "resourceManagerEndpointUrl": f"{self.url}/",
            }
        )

    def answer(self, method: str, target: str, body: Any) -> tuple[int, Any, dict[str, str]]:
        self.requests.append((method, target, body))
        place = urlsplit(target)
        parts = place.path.strip("/").split("/")
        if place.path == f"/{TENANT}/v2.0/.well-known/openid-configuration":
            return 200, self._discovery(), {}
        if place.path == f"/{TENANT}/oauth2/v2.0/token":
            return self._token(body)
        if self.denied:
            return error(403, "AuthorizationFailed", "The client does not have authorization")
        if parts[:2] != ["subscriptions", SUBSCRIPTION]:
            return error(404, "SubscriptionNotFound", "The subscription could not be found.")
        if parts[2] == "operations":
            return self._operation(parts[3])
        if parts[3].lower() != RESOURCE_GROUP:
            return error(404, "ResourceGroupNotFound", "Resource group could not be found.")
        if place.query.split("&")[0] != "api-version=2023-05-01":
            return error(400, "InvalidApiVersionParameter", place.query)
        name = parts[7]
        if parts[8:9] == ["containers"]:
            return 200, {"content": self.log}, {}
        if method == "PUT":
            return self._put(name, body)
        return self._get(name) if method == "GET" else self._delete(name)

    def _discovery(self) -> Any:
        base = f"{self.url}/{TENANT}"
        return {
            "issuer": f"{base}/v2.0",
            "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
            "token_endpoint": f"{base}/oauth2/v2.0/token",
        }

    def _token(self, body: Any) -> tuple[int, Any, dict[str, str]]:
        if body.get("client_secret") != [CLIENT_SECRET]:
            said = "AADSTS7000215: Invalid client secret provided."
            return 401, {"error": "invalid_client", "error_description": said}, {}
        return 200, {"token_type": "Bearer", "expires_in": 3599, "access_token": "a-token"}, {}

    def _put(self, name: str, body: Group) -> tuple[int, Any, dict[str, str]]:
        if said := self.refuse(body):
            return error(*said)
        known = name in self.groups
        group = copy.deepcopy(body) | {
            "id": f"/subscriptions/{SUBSCRIPTION}/…/{name}",
            "name": name,
            "type": "Microsoft.ContainerInstance/containerGroups",
        }
        group["properties"] |= {"provisioningState": "Pending"}
        self.groups[name], self._left[name] = group, self.polls
        self.withdraw(name)
        headers = {"x-ms-retry-after-ms": POLL_MILLISECONDS}
        if self.async_header:
            operation = f"{self.url}/subscriptions/{SUBSCRIPTION}/operations/{name}"
            headers["Azure-AsyncOperation"] = f"{operation}?api-version=2018-06-01"
        return 200 if known else 201, shown(group), headers

    def _operation(self, name: str) -> tuple[int, Any, dict[str, str]]:
        if self.keeps:
            return 202, None, {"x-ms-retry-after-ms": POLL_MILLISECONDS}
        state, why = self._step(name)
        body: Any = {"status": state}
        if why:
            body["error"] = {"code": "DeploymentFailed", "message": why}
        return 200, body, {"x-ms-retry-after-ms": POLL_MILLISECONDS}

    def _step(self, name: str) -> tuple[str, str | None]:
        """One look nearer to the end of provisioning."""
        group = self.groups[name]
        image = group["properties"]["containers"][0]["properties"]["image"]
        state = group["properties"]["provisioningState"]
        if state != "Pending" or image in self.stuck:
            return state, None
        self._left[name] -= 1
        if self._left[name] > 0:
            return state, None
        if why := self.fails.get(image):
            group["properties"]["provisioningState"] = "Failed"
            return "Failed", why
        group["properties"]["provisioningState"] = "Succeeded"
        group["properties"]["ipAddress"] |= {"ip": "127.0.0.1", "fqdn": self.serve(group)}
        return "Succeeded", None

    def _get(self, name: str) -> tuple[int, Any, dict[str, str]]:
        if name not in self.groups:
            return error(404, "ResourceNotFound", f"The Resource '{name}' was not found.")
        self._step(name)
        group = shown(self.groups[name])
        view = {"restartCount": self.restarts(name), "previousState": {"exitCode": 7}}
        group["properties"]["containers"][0]["properties"]["instanceView"] = view
        return 200, group, {"x-ms-retry-after-ms": POLL_MILLISECONDS}

    def _delete(self, name: str) -> tuple[int, Any, dict[str, str]]:
        if self.keeps:
            operation = f"{self.url}/subscriptions/{SUBSCRIPTION}/operations/{name}"
            return 202, None, {"Location": f"{operation}?api-version=2018-06-01"}
        group = self.groups.pop(name, None)
        self.withdraw(name)
        return (200, shown(group), {}) if group else (204, None, {})

    def asked(self, method: str) -> list[tuple[str, Any]]:
        """The requests about groups of one method: path and body."""
        return [(t, b) for m, t, b in self.requests if m == method and "containerGroups" in t]


def error(status: int, code: str, message: str) -> tuple[int, Any, dict[str, str]]:
    return status, {"error": {"code": code, "message": message}}, {}


def shown(group: Group) -> Group:
    """What Azure hands out: no password, and of a secret variable its name."""
    found = copy.deepcopy(group)
    for credential in found["properties"].get("imageRegistryCredentials") or []:
        credential.pop("password", None)
    for container in found["properties"]["containers"]:
        for variable in container["properties"].get("environmentVariables") or []:
            variable.pop("secureValue", None)
    return found


@contextmanager
def running_arm(folder: Path) -> Iterator[Arm]:
    """A stand-in at an address of its own; `folder/ca.pem` is what clients must trust."""
    arm = Arm()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            form = "urlencoded" in (self.headers.get("Content-Type") or "")
            body = parse_qs(raw) if form else json.loads(raw) if raw else None
            if "containerGroups" in self.path:
                assert self.headers["Authorization"] == "Bearer a-token"
            status, said, headers = arm.answer(self.command, self.path, body)
            data = b"" if said is None else json.dumps(said).encode()
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_PUT = do_POST = do_DELETE = handle_any  # noqa: N815 the library's names

        def log_message(self, *arguments: Any) -> None:
            """Tests look at `requests` instead."""

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate(folder))
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.daemon_threads = True
    arm.url = f"https://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield arm
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def certificate(folder: Path) -> Path:
    """Key and certificate of 127.0.0.1 in `folder/ca.pem`, for a day."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=5))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(here, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "ca.pem"
    plain = serialization.NoEncryption()
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path
