"""The configurations as a world: each at an address of its own, with its certificate and its lines in the zones."""

from collections.abc import Iterator
from dataclasses import dataclass

from .certificates import KINDS, Authorities, Served
from .configurations import BOGUS, CONFIGURATIONS, NO_TLS, SIGNED, UNSIGNED, Configuration
from .signed_zones import Delegation, Zone

_DELEGATIONS: dict[str, Delegation] = {SIGNED: "secure", UNSIGNED: "insecure", BOGUS: "wrong"}


@dataclass(frozen=True)
class Place:
    """A configuration at its address; `served` is None without STARTTLS."""

    configuration: Configuration
    address: str
    served: Served | None
    tlsa: tuple[str, ...]
    tlsa_there: tuple[str, ...]

    def names(self, port: int) -> dict[str, str]:
        """What stands for names in its lines."""
        it = self.configuration
        return {"domain": f"{it.domain}.", "host": f"{it.host}.", "tlsa": f"_{port}._tcp.{it.host}."}

    def zone_lines(self, port: int) -> Iterator[str]:
        """The lines of all zones that are about it, each with an absolute owner."""
        it, names = self.configuration, self.names(port)
        owner, tlsa_owner = names["host"], names["tlsa"]
        mx_owner = names["domain"]
        if it.domain_alias_zone:
            mx_owner = f"to.{it.name}.{it.domain_alias_zone}."
            yield f"{names['domain']} CNAME {mx_owner}"
        yield f"{mx_owner} MX 10 {owner}"
        if it.alias_zone:
            there = f"at.{it.name}.{it.alias_zone}."
            yield f"{owner} CNAME {there}"
            yield from (f"_{port}._tcp.{there} TLSA {record}" for record in self.tlsa_there)
            owner = there
        yield f"{owner} A {self.address}"
        if it.tlsa_zone:
            there = f"_tlsa.{it.name}.{it.tlsa_zone}."
            yield f"{tlsa_owner} CNAME {there}"
            tlsa_owner = there
        yield from (f"{tlsa_owner} TLSA {record}" for record in self.tlsa)
        yield from (line.format(**names) for line in it.lines)


class World:
    """Every configuration, at an address of 127.80.0.0/24."""

    def __init__(self) -> None:
        self.authorities = Authorities()
        self.places = tuple(
            self._place(configuration, f"127.80.0.{number}")
            for number, configuration in enumerate(CONFIGURATIONS, start=1)
        )

    def zones(self, port: int) -> list[Zone]:
        """All zones below the root, for mail servers on that port."""
        lines = [line for place in self.places for line in place.zone_lines(port)]
        spoilt = [rrset.format(**place.names(port)) for place in self.places for rrset in place.configuration.spoilt]
        return [
            Zone(f"{origin}.", _within(origin, lines), delegation, _within(origin, spoilt))
            for origin, delegation in _DELEGATIONS.items()
        ]

    def _place(self, it: Configuration, address: str) -> Place:
        served = None
        if it.certificate != NO_TLS:
            served = self.authorities.serve(KINDS[it.certificate], it.host, it.domain)
        tlsa, tlsa_there = (
            tuple(self.authorities.tlsa(record, served) for record in records.split(";") if record)
            for records in (it.tlsa, it.tlsa_there)
        )
        return Place(it, address, served, tlsa, tlsa_there)


def _within(origin: str, lines: list[str]) -> tuple[str, ...]:
    return tuple(line for line in lines if line.split()[0].endswith(f".{origin}."))
