"""SASL: the octets that RFCs and providers give as examples, when to stop, and that no secret is ever shown."""

import base64
import pickle
import traceback

import pytest

from scanner.smtp.commands import MAX_COMMAND_OCTETS
from scanner.smtp.sasl import Credentials, Mechanism, SaslError, choose_mechanism, start
from tests.smtp.secret_forms import secret_forms, secrets_in

TIM = Credentials("tim", "tanstaaftanstaaf")  # of RFC 2195 and RFC 4616
USERNAME, PASSWORD = b"VXNlcm5hbWU6", b"UGFzc3dvcmQ6"


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("credentials", "initial_response", "why"),
    [
        (TIM, "AHRpbQB0YW5zdGFhZnRhbnN0YWFm", "RFC 4616 §4"),
        (Credentials("test", "1234"), encoded("\0test\x001234"), "without an authorization identity"),
        (Credentials("jürgen", "schlüssel 字"), encoded("\0jürgen\0schlüssel 字"), "UTF-8 (RFC 4616 §2)"),
    ],
)
def test_plain_says_everything_at_once(credentials: Credentials, initial_response: str, why: str) -> None:
    mechanism = start("PLAIN", credentials)
    assert mechanism.initial_response == initial_response, why
    assert mechanism.argument == f"PLAIN {initial_response}"
    with pytest.raises(SaslError, match="asks for more than PLAIN has to say"):
        mechanism.respond(b"")


@pytest.mark.parametrize(
    "prompts",
    [
        (USERNAME, PASSWORD),
        (b"VXNlciBOYW1lAA==", b"UGFzc3dvcmQA"),  # "User Name" NUL, as the old draft says
        (b"", b""),
        (PASSWORD, USERNAME),
    ],
)
def test_login_says_the_user_name_and_then_the_password_whatever_the_prompts(prompts: tuple[bytes, bytes]) -> None:
    mechanism = start("login", TIM)
    assert (mechanism.name, mechanism.argument, mechanism.initial_response) == ("LOGIN", "LOGIN", None)
    assert [mechanism.respond(prompt) for prompt in prompts] == [encoded("tim"), encoded("tanstaaftanstaaf")]
    with pytest.raises(SaslError, match="asks for more than LOGIN has to say"):
        mechanism.respond(PASSWORD)


def test_cram_md5_answers_the_challenge_of_the_rfc() -> None:
    mechanism = start("CRAM-MD5", TIM)
    assert (mechanism.argument, mechanism.initial_response) == ("CRAM-MD5", None)
    response = mechanism.respond(b"PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+")
    assert response == "dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw"
    assert base64.b64decode(response) == b"tim b913a602c7eda7a495b4e6e7334d3890"
    assert mechanism.failure is None
    with pytest.raises(SaslError, match="asks for more"):
        mechanism.respond(b"")


TOKEN = Credentials("someuser@example.com", "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg")


def test_xoauth2_says_what_the_provider_documents() -> None:
    assert start("XOAUTH2", TOKEN).initial_response == (
        "dXNlcj1zb21ldXNlckBleGFtcGxlLmNvbQFhdXRoPUJlYXJlciB5YTI5LnZGOWRmdDRxbVRjMk52YjNSbGNrQmhkSFJoZG1semRHRXVZMjl0"
        "Q2cBAQ=="
    )


def test_an_error_in_xoauth2_is_answered_by_nothing_and_kept() -> None:
    mechanism = start("XOAUTH2", TOKEN)
    error = '{"status":"401","schemes":"bearer","scope":"https://mail.example/\x1b[2J"}'
    assert mechanism.respond(encoded(error).encode()) == ""
    assert mechanism.failure == error.replace("\x1b", "\\x1B")
    with pytest.raises(SaslError, match="asks for more"):
        mechanism.respond(b"")


@pytest.mark.parametrize("name", ["PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2"])
def test_before_anything_failed_there_is_no_failure(name: str) -> None:
    assert start(name, TIM).failure is None


def test_an_endless_error_is_not_kept_whole() -> None:
    mechanism = start("XOAUTH2", TOKEN)
    mechanism.respond(base64.b64encode(b"x" * 9000))
    assert mechanism.failure == "x" * 1024


@pytest.mark.parametrize(("length", "at_once"), [(332, True), (333, False), (4000, False)])
def test_an_initial_response_too_long_for_a_command_waits_for_the_challenge(length: int, at_once: bool) -> None:
    # RFC 4954 §4: AUTH is still subject to the limit of 512 octets; a response of its own is not.
    mechanism = start("XOAUTH2", Credentials("u" * 20, "t" * length))
    line = f"AUTH {mechanism.argument}\r\n"
    assert len(line) <= MAX_COMMAND_OCTETS
    assert (mechanism.initial_response is not None) is at_once
    if not at_once:
        assert line == "AUTH XOAUTH2\r\n"
        response = mechanism.respond(b"")
        assert base64.b64decode(response) == f"user={'u' * 20}\1auth=Bearer {'t' * length}\1\1".encode()
    assert mechanism.respond(encoded("{}").encode()) == ""


def test_the_longest_initial_response_is_of_512_octets() -> None:
    lengths = {len(f"AUTH {start('PLAIN', Credentials('u', 'p' * size)).argument}\r\n") for size in range(1, 600)}
    assert max(lengths) == 509  # the next group of four would be 513
    assert min(lengths) == len("AUTH PLAIN\r\n")


@pytest.mark.parametrize(
    ("challenge", "why"),
    [
        (b"Username:", "text"),
        (b"VXNlcm5hbWU", "without padding"),
        (b"=VXN", "padding at the beginning (RFC 4954 §4)"),
        (b"VXNl\xff", "an octet that is no text"),
        (b"VXNl VXNl", "a space within"),
        (b"VXNl ", "a space behind"),
        (b"2.7.0 VXNlcm5hbWU6", "an enhanced code, which 334 does not have"),
    ],
)
@pytest.mark.parametrize("name", ["LOGIN", "CRAM-MD5"])
def test_a_challenge_that_is_no_base64_ends_the_exchange(name: str, challenge: bytes, why: str) -> None:
    with pytest.raises(SaslError, match="no base64"):
        start(name, TIM).respond(challenge)


@pytest.mark.parametrize(
    ("user", "password", "message"),
    [
        ("", "x", "the user name is empty"),
        ("x", "", "the password is empty"),
        ("a\0b", "x", "a NUL in the user name at position 2"),
        ("x", "hun\0ter2", "a NUL in the password at position 4"),
        ("x", "hunter\udcff", "no valid UTF-8 in the password at position 7"),
    ],
)
def test_credentials_that_cannot_be_said_are_refused_with_the_place(user: str, password: str, message: str) -> None:
    with pytest.raises(SaslError) as refused:
        Credentials(user, password)
    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("user", "token"), [("a\1auth=Bearer b", "t"), ("a", "t\1x=y"), ("a\r\n", "t"), ("a", "t\n"), ("a", "t\x7f")]
)
def test_nothing_in_xoauth2_can_end_a_field(user: str, token: str) -> None:
    with pytest.raises(SaslError, match="a control character"):
        start("XOAUTH2", Credentials(user, token))


@pytest.mark.parametrize(
    ("offered", "wanted", "is_encrypted", "chosen", "why"),
    [
        (("LOGIN", "CRAM-MD5", "PLAIN"), None, True, "PLAIN", "under TLS what everybody must have"),
        (("LOGIN", "CRAM-MD5"), None, True, "LOGIN", "under TLS the next"),
        (("CRAM-MD5",), None, True, "CRAM-MD5", "the only one"),
        (("LOGIN", "CRAM-MD5", "PLAIN"), None, False, "CRAM-MD5", "in the clear the one that hides the password"),
        (("LOGIN", "PLAIN"), None, False, "PLAIN", "in the clear, if somebody insists"),
        (("PLAIN", "XOAUTH2"), None, True, "PLAIN", "XOAUTH2 only if wanted"),
        (("PLAIN", "XOAUTH2"), "xoauth2", True, "XOAUTH2", "wanted, in lower case"),
        (("PLAIN", "LOGIN"), "LOGIN", True, "LOGIN", "wanted"),
        (("PLAIN", "CRAM-MD5"), "PLAIN", False, "PLAIN", "wanted in the clear"),
    ],
)
def test_the_mechanism_is_the_one_wanted_or_the_best_for_the_connection(
    offered: tuple[str, ...], wanted: str | None, is_encrypted: bool, chosen: str, why: str
) -> None:
    assert choose_mechanism(offered, wanted, is_encrypted=is_encrypted) == chosen, why


@pytest.mark.parametrize(
    ("offered", "wanted", "message"),
    [
        ((), None, "the server offers no AUTH here, and not PLAIN or LOGIN or CRAM-MD5"),
        (("XOAUTH2", "GSSAPI"), None, "the server offers XOAUTH2, GSSAPI, and not PLAIN or LOGIN or CRAM-MD5"),
        (("PLAIN",), "LOGIN", "the server offers PLAIN, and not LOGIN"),
        (("GSSAPI",), "GSSAPI", "no mechanism that we know, which are PLAIN, LOGIN, CRAM-MD5, XOAUTH2"),
    ],
)
def test_no_mechanism_is_told_with_what_there_is(offered: tuple[str, ...], wanted: str | None, message: str) -> None:
    with pytest.raises(SaslError) as refused:
        choose_mechanism(offered, wanted, is_encrypted=True)
    assert str(refused.value) == message


def test_a_mechanism_that_is_not_known_is_not_started() -> None:
    with pytest.raises(SaslError, match="no mechanism that we know"):
        start("SCRAM-SHA-1", TIM)


# Secrets -----------------------------------------------------------------------------------------------------

SECRET = Credentials("jim@example.org", "correct horse/battery+staple")


def told_by(mechanism: Mechanism) -> list[str]:
    """What a program might print of an exchange, to its end."""
    told = [repr(mechanism), str(mechanism), f"{mechanism}"]
    for _ in range(4):
        try:
            mechanism.respond(b"PDEyMz4=")
        except SaslError as error:
            told += [str(error), repr(error), traceback.format_exc()]
            # Not even hidden in what was handled meanwhile.
            told.append(repr(error.__context__))
    return told


@pytest.mark.parametrize("name", ["PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2"])
def test_no_text_of_an_exchange_has_the_password(name: str) -> None:
    told = [repr(SECRET), str(SECRET), f"{SECRET!r:>80}", *told_by(start(name, SECRET))]
    assert [secrets_in(text, SECRET) for text in told] == [[]] * len(told)
    assert "jim@example.org" in repr(SECRET)


def test_the_forms_of_a_secret_are_found_wherever_they_are() -> None:
    """The search can fail: it finds the password in whatever way it was let out."""
    password = SECRET.password.encode()
    ways: list[str | bytes] = [
        SECRET.password,
        start("PLAIN", SECRET).argument,
        f"...{start('XOAUTH2', SECRET).argument}...",
        base64.b64encode(b"x" + password + b"y"),
        base64.b64encode(b"xy" + password),
        base64.b64encode(b"xyz" + password + b"."),
        base64.urlsafe_b64encode(b"a" + password),
        password.hex().upper(),
        "correct%20horse%2Fbattery%2Bstaple",
        pickle.dumps(SECRET),
    ]
    assert all(secrets_in(way, SECRET) for way in ways)
    assert len(secret_forms(SECRET)) >= 12
    assert not secrets_in("AUTH PLAIN [hidden]", SECRET)
