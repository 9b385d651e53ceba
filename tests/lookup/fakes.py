"""A resolver without a network: it answers from a table and remembers what it was asked."""

from scanner.dns.answers import Answer, MxData
from scanner.outcomes import DnsStatus

Question = tuple[str, str]


class FakeResolver:
    """Answers (name, type) from the table given; what is not in it does not exist."""

    def __init__(self, answers: dict[Question, Answer[MxData] | Answer[str]]) -> None:
        self._answers = answers
        self.asked: list[Question] = []

    async def lookup_mx(self, name: str) -> Answer[MxData]:
        return self._answer((name, "MX"))  # type: ignore[return-value]  # the table says which is which

    async def lookup_addresses(self, name: str, family: str) -> Answer[str]:
        return self._answer((name, family))  # type: ignore[return-value]

    async def close(self) -> None:
        """Nothing is open."""

    def _answer(self, question: Question) -> Answer[MxData] | Answer[str]:
        self.asked.append(question)
        return self._answers.get(question, Answer(DnsStatus.nxdomain))
