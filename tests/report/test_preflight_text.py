"""The check list: readable without colour, inert whatever the DNS said."""

from scanner.judgement.fitness import Check, CheckResult
from scanner.report.preflight_text import render_checks
from tests.report.terminal import on_terminal, piped, without_colours

CHECKS = [
    Check("ehlo_name", CheckResult.ok, "mx.example.org is 192.0.2.1 and back"),
    Check("ipv6", CheckResult.warning, "no address", "scan from a host with IPv6"),
    Check("port_open", CheckResult.failed, "port 25 is blocked", "ask the provider"),
    Check("resolver_validates", CheckResult.not_known, "the root could not be asked for"),
]


def test_each_check_has_its_result_in_a_word_and_what_to_do_below() -> None:
    lines = [" ".join(line.split()) for line in piped(render_checks(CHECKS), width=200).splitlines()]
    assert lines == [
        "ok our name mx.example.org is 192.0.2.1 and back",
        "warning IPv6 no address",
        "→ scan from a host with IPv6",
        "FAILED port is open port 25 is blocked",
        "→ ask the provider",
        "not known resolver validates the root could not be asked for",
    ]


def test_a_terminal_gets_colours_and_the_same_words() -> None:
    shown = on_terminal(render_checks(CHECKS), width=200)
    assert "\x1b[32mok" in shown
    assert "\x1b[33mwarning" in shown
    assert "\x1b[31mFAILED" in shown
    assert without_colours(shown).split() == piped(render_checks(CHECKS), width=200).split()


def test_what_the_dns_says_is_inert() -> None:
    hostile = Check("ehlo_name", CheckResult.warning, "the PTR is \x1b[2Jevil", "set it to \x07")
    assert "\x1b" not in piped(render_checks([hostile]))
    assert "\\x1B[2Jevil" in piped(render_checks([hostile]))


def test_every_check_has_a_title() -> None:
    shown = piped(render_checks([Check("a_new_one", CheckResult.ok, "")]))
    assert "a_new_one" in shown
