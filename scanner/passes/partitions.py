"""Partitions: which part of a file a domain, a host or a target belongs to, whoever works on it."""

from hashlib import blake2b

#: A run of more domains than this is cut into parts of about this size.
DOMAINS_PER_PARTITION = 50_000


def hash64(text: str) -> int:
    """64 bits that stand for a text in sets of things seen: 1 in 37 million for a clash among a million."""
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


def partition_of(key: str, partitions: int) -> int:
    """The partition of a domain, a mail host, or (for targets) a network."""
    return hash64(key) % partitions


def partitions_for(domains: int) -> int:
    """How many partitions a run of so many domains gets; fixed in run.json from then on."""
    return max(1, min(1000, round(domains / DOMAINS_PER_PARTITION)))
