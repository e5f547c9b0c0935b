"""Why a server was not reached, in place of the words of HTTP libraries."""

from typing import Final

# told by what is found in an error's text; the first that fits
TOLD: Final = {
    "CERTIFICATE_VERIFY_FAILED": "its certificate is not trusted here",
    "WRONG_VERSION_NUMBER": "it does not speak https; try http://",
    "Name or service not known": "its host has no address",
    "nodename nor servname": "its host has no address",
    "name resolution": "its host has no address",
    "No address associated": "its host has no address",
    "resolve": "its host has no address",
    "Connection refused": "connection refused",
    "No route to host": "there is no way to its host",
    "Network is unreachable": "there is no way to its host",
    "Remote end closed": "it closed the connection",
    "Connection reset": "it closed the connection",
    "timed out": "no answer in time",
    "redirects": "it sends us round in circles",
}


def why_unreachable(error: Exception) -> str:
    """What went wrong between here and a server; without addresses, which may hold a password."""
    text = str(error)
    return next((told for words, told in TOLD.items() if words in text), type(error).__name__)
