"""Whether the certificates of mail hosts are for the mail domain itself: no sender asks for that, people do."""

from collections.abc import Sequence

from scanner.judgement.claims import NO, YES, Claim
from scanner.judgement.served import Leaf, wildcard_for
from scanner.judgement.verdicts import Unit, judge_claims, preferred_of
from scanner.records import Verdict
from scanner.tls.identity import NameMatch


class DomainNames:
    """The names in the certificates of a set of mail hosts, which thousands of domains may share.

    Nearly no certificate is for one of them, so what is said then is worked out once, and for each domain only
    whether it is so.
    """

    def __init__(self, units: Sequence[Unit]) -> None:
        self._units = units
        self._leaves = list({id(unit.leaf): unit.leaf for unit in units if unit.leaf is not None}.values())
        #: The verdict on all domains that no certificate is for.
        self.nowhere = self._judge(None)

    def judge(self, domain: str) -> Verdict:
        """The verdict on a domain, with the same units as the one on mail hosts' names."""
        wildcard = wildcard_for(domain)
        for leaf in self._leaves:
            if leaf.may_name(domain, wildcard):
                return self._judge(domain)
        return self.nowhere

    def _judge(self, domain: str | None) -> Verdict:
        preferred = [_claim(unit, domain) for unit in preferred_of(self._units)]
        return judge_claims([_claim(unit, domain) for unit in self._units], preferred)


def _claim(unit: Unit, domain: str | None) -> Claim:
    claim = unit.claims.certificate_name
    if not claim.is_definite:
        return claim
    return YES if domain is not None and _is_for(unit.leaf, domain) else NO


def _is_for(leaf: Leaf | None, domain: str) -> bool:
    return leaf is not None and leaf.match(domain) is NameMatch.matches
