"""Worlds in which servers find us too much: nobody is called broken for it, and nothing is lost by patience."""

from pathlib import Path

import pytest

from scanner.lab.grown import grow_world
from scanner.records import Domain, SessionRecord
from tests.acceptance.running import domains_of, mxscan, records_of
from tests.expectation import differences

DOMAINS, SEED = 1000, 7


def _scan(directory: Path, shape: str) -> Path:
    """A scan of a grown world of that shape."""
    settings, out = directory / "settings.toml", directory / "run"
    settings.write_text(f'[lab]\nshape = "{shape}"\n')
    options = ("--lab-domains", str(DOMAINS), "--seed", str(SEED), "--config", settings, "--out", out, "--quiet")
    result = mxscan("scan", "--lab", *options, timeout=300)
    assert result.returncode == 0, result.stderr.decode()
    return out


def _is_of_the_provider(record: Domain) -> bool:
    """True for a domain of the provider that the world is about: its mail host is its own, at an address there."""
    return any(host.exchange == f"mx.{record.domain}" and host.addresses for host in record.mail_hosts)


@pytest.fixture(scope="module")
def rate_limited(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """30 % of the domains sit on a provider that answers 421 after 20 sessions, with a certificate a name."""
    return _scan(tmp_path_factory.mktemp("limited"), "rate_limited")


def test_whoever_limits_our_rate_is_asked_again_and_never_called_broken(rate_limited: Path) -> None:
    records = {record.domain: record for record in domains_of(rate_limited)}
    limited = [record for record in records.values() if _is_of_the_provider(record)]
    assert len(limited) >= 0.29 * DOMAINS
    for record in limited:
        verdicts = record.verdicts
        for verdict in (verdicts.smtp, verdicts.starttls, verdicts.certificate_trusted, verdicts.certificate_name):
            assert verdict.no == 0, record.domain
            assert verdict.value == "yes" or set(verdict.reasons) == {"rate_limited"}, record.domain
        assert not [found for found in record.findings if found.severity == "error"], record.domain
    learnt = [record for record in limited if record.verdicts.starttls.value == "yes"]
    assert len(learnt) > 0.9 * len(limited), "backing off is of no use"


def test_a_provider_that_limits_our_rate_did_say_so(rate_limited: Path) -> None:
    refused = [session for session in records_of(rate_limited, SessionRecord) if session.cause == "rate_limited"]
    assert refused
    assert all(session.about_us for session in refused)


@pytest.mark.parametrize("shape", ["rate_limited", "blackholed", "tarpit", "one_address"])
def test_every_record_of_such_a_world_is_as_it_must_be(
    shape: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    run = request.getfixturevalue("rate_limited") if shape == "rate_limited" else _scan(tmp_path, shape)
    records = {record.domain: record for record in domains_of(run)}
    world = grow_world(DOMAINS, SEED, shape)
    wrong = {entry.domain: found for entry in world.entries if (found := differences(entry, records.pop(entry.domain)))}
    assert wrong == {}
    assert records == {}
