"""The trust store of a run: found once, copied into the run directory, and judged against from there."""

import os
import ssl
from pathlib import Path

from scanner.tls.trust_roots import parse_roots

#: Where distributions keep the bundle of their root certificates.
_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)


class RootsError(Exception):
    """No trust store could be read. The message says where it was looked for and what to do."""


class CaFileError(RootsError):
    """The file that was named can't be used."""


def read_roots(ca_file: str) -> tuple[str, bytes]:
    """Where the roots come from and their PEM: the file asked for, else the system's store.

    Raises CaFileError, and RootsError if the system has none.
    """
    paths = [ca_file] if ca_file else _system_paths()
    for path in paths:
        try:
            pem = Path(path).read_bytes()
        except OSError as error:
            if ca_file:
                raise CaFileError(f"{ca_file} can't be read: {error.strerror}") from error
            continue
        try:
            parse_roots(pem)
        except ValueError as error:
            kind = CaFileError if ca_file else RootsError
            raise kind(f"{path} is no bundle of certificates in PEM: {error}") from error
        return path, pem
    raise RootsError(
        f"no root certificates found (looked at {', '.join(paths)}): "
        "install the ca-certificates package, or name a bundle with --ca-file"
    )


def _system_paths() -> list[str]:
    defaults = ssl.get_default_verify_paths()
    named = [os.environ.get(defaults.openssl_cafile_env), defaults.cafile, defaults.openssl_cafile]
    return list(dict.fromkeys(path for path in (*named, *_BUNDLES) if path))
