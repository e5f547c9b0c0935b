"""An Azure connection string and the address of a container, read before anything uses them.

What is wrong is said by the names of the parts and never by their values: a mistyped string has its
key in the place of anything. The image of the tracking server carries this file too.
"""

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Final
from urllib.parse import urlsplit

from rookery.errors import InputError

VARIABLE: Final = "AZURE_STORAGE_CONNECTION_STRING"
DESTINATION: Final = "ARTIFACTS_DESTINATION"
# learn.microsoft.com/azure/storage/common/storage-configure-connection-string
PARTS: Final = (
    *("DefaultEndpointsProtocol", "AccountName", "AccountKey", "EndpointSuffix"),
    *("BlobEndpoint", "QueueEndpoint", "TableEndpoint", "FileEndpoint"),
    *("BlobSecondaryEndpoint", "QueueSecondaryEndpoint", "TableSecondaryEndpoint"),
    *("FileSecondaryEndpoint", "SharedAccessSignature"),
    *("UseDevelopmentStorage", "DevelopmentStorageProxyUri"),
)
WHOLE: Final = (
    "DefaultEndpointsProtocol=https;AccountName=…;AccountKey=…;EndpointSuffix=core.windows.net"
)
COPY: Final = (
    "copy it whole, in single quotes (a shell ends a value at `;`): az storage account "
    "show-connection-string --name ACCOUNT --output tsv"
)
ADDRESS: Final = "wasbs://CONTAINER@ACCOUNT.blob.core.windows.net/FOLDER"
# the clouds whose addresses MLflow's store takes
SUFFIXES: Final = ("core.windows.net", "core.chinacloudapi.cn", "core.usgovcloudapi.net")
# docs.microsoft.com/rest/api/storageservices/naming-and-referencing-containers
ACCOUNT: Final = re.compile(r"[a-z0-9]{3,24}")
CONTAINER: Final = re.compile(r"(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*")
HOST: Final = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+")
# an HTTP client resolves dots as names, and would end in another container of the account
# and before that leaves out what does not print
UNSAFE: Final = re.compile(r"(^|/) *\.\.? *(/|$)|[?#\\\x00-\x1f]")
# what every emulator of Azure's stores is opened with: public, the same everywhere
EMULATOR_ACCOUNT: Final = "devstoreaccount1"
EMULATOR_KEY: Final = (
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)
EMULATOR_PORT: Final = 10000


@dataclass(frozen=True)
class AzureConnection:
    """An account, the address of its blobs, and the key that opens it, which does not print."""

    account: str
    endpoint: str
    key: str = field(repr=False)

    @property
    def text(self) -> str:
        """As a connection string with every part that Azure's own clients need."""
        protocol = urlsplit(self.endpoint).scheme
        return (
            f"DefaultEndpointsProtocol={protocol};AccountName={self.account};"
            f"AccountKey={self.key};BlobEndpoint={self.endpoint};"
        )


@dataclass(frozen=True)
class AzureDestination:
    """A folder of a container, where artifacts go."""

    container: str
    account: str
    suffix: str
    folder: str

    @property
    def uri(self) -> str:
        """The address, without a slash at its end."""
        place = f"wasbs://{self.container}@{self.account}.blob.{self.suffix}"
        return f"{place}/{self.folder}" if self.folder else place

    def holds(self, uri: str) -> bool:
        """Whether an address is this folder, or below it."""
        below = uri.removeprefix(self.uri)
        if below == uri or not (below == "" or below.startswith("/")):
            return False
        return not UNSAFE.search(below)


def read_connection(text: str) -> AzureConnection:
    """The connection that a string names; `BlobEndpoint` stands for protocol and suffix.

    Raises:
        InputError: naming every part that is missing or cannot be used, and no value.
    """
    given, odd = _parts(text.strip())
    if given.get("UseDevelopmentStorage", "").lower() == "true":
        faults, connection = [*odd, *_proxy_faults(given)], _emulator(given)
    else:
        faults, connection = [*odd, *_missing(given), *_wrong(given)], _connection(given)
    if faults or connection is None:
        raise InputError(
            f"{VARIABLE} cannot be used: {'; '.join(faults)}",
            field=VARIABLE,
            allowed=WHOLE,
            next=COPY,
        )
    return connection


def _parts(text: str) -> tuple[dict[str, str], list[str]]:
    """Values by the parts' own spelling, and what cannot be read; names may be in any case."""
    known = {name.lower(): name for name in PARTS}
    found: dict[str, str] = {}
    odd = list(_quoting(text))
    for piece in filter(None, map(str.strip, text.strip("'\"").split(";"))):
        name, equals, value = piece.partition("=")
        part = known.get(name.strip().lower())
        if part is None or not equals:
            odd.append(_unknown(name, known))
        elif part in found:
            odd.append(f"{part} is there twice")
        else:
            found[part] = value.strip()
    return found, odd


def _quoting(text: str) -> Iterator[str]:
    if text[:1] in ("'", '"') or text[-1:] in ("'", '"'):
        yield "it holds its quotes, which belong to the shell"
    if re.search(r"\s", text):
        yield "it has blanks or line ends inside"


def _unknown(name: str, known: dict[str, str]) -> str:
    """A name that nobody knows may be a piece of the key, so it is not repeated."""
    near = get_close_matches(name.strip().lower(), known, n=1, cutoff=0.8)
    return f"a part is nearly {known[near[0]]}" if near else "a part has no name that is known"


def _missing(given: dict[str, str]) -> Iterator[str]:
    if given.get("SharedAccessSignature"):
        yield "SharedAccessSignature is not taken; it has to be the account's key, as AccountKey"
        return
    wanted = ["AccountName", "AccountKey"]
    if not given.get("BlobEndpoint"):
        wanted = ["DefaultEndpointsProtocol", *wanted, "EndpointSuffix"]
    missing = [name for name in wanted if not given.get(name)]
    if missing:
        yield f"{_listed(missing)} {'is' if len(missing) == 1 else 'are'} missing"


def _listed(names: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _wrong(given: dict[str, str]) -> Iterator[str]:
    """Parts that are there and cannot be right."""
    endpoint, protocol = given.get("BlobEndpoint"), given.get("DefaultEndpointsProtocol")
    if protocol and protocol.lower() not in ("http", "https"):
        yield "DefaultEndpointsProtocol is neither https nor http"
    elif protocol and protocol.lower() == "http" and not endpoint:
        yield "DefaultEndpointsProtocol is http, which sends models unprotected; https is needed"
    if (account := given.get("AccountName")) and not ACCOUNT.fullmatch(account):
        yield "AccountName is not 3 to 24 small letters and digits"
    if (key := given.get("AccountKey")) and not _is_base64(key):
        yield "AccountKey is not base64; it is cut off, or something was added"
    if (suffix := given.get("EndpointSuffix")) and not HOST.fullmatch(suffix):
        yield "EndpointSuffix is not a name such as core.windows.net"
    if endpoint and not _is_endpoint(endpoint):
        yield "BlobEndpoint is not an address such as http://127.0.0.1:10000/devstoreaccount1"


def _is_base64(key: str) -> bool:
    try:
        return bool(base64.b64decode(key, validate=True))
    except (binascii.Error, ValueError):  # characters outside ASCII
        return False


def _is_endpoint(text: str) -> bool:
    """http or https, a host, and neither a password nor a signature inside."""
    try:
        url = urlsplit(text)
        port_fits = url.port is None or url.port > 0
    except ValueError:
        return False
    plain = not (url.query or url.fragment or "@" in url.netloc)
    return url.scheme in ("http", "https") and bool(url.hostname) and port_fits and plain


def _proxy_faults(given: dict[str, str]) -> Iterator[str]:
    proxy = given.get("DevelopmentStorageProxyUri")
    if proxy and not _is_endpoint(proxy):
        yield "DevelopmentStorageProxyUri is not an address such as http://azurite"


def _emulator(given: dict[str, str]) -> AzureConnection | None:
    proxy = given.get("DevelopmentStorageProxyUri") or "http://127.0.0.1"
    if not _is_endpoint(proxy):
        return None
    url = urlsplit(proxy)
    host = url.netloc if url.port else f"{url.netloc.rstrip(':')}:{EMULATOR_PORT}"
    endpoint = f"{url.scheme}://{host}/{EMULATOR_ACCOUNT}"
    return AzureConnection(EMULATOR_ACCOUNT, endpoint, EMULATOR_KEY)


def _connection(given: dict[str, str]) -> AzureConnection | None:
    account, key = given.get("AccountName"), given.get("AccountKey")
    if not account or not key:
        return None
    derived = f"https://{account}.blob.{given.get('EndpointSuffix', '')}"
    return AzureConnection(account, (given.get("BlobEndpoint") or derived).rstrip("/"), key)


def read_destination(uri: str) -> AzureDestination:
    """The container and folder that an address names.

    Raises:
        InputError: naming what of it cannot be used.
    """
    scheme, _, rest = uri.strip().partition("://")
    place, _, folder = rest.partition("/")
    container, _, host = place.partition("@")
    account, _, suffix = host.partition(".blob.")
    found = AzureDestination(container, account, suffix, folder.rstrip("/"))
    if fault := _fault_of_destination(scheme, found):
        raise InputError(
            f"{DESTINATION} cannot be used: {fault}",
            field=DESTINATION,
            allowed=f"{ADDRESS}; unset for the store that comes with Rookery",
            next="az storage account list --query '[].name'",
        )
    return found


def _fault_of_destination(scheme: str, found: AzureDestination) -> str | None:
    """Values are not repeated: people paste addresses that are signed."""
    if scheme != "wasbs":
        return "it does not begin with wasbs://"
    if not CONTAINER.fullmatch(found.container):
        return "the container, before the @, is not 3 to 63 small letters, digits and single dashes"
    if not ACCOUNT.fullmatch(found.account):
        return "the account, after the @, is not 3 to 24 small letters and digits"
    if found.suffix not in SUFFIXES:
        return f"after the account comes .blob. and one of {', '.join(SUFFIXES)}"
    if UNSAFE.search(found.folder) or re.search(r"\s|//|%", found.folder):
        return "the folder, after the host, holds blanks, dots as names, or one of ? # % \\"
    return None


def read_azure(
    destination: str | None, connection: str | None, *, required: bool
) -> tuple[AzureDestination, AzureConnection] | None:
    """What the two variables say together; None where there is no destination, or no key for it.

    Raises:
        InputError: one cannot be used, they are not of one account, or the connection is `required`
            and not there.
    """
    opened = read_connection(connection) if connection else None
    place = read_destination(destination) if destination else None
    if place is None or (opened is None and not required):
        return None
    if opened is None:
        raise InputError(
            f"{DESTINATION} is a container of Azure Blob, and {VARIABLE} is missing",
            field=VARIABLE,
            allowed=f"{WHOLE}; or {VARIABLE}_FILE, the path of a file that holds it",
            next=COPY,
        )
    _check_account(place, opened)
    return place, opened


def _check_account(place: AzureDestination, opened: AzureConnection) -> None:
    """MLflow's store takes the account from the connection, and would write to another unasked."""
    host = urlsplit(opened.endpoint).hostname or ""
    elsewhere = host.endswith(SUFFIXES) and host != f"{place.account}.blob.{place.suffix}"
    if opened.account != place.account or elsewhere:
        raise InputError(
            f"{DESTINATION} names the account {place.account} of {place.suffix}, and {VARIABLE} "
            f"opens {opened.account} at {host}",
            field=VARIABLE,
            value=opened.account,
            allowed=place.account,
            next=COPY,
        )
