"""How near its end a certificate is, in the steps that are told of."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from scanner.judgement.certificates import EXPIRES_SOON, RENEWED_WITH_LEFT
from scanner.records import JudgedAddress


@dataclass(frozen=True, slots=True)
class SeenCertificate:
    """A certificate near its end: `step_days` is the smallest threshold that was passed, 0 once it is expired.

    `is_soon` is true when it is so near that whoever is to renew it should have done so.
    """

    sha256: str
    not_after: str
    days_left: int
    step_days: int
    is_soon: bool

    @property
    def is_expired(self) -> bool:
        return self.days_left < 0


def expiring_certificates(
    addresses: Iterable[JudgedAddress], thresholds: Sequence[int], lifetimes: Mapping[str, float]
) -> tuple[SeenCertificate, ...]:
    """The distinct certificates that passed a threshold; `lifetimes` are in days, by SHA-256, where known."""
    found: dict[str, SeenCertificate] = {}
    for address in addresses:
        served = address.certificate
        if served is None or served.days_left is None or served.not_after is None:
            continue
        lifetime = lifetimes.get(served.sha256)
        step = step_of(served.days_left, thresholds, lifetime)
        if step is not None:
            is_soon = step_of(served.days_left, (EXPIRES_SOON.days,), lifetime) is not None
            found[served.sha256] = SeenCertificate(served.sha256, served.not_after, served.days_left, step, is_soon)
    return tuple(found.values())


def step_of(days_left: int, thresholds: Sequence[int], lifetime_days: float | None) -> int | None:
    """The smallest threshold that was passed; 0 once the certificate is expired, None if there is nothing to tell.

    A threshold of a third of the certificate's life or more says nothing: who renews it in time has not come to
    it yet, and a certificate for 90 days would be told of in every round of its renewal.
    """
    if days_left < 0:
        return 0
    most = lifetime_days * RENEWED_WITH_LEFT if lifetime_days is not None else None
    return min((days for days in thresholds if days_left <= days and (most is None or days < most)), default=None)
