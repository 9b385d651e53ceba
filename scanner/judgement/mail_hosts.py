"""The mail hosts of a route, judged: the same for every domain that has the same MX records.

Theory of operation. Most domains share their mail hosts with the other customers of their provider, and most
publish no policy. What the hosts say is worked out once; what it makes of a domain depends on whether its MX
records are signed and on its MTA-STS policy, and that is kept as well, for the next domain that has the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from msgspec.structs import replace

from scanner.judgement.claims import all_unknown
from scanner.judgement.dane_domains import NOT_VALIDATED, find_insecure_mx, judge_dane
from scanner.judgement.delivery import Ways
from scanner.judgement.domain_names import DomainNames
from scanner.judgement.host_addresses import FactsOf, JudgeOptions
from scanner.judgement.hosts import HostJudgement, judge_host
from scanner.judgement.mta_sts import ABSENT, NOT_ASKED, StsJudgement
from scanner.judgement.sts_hosts import UnderPolicy, judge_under_policy
from scanner.judgement.verdicts import LAST, Unit, judge_units
from scanner.outcomes import NotKnown
from scanner.policy.mta_sts import StsPolicy
from scanner.policy.senders import StsFacts
from scanner.policy.tls_discovery import MxSecurity, judge_mx_security
from scanner.records import DeliveryVerdicts, Finding, Host, JudgedHost, Mx, PolicyVerdict, Route, Verdict, Verdicts

Key = TypeVar("Key")
Value = TypeVar("Value")

#: Judged sets of mail hosts that are kept for the next domain that has the same.
MAX_JUDGED = 10_000

#: What is kept of a set for different policies; those of a provider's customers are mostly alike.
MAX_KEPT = 256


class MailHosts:
    """A set of mail hosts, of which `over_limit` more were not examined.

    `validates` says whether a resolver that validates was at hand; None: DANE was not asked for.
    """

    def __init__(self, hosts: Sequence[HostJudgement], over_limit: int, *, validates: bool | None) -> None:
        units = [unit for host in hosts for unit in host.units]
        units += [Unit(all_unknown(NotKnown.over_limit), LAST)] * over_limit
        self.records: tuple[JudgedHost, ...] = tuple(host.record for host in hosts)
        self.findings: tuple[Finding, ...] = tuple(found for host in hosts for found in host.findings)
        self.needs_names = any(host.dane.needs_names for host in hosts)
        self._hosts = hosts
        self._verdicts = judge_units(units)
        self._over_limit = over_limit
        self._validates = validates
        self._protected = [host.record.exchange for host in hosts if host.dane.is_protected]
        self._names = DomainNames(units)
        self._ways = Ways(units)
        self._unpublished: dict[tuple[MxSecurity, PolicyVerdict | None, PolicyVerdict | None], Verdicts] = {}
        self._delivered: dict[tuple[MxSecurity, StsFacts], DeliveryVerdicts] = {}
        self._under: dict[StsPolicy, UnderPolicy] = {}

    def judge(self, domain: str, mx: MxSecurity, sts: StsJudgement, tls_rpt: PolicyVerdict | None) -> Verdicts:
        """The verdicts on a domain: whether its MX records are secure, and what it publishes."""
        name = self._names.judge(domain)
        if sts not in (ABSENT, NOT_ASKED) or name is not self._names.nowhere:
            return self._judge(name, mx, sts, tls_rpt)
        # So it is with nearly all domains.
        key = (mx, sts.verdict, tls_rpt)
        verdicts = self._unpublished.get(key)
        if verdicts is None:
            verdicts = _keep(self._unpublished, key, self._judge(name, mx, sts, tls_rpt))
        return verdicts

    def _judge(
        self, domain_name: Verdict, mx: MxSecurity, sts: StsJudgement, tls_rpt: PolicyVerdict | None
    ) -> Verdicts:
        policy = sts.in_force
        return replace(
            self._verdicts,
            certificate_domain_name=domain_name,
            dane=self._dane(mx),
            mta_sts=sts.verdict if policy is None else self._under_policy(policy).verdict,
            tls_rpt=tls_rpt,
            delivery=self._deliver(mx, sts.facts),
        )

    def find_on_policies(self, domain: str, mx: MxSecurity, sts: StsJudgement) -> tuple[Finding, ...]:
        """What there is to tell of the domain's policies with these hosts."""
        policy = sts.in_force
        under = self._under_policy(policy).findings if policy is not None else ()
        if self._protected and mx is MxSecurity.insecure:
            return (find_insecure_mx(domain, self._protected), *sts.findings, *under)
        return (*sts.findings, *under)

    def _dane(self, mx: MxSecurity) -> PolicyVerdict | None:
        if not self._validates:
            return NOT_VALIDATED if self._validates is False else None
        return judge_dane([host.dane for host in self._hosts], self._over_limit, mx)

    def _under_policy(self, policy: StsPolicy) -> UnderPolicy:
        under = self._under.get(policy)
        if under is None:
            places = [(host.record.exchange, host.places) for host in self._hosts]
            under = _keep(self._under, policy, judge_under_policy(policy, places, self._over_limit))
        return under

    def _deliver(self, mx: MxSecurity, sts: StsFacts) -> DeliveryVerdicts:
        delivered = self._delivered.get((mx, sts))
        if delivered is None:
            delivered = _keep(self._delivered, (mx, sts), self._ways.deliver(mx, sts))
        return delivered


def _keep(kept: dict[Key, Value], key: Key, value: Value) -> Value:
    if len(kept) >= MAX_KEPT:
        kept.clear()
    kept[key] = value
    return value


@dataclass(frozen=True, slots=True)
class FoundHosts:
    """What a run found of its mail hosts."""

    hosts: Mapping[str, Host]
    facts_of: FactsOf
    options: JudgeOptions
    _judged: dict[tuple[tuple[Mx, ...], int], MailHosts] = field(default_factory=dict)

    def of_route(self, route: Route, mx: MxSecurity, over_limit: int) -> MailHosts:
        """The mail hosts of a route, judged once for all that have the same MX records."""
        key = (route.mx, over_limit)
        judged = self._judged.get(key)
        if judged is None:
            if len(self._judged) >= MAX_JUDGED:
                self._judged.clear()
            judged = self._judged[key] = self._judge(route.mx, over_limit)
        if judged.needs_names and mx is MxSecurity.secure:
            # RFC 7672 §3.2.2: then the domain's own name will do for a certificate below DANE-TA(2).
            return self._judge(route.mx, over_limit, (route.domain, *route.cname_chain[-1:]))
        return judged

    def _judge(self, mx: tuple[Mx, ...], over_limit: int, references: tuple[str, ...] = ()) -> MailHosts:
        hosts = [judge_host(one, self.hosts.get(one.exchange), self.facts_of, self.options, references) for one in mx]
        return MailHosts(hosts, over_limit, validates=self.options.resolver_validates)


def mx_security_of(route: Route) -> MxSecurity:
    """Whether the MX records of a route can be forged."""
    return judge_mx_security(route.dns_status, secure=route.ad)
