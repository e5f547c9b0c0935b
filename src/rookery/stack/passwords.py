"""Passwords: drawn at random, or chosen by the user and then checked."""

import secrets
import string

from xkcdpass import xkcd_password

from rookery.errors import InputError

LETTERS_AND_DIGITS = string.ascii_letters + string.digits
LONGEST = 128
# the default of older MLflow versions, which a server refuses (GHSA-gq3w-7jj3-x7gr)
KNOWN_TO_ALL = "password1234"


def drawn(length: int) -> str:
    """Letters and digits: they need no quoting in an address, a shell or an ini file."""
    return "".join(secrets.choice(LETTERS_AND_DIGITS) for _ in range(length))


def four_words() -> str:
    """A password for people, such as `anchor-velvet-tulip-cabin`: 48 bits.

    Four of the 4,356 plain words of 4 to 7 letters in the long list of the Electronic Frontier
    Foundation, which comes with xkcdpass: 19 to 31 characters.
    """
    words = xkcd_password.generate_wordlist(
        "eff-long", min_length=4, max_length=7, valid_chars="[a-z]"
    )
    return str(xkcd_password.generate_xkcdpassword(words, numwords=4, delimiter="-"))


def check_chosen(variable: str, password: str, shortest: int) -> None:
    """Refuses what a database, a link or MLflow could not take.

    Raises:
        InputError: too short or long, an unusual character, or known to all; never shows the value.
    """
    allowed = f"{shortest} to {LONGEST} printable ASCII characters, no blank at either end"
    if not shortest <= len(password) <= LONGEST:
        fault = f"has {len(password)} characters"
    elif not (password.isascii() and password.isprintable()):
        fault = "holds a line break or another character that is not printable ASCII"
    elif password != password.strip():
        fault = "starts or ends with a blank"
    elif password == KNOWN_TO_ALL:
        fault = "is a default that everybody knows"
    else:
        return
    raise InputError(
        f"{variable} {fault}",
        field=variable,
        allowed=allowed,
        next=f"change {variable} in .env, or remove it to have one made",
    )
