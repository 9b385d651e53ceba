"""The arguments of MAIL and RCPT, as the lab's strict servers read them."""

import pytest

from scanner.lab.mail_commands import CommandError, parse_mail, parse_rcpt

EVERYTHING = frozenset({"SIZE", "8BITMIME", "SMTPUTF8", "DSN", "AUTH"})

GOOD = [
    (b"FROM:<>", "", (), "the null reverse path"),
    (b"FROM:<a@b.lab>", "a@b.lab", (), "an address"),
    (b"from:<a@b.lab>", "a@b.lab", (), "the word in any case"),
    (b'FROM:<"a > b\\" c"@b.lab>', '"a > b\\" c"@b.lab', (), "a quoted local part with all that ends others"),
    (b"FROM:<a@[IPv6:::1]>", "a@[IPv6:::1]", (), "an address literal"),
    (b"FROM:<a@b.lab> SIZE=12 BODY=8bitmime", "a@b.lab", ("SIZE=12", "BODY=8bitmime"), "parameters"),
    ("FROM:<jörg@b.lab> SMTPUTF8".encode(), "jörg@b.lab", ("SMTPUTF8",), "UTF-8 that is announced"),
    (b"FROM:<a@b.lab> RET=HDRS ENVID=a+2Bb", "a@b.lab", ("RET=HDRS", "ENVID=a+2Bb"), "DSN"),
    (b"FROM:<a@b.lab> AUTH=<>", "a@b.lab", ("AUTH=<>",), "AUTH"),
]


@pytest.mark.parametrize(("argument", "address", "parameters", "why"), GOOD, ids=[row[-1] for row in GOOD])
def test_mail_is_taken(argument: bytes, address: str, parameters: tuple[str, ...], why: str) -> None:
    command = parse_mail(argument, EVERYTHING)
    assert (command.address, command.parameters) == (address, parameters)


BAD = [
    (b"", b"501", "nothing"),
    (b"FROM:", b"501", "no path"),
    (b"FROM:a@b.lab", b"501", "no brackets"),
    (b"FROM: <a@b.lab>", b"501", "RFC 5321 §3.3: no space after the colon"),
    (b"FROM :<a@b.lab>", b"501", "nor before it"),
    (b"TO:<a@b.lab>", b"501", "the other word"),
    (b"FROM:<a@b.lab", b"501", "half a path"),
    (b"FROM:<a b@b.lab>", b"501", "a space that is not quoted"),
    (b"FROM:<a@b.lab>SIZE=1", b"501", "no space before a parameter"),
    (b"FROM:<" + b"a" * 249 + b"@b.lab>", b"501", "a path of 257 octets"),
    (b"FROM:<a@b.lab> SIZE", b"501", "no value"),
    (b"FROM:<a@b.lab> SIZE=1k", b"501", "a strange value"),
    (b"FROM:<a@b.lab> SMTPUTF8=1", b"501", "a value where none belongs"),
    (b"FROM:<a@b.lab> RET=SOME", b"501", "a word that RET does not know"),
    (b"FROM:<a@b.lab> ENVID=a=b", b"501", "no xtext"),
    (b"FROM:<a@b.lab> NOTIFY=NEVER", b"555", "a parameter of RCPT"),
    (b"FROM:<a@b.lab> X=1", b"555", "a parameter of nobody"),
    ("FROM:<jörg@b.lab>".encode(), b"553", "UTF-8 that is not announced"),
    (b"FROM:<j\xffrg@b.lab> SMTPUTF8", b"501", "no UTF-8"),
]


@pytest.mark.parametrize(("argument", "code", "why"), BAD, ids=[row[-1] for row in BAD])
def test_mail_is_refused(argument: bytes, code: bytes, why: str) -> None:
    with pytest.raises(CommandError) as refusal:
        parse_mail(argument, EVERYTHING)
    assert refusal.value.reply[:3] == code


@pytest.mark.parametrize("parameter", ["SIZE=1", "BODY=7BIT", "SMTPUTF8", "RET=FULL", "ENVID=a", "AUTH=<>"])
def test_a_parameter_of_an_extension_that_is_not_offered_is_refused(parameter: str) -> None:
    with pytest.raises(CommandError, match=r"555 5\.5\.4"):
        parse_mail(f"FROM:<a@b.lab> {parameter}".encode(), ())


RECIPIENTS = [
    (b"TO:<a@b.lab>", b"", "an address"),
    (b"TO:<Postmaster>", b"", "RFC 5321 §4.1.1.3: without a domain"),
    (b"TO:<a@b.lab> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;a@b.lab", b"", "DSN"),
    (b"TO:<>", b"501", "nobody"),
    (b"TO:<somebody>", b"501", "no domain"),
    (b"TO:<a@b.lab> NOTIFY=NEVER,DELAY", b"501", "RFC 3461 §4.1: NEVER stands alone"),
    (b"TO:<a@b.lab> SIZE=1", b"555", "a parameter of MAIL"),
    ("TO:<jörg@b.lab>".encode(), b"553", "UTF-8, and MAIL did not say so"),
]


@pytest.mark.parametrize(("argument", "code", "why"), RECIPIENTS, ids=[row[-1] for row in RECIPIENTS])
def test_rcpt_is_taken_or_refused(argument: bytes, code: bytes, why: str) -> None:
    said = b""
    try:
        parse_rcpt(argument, EVERYTHING, is_utf8=False)
    except CommandError as error:
        said = error.reply[:3]
    assert said == code


def test_rcpt_takes_utf8_once_mail_has_announced_it() -> None:
    assert parse_rcpt("TO:<jörg@b.lab>".encode(), EVERYTHING, is_utf8=True).address == "jörg@b.lab"
