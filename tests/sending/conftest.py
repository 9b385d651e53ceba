"""One lab for all tests of `mxscan send`: it is opened once."""

from collections.abc import Iterator

import pytest

from tests.sending.lab_sending import LabMail, SendInLab, Sent, open_lab_mail


@pytest.fixture(scope="session")
def lab_mail(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabMail]:
    """The lab."""
    with open_lab_mail(tmp_path_factory.mktemp("sending")) as lab:
        yield lab


@pytest.fixture
def send(lab_mail: LabMail, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> SendInLab:
    """Runs `mxscan send ARGUMENTS` in the lab; RELAY:host in an argument becomes the host with the lab's port."""
    monkeypatch.setenv("NO_COLOR", "1")

    def run(*arguments: str) -> Sent:
        placed = [
            lab_mail.relay(text.removeprefix("RELAY:")) if text.startswith("RELAY:") else text for text in arguments
        ]
        return lab_mail.send(capsys, *placed)

    return run
