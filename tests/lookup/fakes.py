"""Resolvers without a network: they answer from tables and remember what they were asked."""

from collections.abc import Mapping, Sequence
from typing import Any, Never

from scanner.dns.answers import Answer, MxData
from scanner.dns.messages import RecordType
from scanner.outcomes import DnsStatus
from scanner.policy.tlsa import TlsaRecord

Question = tuple[str, str]


class FakeResolver:
    """Answers (name, type) from the table given; what is not in it does not exist."""

    def __init__(
        self, answers: Mapping[Question, Answer[MxData] | Answer[str]], texts: Mapping[str, Answer[Any]] | None = None
    ) -> None:
        self._answers = answers
        self._texts = texts or {}
        self.asked: list[Question] = []

    async def lookup_mx(self, name: str) -> Answer[MxData]:
        return self._answer((name, "MX"))  # type: ignore[return-value]  # the table says which is which

    async def lookup_addresses(self, name: str, family: str) -> Answer[str]:
        return self._answer((name, family))  # type: ignore[return-value]

    async def lookup_txt(self, name: str) -> Answer[tuple[bytes, ...]]:
        self.asked.append((name, "TXT"))
        return self._texts.get(name, Answer(DnsStatus.nxdomain))

    async def close(self) -> None:
        """Nothing is open."""

    def _answer(self, question: Question) -> Answer[MxData] | Answer[str]:
        self.asked.append(question)
        return self._answers.get(question, Answer(DnsStatus.nxdomain))


SECURE: Answer[Any] = Answer(DnsStatus.ok, ad=True)
INSECURE: Answer[Any] = Answer(DnsStatus.ok, ad=False)
ABSENT: Answer[Any] = Answer(DnsStatus.nxdomain, ad=True)


class FakeValidated:
    """Answers (name, type) from the table given, `_25._tcp.` and all; what is not in it is insecurely there, or,
    if it is TLSA, securely absent. Several answers to one question are given in turn, the last for ever.
    """

    def __init__(self, answers: Mapping[Question, Answer[Any] | Sequence[Answer[Any]]] | None = None) -> None:
        self._answers = {
            question: [answer] if isinstance(answer, Answer) else list(answer)
            for question, answer in (answers or {}).items()
        }
        self.asked: list[Question] = []

    async def lookup_security(self, name: str, record_type: RecordType) -> Answer[Never]:
        return self._answer((name, record_type.name), INSECURE)

    async def lookup_tlsa(self, name: str) -> Answer[TlsaRecord]:
        return self._answer((name, "TLSA"), ABSENT)

    def _answer(self, question: Question, otherwise: Answer[Any]) -> Answer[Any]:
        self.asked.append(question)
        answers = self._answers.get(question, [otherwise])
        return answers.pop(0) if len(answers) > 1 else answers[0]
