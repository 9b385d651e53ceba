"""Whether a certificate carries a mail host's name (RFC 9525 §6)."""

from collections.abc import Sequence
from enum import StrEnum

from scanner.names import is_host_name


class NameMatch(StrEnum):
    """What a certificate says to a reference identifier."""

    matches = "matches"
    only_common_name = "only_common_name"
    no_match = "no_match"


def match_certificate_name(reference: str, dns_names: Sequence[str], common_names: Sequence[str]) -> NameMatch:
    """Compare a mail host's name with a certificate's DNS-IDs, and, for the finding, with its common names.

    RFC 9525 §2 knows no CN-ID any more: `only_common_name` is a no that tells its reason. Names are as
    `describe_certificate` gives them; one that is escaped there is no host name and matches nothing.
    """
    if match_dns_names(reference, dns_names):
        return NameMatch.matches
    if match_dns_names(reference, common_names):
        return NameMatch.only_common_name
    return NameMatch.no_match


def match_dns_names(reference: str, dns_names: Sequence[str]) -> bool:
    """Whether one of the presented DNS-IDs is the reference identifier, an A-label name (RFC 9525 §6.3).

    A wildcard is the complete left-most label and stands for exactly one label. All others (`f*.example`,
    `*.*.example`, `a.*.example`) are ignored, as the RFC demands. So is `*.test`: the letter of §6.3 would
    allow it, but §7.1 warns of it, OpenSSL and GnuTLS refuse it, and no authority may issue it: mail to
    such a host would not be delivered by senders that verify, whatever we said. An address is no DNS-ID.
    """
    name = reference.lower()
    if not (reference.isascii() and is_host_name(name)) or _is_address(name):
        return False
    _, _, parent = name.partition(".")
    accepted = {name, f"*.{parent}"} if "." in parent else {name}
    return any(presented.isascii() and presented.lower() in accepted for presented in dns_names)


def _is_address(name: str) -> bool:
    # RFC 1123 §2.1: the highest label of a host name is alphabetic, that of a dotted address is not.
    return name.rpartition(".")[2].isdigit()
