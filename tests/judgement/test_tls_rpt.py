"""TLS-RPT of a domain: from its TXT record to a verdict."""

import pytest

from scanner.judgement.tls_rpt import judge_tls_rpt
from scanner.outcomes import DnsStatus
from scanner.records import TxtLookup

from .found import DOMAIN, told
from .transport import txt

GOOD = "v=TLSRPTv1; rua=mailto:tls@example.org"
INVALID = [f"tls-rpt-invalid warning _smtp._tls.{DOMAIN}"]


@pytest.mark.parametrize(
    ("lookup", "said", "findings", "why"),
    [
        (None, "-", [], "nobody asked"),
        (txt(status=DnsStatus.nxdomain), "none", [], "no such name"),
        (txt(status=DnsStatus.no_data), "none", [], "no TXT"),
        (txt("v=spf1 -all"), "none", [], "a wildcard's"),
        (txt(status=DnsStatus.timed_out), "unknown timed_out", [], "no answer is no absence"),
        (txt(GOOD), "valid", [], "as it should be"),
        (txt(GOOD, "v=spf1 -all"), "valid", [], "with others beside it"),
        (txt(GOOD, GOOD), "invalid tls-rpt-invalid", INVALID, "two: senders take neither"),
        (txt("v=TLSRPTv1;"), "invalid tls-rpt-invalid", INVALID, "no address"),
        (txt("v=TLSRPTv1; rua=tls@example.org"), "invalid tls-rpt-invalid", INVALID, "no URI"),
    ],
)
def test_what_is_published_and_whether_it_can_be_used(
    lookup: TxtLookup | None, said: str, findings: list[str], why: str
) -> None:
    verdict, found = judge_tls_rpt(DOMAIN, lookup)
    assert (" ".join((verdict.value, *verdict.reasons)) if verdict is not None else "-") == said
    assert told(found) == findings
