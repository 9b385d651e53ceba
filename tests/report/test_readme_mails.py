"""The mails that README shows are the mails that are sent."""

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from scanner.outages.alerts import AlertKind
from scanner.report.alert_text import render_alert
from scanner.report.moments import Moments

from .alerts import EACH

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", [AlertKind.down, AlertKind.back_online, AlertKind.dns_changed])
def test_a_mail_in_readme_is_one_that_is_sent(kind: AlertKind) -> None:
    text = render_alert(EACH[kind], Moments(ZoneInfo("Europe/Berlin")))
    assert f"<!-- mail: {kind} -->\n```text\nSubject: {text.subject}\n\n{text.body}```\n" in README
