"""The messages that a lab keeps: how many, how large, over several starts."""

from pathlib import Path

from scanner.lab.mail_store import Envelope, MailStore, Recipient, read_messages


def envelope(octets: bytes) -> Envelope:
    return Envelope(
        host="mx.here.lab",
        address="127.64.200.1",
        helo="client.lab",
        tls=False,
        user=None,
        client_certificate=None,
        reverse_path="",
        mail_parameters=(),
        recipients=(Recipient(forward_path="a@here.lab", parameters=("NOTIFY=NEVER",)),),
        octets=len(octets),
        by="data",
    )


def keep(store: MailStore, octets: bytes) -> bool:
    return store.keep(envelope(octets), octets)


def test_a_message_is_a_file_of_its_octets_and_one_of_its_envelope(tmp_path: Path) -> None:
    octets = bytes(range(256))
    assert keep(MailStore(tmp_path), octets)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["000001.eml", "000001.json"]
    assert (tmp_path / "000001.eml").read_bytes() == octets
    (message,) = read_messages(tmp_path)
    assert (message.octets, message.envelope) == (octets, envelope(octets))


def test_a_store_that_was_sent_nothing_makes_no_directory(tmp_path: Path) -> None:
    MailStore(tmp_path / "messages")
    assert not (tmp_path / "messages").exists()
    assert read_messages(tmp_path / "messages") == []


def test_numbers_and_bounds_go_on_over_a_start(tmp_path: Path) -> None:
    assert [keep(MailStore(tmp_path, max_messages=3), b"message %d" % number) for number in range(4)] == [
        True,
        True,
        True,
        False,
    ]
    assert [message.octets for message in read_messages(tmp_path)] == [b"message 0", b"message 1", b"message 2"]


def test_a_full_store_has_room_for_what_still_fits(tmp_path: Path) -> None:
    store = MailStore(tmp_path, max_bytes=10)
    assert [keep(store, octets) for octets in (b"12345678", b"123", b"12", b"1")] == [True, False, True, False]
    assert [keep(MailStore(tmp_path, max_bytes=10), octets) for octets in (b"", b"1")] == [True, False]
