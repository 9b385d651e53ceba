"""Who signs in: the password from a prompt, the environment or a file, never from an argument; our certificate."""

import getpass
import os
import re
from pathlib import Path

from OpenSSL import SSL

from scanner.commands.send_errors import RequestError
from scanner.net.client_certificate import ClientCertificateError, present_certificate
from scanner.report.shown_text import shown
from scanner.smtp.sasl import Credentials, SaslError

_MAX_PASSWORD_OCTETS = 65536
_END_OF_LINE = re.compile(r"\r?\n\Z")


def read_credentials(
    user: str | None, password_env: str | None, password_file: Path | None, host: str
) -> Credentials | None:
    """Who signs in at a host, None without a user. Raises RequestError; no error has the password in it."""
    if user is None:
        return None
    if password_env is not None:
        where, password = f"the variable {password_env}", _from_environment(password_env)
    elif password_file is not None:
        where, password = shown(str(password_file)), _from_file(password_file)
    else:
        where, password = "what was typed", _from_prompt(user, host)
    if re.search(r"[\r\n]", password):
        raise RequestError(f"the password ({where}) has several lines")
    try:
        return Credentials(user, password)
    except SaslError as error:
        raise RequestError(f"{error} ({where})") from None


def _from_environment(name: str) -> str:
    password = os.environ.get(name)
    if password is None:
        raise RequestError(f"--password-env: there is no variable {shown(name)} in the environment")
    return password


def _from_file(path: Path) -> str:
    try:
        with path.open("rb") as file:
            octets = file.read(_MAX_PASSWORD_OCTETS)
    except OSError as error:
        raise RequestError(f"--password-file {shown(str(path))} can't be read: {error.strerror}") from error
    try:
        return _END_OF_LINE.sub("", octets.decode())
    except UnicodeDecodeError:
        # Without the error that holds the octets.
        raise RequestError(f"--password-file {shown(str(path))}: expected UTF-8") from None


def _from_prompt(user: str, host: str) -> str:
    """Asked for on the terminal itself: standard input may be the text of the message."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        raise RequestError(
            "there is no terminal to ask for the password: use --password-env NAME or --password-file FILE"
        ) from None
    try:
        return getpass.getpass(f"Password of {shown(user)} at {host}: ")
    except EOFError:
        raise RequestError("no password was typed") from None


def use_client_certificate(context: SSL.Context, path: Path) -> None:
    """Has a context show our certificate to who asks for it. Raises RequestError."""
    try:
        present_certificate(context, path.read_bytes())
    except OSError as error:
        raise RequestError(f"--client-cert {shown(str(path))} can't be read: {error.strerror}") from error
    except ClientCertificateError as error:
        raise RequestError(f"--client-cert {shown(str(path))}: {error}") from None
