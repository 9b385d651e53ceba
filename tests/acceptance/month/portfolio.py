"""The portfolio that is watched for a month, and what a night may make of its world: a world file of the lab.

Ten mail hosts, each in a network of its own: `elm` has two addresses, `large1` and `large2` are one provider's. Their
certificates are dated from the first day of the month. `bay` has DANE, and its domain MTA-STS.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

#: Mail host → its name and its addresses.
HOSTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "oak": ("mx.oak.lab", ("127.70.1.1",)),
    "elm": ("mx.elm.lab", ("127.70.2.1", "127.70.2.2")),
    "ash": ("mx.ash.lab", ("127.70.3.1",)),
    "fir": ("mx.fir.lab", ("127.70.4.1",)),
    "yew": ("mx.yew.lab", ("127.70.5.1",)),
    "gum": ("mx.gum.lab", ("127.70.6.1",)),
    "bay": ("mx.bay.lab", ("127.70.7.1",)),
    "large1": ("mx1.large.lab", ("127.80.1.1",)),
    "large2": ("mx2.large.lab", ("127.80.2.1",)),
}

#: Domain → its mail hosts, the most preferred first.
ROUTES: dict[str, tuple[str, ...]] = {
    "anna.lab": ("oak",),
    "annas-shop.lab": ("oak", "elm"),
    "bert.lab": ("elm",),
    "cara.lab": ("ash",),
    "dora.lab": ("fir",),
    "emil.lab": ("yew",),
    "finn.lab": ("gum",),
    "gina.lab": ("bay",),
    "hugo.lab": ("fir",),
    "ivan.lab": ("ash",),
}
CUSTOMERS = tuple(f"customer{number:03}.lab" for number in range(400))

#: Who gets the alerts of a domain, besides the operators.
OWNERS: dict[str, tuple[str, ...]] = {
    "anna.lab": ("anna@anna.example",),
    "annas-shop.lab": ("anna@anna.example", "bert@bert.example"),
    "bert.lab": ("bert@bert.example",),
    "cara.lab": ("cara@cara.example",),
    "dora.lab": ("dora@dora.example",),
}
#: Where the mail of a domain should go.
_EXPECTED = {"dora.lab": "mx.fir.lab"}

#: Days from the first day of the month to the end of a certificate.
YEW_ENDS, ELM_ENDS = 32, 24


@dataclass(frozen=True)
class World:
    """What is not as it should be: hosts that behave badly, other mail hosts of domains (none: it does not exist).

    A host behaves so at all its addresses, `elm.2` at the second alone. `without_large`: the customers have left.
    """

    hosts: Mapping[str, str] = field(default_factory=dict)
    routes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    certificates: Mapping[str, str] = field(default_factory=dict)
    policy_names: str = "mx.bay.lab"
    dns_loss: float = 0.0
    without_large: bool = True

    def file(self) -> str:
        """The world file."""
        head = {"entries": [], "records": [*self._records(), *_SECURED], "signed": ["bay.lab", "gina.lab"]}
        # JSON arrays of strings are TOML too.
        lines = [f"{key} = {json.dumps(value)}\n" for key, value in head.items()]
        return "".join([*lines, *self._servers(), _POLICY.format(mx=self.policy_names), _KINDS])

    def list(self) -> str:
        """The portfolio: who has left the provider, or moved to another one, stays on it."""
        rows = [
            f"{domain},{'; '.join(OWNERS.get(domain, ()))},{_EXPECTED.get(domain, '')}" for domain in self._domains()
        ]
        return "\n".join(["domain,owner,mx", *rows, ""])

    def _domains(self) -> tuple[str, ...]:
        return (*ROUTES, *(() if self.without_large else CUSTOMERS))

    def _records(self) -> Iterator[str]:
        for name, addresses in HOSTS.values():
            yield from (f"{name}. A {address}" for address in addresses)
        large = dict.fromkeys(CUSTOMERS, ("large1", "large2"))
        for domain, hosts in {**large, **ROUTES, **self.routes}.items():
            yield from (f"{domain}. MX {10 * place} {HOSTS[host][0]}." for place, host in enumerate(hosts, 1))

    def _servers(self) -> Iterator[str]:
        certificates = {"yew": "ends_in_april", "elm": "ends_in_march", **self.certificates}
        for host, (name, addresses) in HOSTS.items():
            for number, address in enumerate(addresses, 1):
                behaviour = self.hosts.get(f"{host}.{number}", self.hosts.get(host, "good"))
                yield f'[[servers]]\naddress = "{address}"\nhost = "{name}"\n'
                yield f'behaviour = "{behaviour}"\ncertificate = "{certificates.get(host, "good")}"\n'


def well(**hosts: str) -> World:
    """A world in which all is well but for these hosts."""
    return World(hosts={name.replace("_", "."): behaviour for name, behaviour in hosts.items()})


_SECURED = [
    "_25._tcp.mx.bay.lab. TLSA 3 1 1 {leaf:mx.bay.lab/good}",
    '_mta-sts.gina.lab. TXT "v=STSv1; id=20260301"',
    "mta-sts.gina.lab. A 127.70.7.9",
]

_POLICY = """
[policy_behaviours.good]
[[policy_hosts]]
address = "127.70.7.9"
host = "mta-sts.gina.lab"
policy = '''
version: STSv1
mode: enforce
mx: {mx}
max_age: 86400
'''
"""

_KINDS = f"""
[behaviours.good]
[behaviours.refuses]
listener = false
[behaviours.blackhole]
blackhole = true
[behaviours.silent]
greeting = ["silence"]
[behaviours.closes]
greeting = ["close"]
[behaviours.resets]
greeting = ["reset"]
[behaviours.no_service]
greeting = ['send 554 5.3.2 {{host}} no SMTP service here\\r\\n']
[behaviours.tarpit]
about = "A content filter that thinks for longer than the limit of the first attempt: 20 s and more in life."
greeting = ["wait 1.3", 'send 220 {{host}} ESMTP\\r\\n']
[behaviours.lost_packet]
about = "The first attempt goes wrong, and only that."
visits = ["silent", "good"]
[behaviours.fails_once]
about = "One attempt is no outage, if the second one says something else."
visits = ["closes", "not_now"]
[behaviours.not_now]
greeting = ['send 421 4.3.2 {{host}} too busy\\r\\n', "close"]
[behaviours.lists_us]
greeting = ['send 554 5.7.1 {{host}} your address is on the block list of dnsbl.example.org\\r\\n']
[behaviours.plain]
offers_starttls = false
[behaviours.broken_tls]
about = "The alert handshake_failure."
tls = ['send \\x15\\x03\\x03\\x00\\x02\\x02\\x28', "close"]
[certificates.good]
ends_days = 200
[certificates.next_key]
ends_days = 200
key = "p256_next"
[certificates.ends_in_april]
starts_days = -300
ends_days = {YEW_ENDS}
[certificates.ends_in_march]
starts_days = -300
ends_days = {ELM_ENDS}
"""
