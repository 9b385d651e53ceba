"""The world's names → the sections of answers, as a recursive resolver would give them. Pure.

Made to be cheap: lines are only sorted by owner when a world is loaded (20,000 domains start at once),
records are encoded when a name is first asked for, and a finished answer is kept for the next time, unless
the world says that it will be another one then.
"""

import struct
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from scanner.lab.security import NOTHING_SIGNED, Security
from scanner.lab.turns import Turns
from scanner.lab.world import DnsAnswers, DnsFault
from scanner.lab.zone_lines import CNAME, SOA, Record, encode_name, expand_line, parse_owner, parse_record

NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED = range(6)
IN = 1

#: RFC 1035 §4.1.4: a pointer to octet 12, where the question's name stands.
_QUESTION_NAME = b"\xc0\x0c"
_ROOT = b"\0"
#: What these faults do is up to the transport, or to who asks; the answer itself is the right one.
_FAULTS_AROUND = frozenset({"drop", "truncate", "tcp_refused", "udp_only", "bogus"})
_RCODES: dict[DnsFault, int] = {"servfail": SERVFAIL, "refused": REFUSED, "nxdomain": NXDOMAIN}
_SOA_NUMBERS = struct.pack("!5I", 1, 3600, 600, 86400, 60)
#: What stands in the denials of a world without a root.
_SOA_RECORD = Record(SOA, 60, encode_name("ns.lab") + encode_name("hostmaster.lab") + _SOA_NUMBERS)


class Answer(NamedTuple):
    """What follows the question: the response code, the counts of records and the sections on the wire.

    `is_secure`: every record in it, and every denial, is of a signed zone (RFC 4035 §3.2.3). `fault` is what
    happens to it on its way.
    """

    rcode: int
    answers: int = 0
    authorities: int = 0
    sections: bytes = b""
    is_secure: bool = False
    fault: DnsFault | None = None


class Zone:
    """All names of a world: CNAMEs are followed, "no data" and NXDOMAIN told apart, faults put in."""

    def __init__(
        self, lines: Iterable[str], answers: Mapping[str, DnsAnswers], security: Security = NOTHING_SIGNED
    ) -> None:
        """`lines` are zone file lines; `answers` maps `NAME TYPE` to faults and changes. Raises ZoneError."""
        self._security = security
        self._lines: dict[bytes, list[str]] = {}
        self._names = {_ROOT}
        self._answers: dict[bytes, Answer] = {}
        self._denials: dict[bytes, Record | None] = {}
        self._turns = {turns.question: turns for turns in (Turns(key, said) for key, said in answers.items())}
        for line in (each for text in lines for each in expand_line(text)):
            owner = parse_owner(line)
            self._lines.setdefault(owner, []).append(line)
            self._names.update(_name_and_ancestors(owner))

    @property
    def is_authority(self) -> bool:
        """A resolver is none, whoever the name belongs to (RFC 1035 §4.1.1: AA)."""
        return False

    @property
    def validates(self) -> bool:
        """Whether the resolver that answers from here looks at signatures."""
        return self._security.validates

    def answer(self, question: bytes) -> Answer:
        """The answer to a question: its name on the wire in lower case, its type, class IN."""
        kept = self._answers.get(question)
        if kept is None:
            kept, is_lasting = self._find(question[:-4], int.from_bytes(question[-4:-2], "big"), self._turns)
            if is_lasting and question[:-4] in self._names:  # of names that do not exist there is no end
                self._answers[question] = kept
        return kept

    def published(self, question: bytes) -> Answer:
        """The same as its records are, whatever the world says of the answers to it."""
        return self._find(question[:-4], int.from_bytes(question[-4:-2], "big"), {})[0]

    def _find(
        self, question_name: bytes, record_type: int, all_turns: Mapping[tuple[bytes, int], Turns]
    ) -> tuple[Answer, bool]:
        """The answer, and whether it is the same the next time."""
        owner, chain, is_lasting = question_name, _Chain(question_name), True
        while owner not in chain.owners:
            chain.owners.add(owner)
            chain.is_secure = chain.is_secure and self._security.is_secure(owner)
            turns = all_turns.get((owner, record_type))
            said = turns.next() if turns is not None else None
            is_lasting = is_lasting and not (turns is not None and turns.changes)
            if isinstance(said, str) and said not in _FAULTS_AROUND:
                return _faulty_answer(owner, record_type, said), is_lasting
            if isinstance(said, str):
                chain.fault = said
            wanted, aliases = self._records(owner, record_type)
            if isinstance(said, tuple):
                wanted = said
            if not wanted and not aliases:
                return self._negative_answer(owner, chain), is_lasting
            chain.add(owner, wanted or aliases)
            if wanted:
                break
            owner = aliases[0].rdata.lower()
        # A loop ends here too: its answer is the chain itself, as BIND gives it.
        return chain.answer(NOERROR), is_lasting

    def _records(self, owner: bytes, record_type: int) -> tuple[tuple[Record, ...], tuple[Record, ...]]:
        """The records of a type at a name, and the alias there, if there is one."""
        records = [parse_record(line) for line in self._lines.get(owner, ())]
        aliases = tuple([record for record in records if record.type == CNAME])
        return tuple([record for record in records if record.type == record_type]), aliases[:1]

    def _negative_answer(self, owner: bytes, chain: "_Chain") -> Answer:
        """RFC 2308 §2: a SOA in the authority section; RFC 6604 §3: the code is that of the last name."""
        apex = next((name for name in _name_and_ancestors(owner) if self._denial_of(name) is not None), _ROOT)
        denial = self._denial_of(apex) or _SOA_RECORD
        answer = chain.answer(NOERROR if owner in self._names else NXDOMAIN)
        return answer._replace(authorities=1, sections=answer.sections + _encode(apex, denial))

    def _denial_of(self, apex: bytes) -> Record | None:
        """The SOA record that a zone denies with, None if none begins at this name."""
        if apex not in self._lines:
            return None
        if apex not in self._denials:
            soa = next(iter(self._records(apex, SOA)[0]), None)
            self._denials[apex] = None if soa is None else _as_denial(soa)
        return self._denials[apex]


class _Chain:
    """The records found so far on the way along CNAMEs."""

    def __init__(self, question_name: bytes) -> None:
        self._question_name = question_name
        self._found: list[bytes] = []
        self.owners: set[bytes] = set()
        self.is_secure = True
        self.fault: DnsFault | None = None

    def add(self, owner: bytes, records: Iterable[Record]) -> None:
        shown = _QUESTION_NAME if owner == self._question_name else owner
        self._found.extend([_encode(shown, record) for record in records])

    def answer(self, rcode: int) -> Answer:
        return Answer(rcode, len(self._found), 0, b"".join(self._found), self.is_secure, self.fault)


def _faulty_answer(owner: bytes, record_type: int, fault: DnsFault) -> Answer:
    if fault == "malformed":  # a record whose data would begin where the message ends
        return Answer(NOERROR, 1, 0, _QUESTION_NAME + struct.pack("!HHIH", record_type, IN, 60, 500))
    if fault == "cname_loop":
        other = b"\x04loop" + owner
        loop = _encode(owner, Record(CNAME, 60, other)) + _encode(other, Record(CNAME, 60, owner))
        return Answer(NOERROR, 2, 0, loop)
    return Answer(_RCODES[fault])


def _as_denial(soa: Record) -> Record:
    """RFC 2308 §3: a denial is kept no longer than the last field of the SOA says."""
    return soa._replace(ttl_s=min(soa.ttl_s, int.from_bytes(soa.rdata[-4:], "big")))


def _encode(owner: bytes, record: Record) -> bytes:
    """RFC 1035 §4.1.3."""
    return owner + struct.pack("!HHIH", record.type, IN, record.ttl_s, len(record.rdata)) + record.rdata


def _name_and_ancestors(name: bytes) -> Iterator[bytes]:
    """The names that exist because this one does (RFC 8020 §2), without the root."""
    while len(name) > 1:
        yield name
        name = name[name[0] + 1 :]
