"""A route that could not be found out, as a person is told it: whose fault it is, in words, with what to do."""

import pytest

from scanner.diagnosis.route_steps import route_steps
from scanner.diagnosis.steps import StepResult
from scanner.outcomes import DnsStatus, RouteKind
from tests.judgement.found import route

NOT_FOUND_OUT = [
    (DnsStatus.local_fault, "local fault", "name one by --dns", "our resolver: their name servers are not to blame"),
    (DnsStatus.timed_out, "timed out", "Ask its name servers", "theirs, as far as we know"),
    (DnsStatus.servfail, "servfail", "Ask its name servers", "theirs"),
]


@pytest.mark.parametrize(("status", "words", "what_to_do", "why"), NOT_FOUND_OUT)
def test_what_could_not_be_found_out_says_whom_to_ask(status: DnsStatus, words: str, what_to_do: str, why: str) -> None:
    (step,) = route_steps(route(RouteKind.dns_failure, dns_status=status), {})
    assert step.result is StepResult.unknown
    assert words in step.said
    assert what_to_do in step.what_to_do, why
