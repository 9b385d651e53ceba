"""What the hosts of MTA-STS policies do, as a client sees it that knows HTTP by its octets alone."""

import gzip
import shutil
import subprocess
import time
from typing import Any

import pytest
from cryptography import x509

from scanner.lab.log import FetchLine
from scanner.lab.world import CertificateKind, PolicyBehaviour, PolicyHost, World
from scanner.lab.world_file import find_problems

from .conftest import OpenLab
from .running import LIMITS, Client, RunningLab, TlsClient, entry, world_of

PLACE = "127.64.201.9"
NAME = "mta-sts.here.lab"
POLICY = r"version: STSv1\nmode: enforce\nmx: {host}\nmax_age: 86400\n"
OCTETS = b"version: STSv1\nmode: enforce\nmx: mta-sts.here.lab\nmax_age: 86400\n"
REQUEST = b"GET /.well-known/mta-sts.txt HTTP/1.1\r\nHost: mta-sts.here.lab\r\n\r\n"


def policy_host(host: str = NAME, **changes: Any) -> PolicyHost:
    return PolicyHost(**{"address": PLACE, "host": host, "certificate": "this", "policy": POLICY} | changes)


def a_world(behaviour: PolicyBehaviour | None = None, *hosts: PolicyHost, **more: PolicyBehaviour) -> World:
    """A world with policy hosts of that behaviour, the good one at PLACE unless others are given."""
    return world_of(
        certificates={"this": CertificateKind(), "other": CertificateKind(issuer="self")},
        policy_behaviours={"good": behaviour or PolicyBehaviour(), **more},
        policy_hosts=hosts or (policy_host(),),
    )


def connect(lab: RunningLab, timeout_s: float = 5.0) -> Client:
    return lab.connect(PLACE, timeout_s, lab.lab.ports.https)


def open_tls(lab: RunningLab, server_name: str | None = NAME) -> TlsClient:
    return TlsClient(connect(lab), server_name).shake_hands()


def fetch(lab: RunningLab, request: bytes = REQUEST, server_name: str = NAME) -> tuple[bytes, bytes]:
    """Head and body of a response that is followed by the end of the connection."""
    client = open_tls(lab, server_name)
    client.say(request)
    head, _, body = client.hear_all().partition(b"\r\n\r\n")
    return head, body


def response(*steps: str) -> PolicyBehaviour:
    return PolicyBehaviour(response=(*steps, "close"))


def test_a_good_host_has_the_policy_with_its_length_and_keeps_the_connection(open_lab: OpenLab) -> None:
    client = open_tls(open_lab(a_world()))
    for _ in range(2):
        client.say(REQUEST)
        expected = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%b"
        assert client.hear(len(expected % (len(OCTETS), OCTETS))) == expected % (len(OCTETS), OCTETS)


REQUESTS = [
    (REQUEST.replace(b"Host: mta-sts.here.lab", b"hOST:\tMTA-STS.here.lab:8443 "), b"200", "any case, a port"),
    (REQUEST.replace(b"\r\nHost", b"\r\nAccept: */*\r\nHost"), b"200", "another field before"),
    (REQUEST.replace(b"HTTP/1.1", b"HTTP/1.0"), b"200", "an older version"),
    (REQUEST.replace(b"mta-sts.txt", b"security.txt"), b"404", "another file"),
    (REQUEST.replace(b"mta-sts.here", b"mta-sts.there"), b"404", "another host"),
    (REQUEST.replace(b"GET", b"HEAD"), b"404", "another method"),
    (REQUEST.replace(b"Host", b"Hosts"), b"404", "no host"),
]


@pytest.mark.parametrize(("request_", "status", "why"), REQUESTS, ids=[row[-1] for row in REQUESTS])
def test_only_who_asks_for_the_policy_of_the_host_gets_it(
    open_lab: OpenLab, request_: bytes, status: bytes, why: str
) -> None:
    head, _ = fetch(open_lab(a_world(response("send HTTP/1.1 200 OK\\r\\n\\r\\n{policy}"))), request_)
    assert head.split(b" ")[1] == status


def test_a_request_may_come_octet_by_octet(open_lab: OpenLab) -> None:
    client = open_tls(open_lab(a_world(response("send {policy}"))))
    for octet in REQUEST:
        client.say(bytes((octet,)))
    assert client.hear_all() == OCTETS


GZIPPED = gzip.compress(OCTETS, mtime=0)
RESPONSES = [
    ("send {length} {hex_length}", b"%d %x" % (len(OCTETS), len(OCTETS)), "lengths"),
    ("send {gzipped_length} {gzipped}", b"%d %b" % (len(GZIPPED), GZIPPED), "gzip"),
    ("repeat 40000 {host}\\n", b"mta-sts.here.lab\n" * 40000, "more than a socket takes at once"),
    ("drip 0.01 {policy}", OCTETS, "octet by octet"),
]


@pytest.mark.parametrize(("step", "octets", "why"), RESPONSES, ids=[row[-1] for row in RESPONSES])
def test_a_response_is_what_its_steps_say(open_lab: OpenLab, step: str, octets: bytes, why: str) -> None:
    client = open_tls(open_lab(a_world(response(step))))
    client.say(REQUEST)
    assert client.hear_all() == octets


@pytest.mark.parametrize("size", [65536, 65537])
def test_a_policy_may_be_of_any_size(open_lab: OpenLab, size: int) -> None:
    lab = open_lab(a_world(response("send \\r\\n\\r\\n{policy}"), policy_host(padded_to=size)))
    _, body = fetch(lab)
    assert len(body) == size
    assert body.startswith(OCTETS + b"padding: xxx")


def test_a_wait_is_a_share_of_the_limit_of_a_fetch(open_lab: OpenLab) -> None:
    client = open_tls(open_lab(a_world(response("wait 0.5", "send {policy}"))))
    started_s = time.monotonic()
    client.say(REQUEST)
    assert client.hear_all() == OCTETS
    assert LIMITS.policy_s * 0.5 <= time.monotonic() - started_s + 0.002


OPENINGS = [
    (PolicyBehaviour(opening=("send no TLS here",)), b"no TLS here", "speaks first"),
    (PolicyBehaviour(tls=("send \\x15\\x03\\x03", "close")), b"\x15\x03\x03", "instead of a handshake"),
    (PolicyBehaviour(opening=("close",)), b"", "closes"),
]


@pytest.mark.parametrize(("behaviour", "octets", "why"), OPENINGS, ids=[row[-1] for row in OPENINGS])
def test_a_host_need_not_shake_hands(open_lab: OpenLab, behaviour: PolicyBehaviour, octets: bytes, why: str) -> None:
    client = connect(open_lab(a_world(behaviour)))
    if behaviour.tls is not None:  # to the others nothing has to be said
        client.say(b"\x16\x03\x01\x00\x05hello")
    assert client.socket.recv(100) == octets


def test_a_host_may_reset_and_be_good_the_next_time(open_lab: OpenLab) -> None:
    resets, fine = PolicyBehaviour(response=("reset",)), response("send {policy}")
    lab = open_lab(a_world(PolicyBehaviour(visits=("resets", "fine")), resets=resets, fine=fine))
    client = open_tls(lab)
    client.say(REQUEST)
    with pytest.raises(ConnectionResetError):
        client.hear_all()
    for _ in range(2):
        client = open_tls(lab)
        client.say(REQUEST)
        assert client.hear_all() == OCTETS


def test_nobody_may_listen(open_lab: OpenLab) -> None:
    with pytest.raises(ConnectionRefusedError):
        connect(open_lab(a_world(PolicyBehaviour(listener=False))))


def test_every_connect_to_a_blackhole_times_out(open_lab: OpenLab) -> None:
    lab = open_lab(a_world(PolicyBehaviour(blackhole=True)))
    for _ in range(3):
        with pytest.raises(TimeoutError):
            connect(lab, 0.15)


# Several at one address ---------------------------------------------------------------------------------


def test_hosts_of_one_address_have_their_own_certificates_and_policies(open_lab: OpenLab) -> None:
    other = "mta-sts.there.lab"
    hosts = (policy_host(), policy_host(other, policy=r"other\n", certificate="other"))
    lab = open_lab(a_world(response("send \\r\\n\\r\\n{policy}"), *hosts))
    assert fetch(lab)[1] == OCTETS
    assert fetch(lab, REQUEST.replace(b"mta-sts.here", b"mta-sts.there"), other)[1] == b"other\n"
    leaves = [x509.load_der_x509_certificate(open_tls(lab, name).chain()[0]) for name in (NAME, other)]
    assert [leaf.subject.rfc4514_string() for leaf in leaves] == [f"CN={NAME}", f"CN={other}"]
    assert [leaf.issuer.rfc4514_string() for leaf in leaves] == ["CN=mxscan lab root", f"CN={other}"]


PROBLEMS = [
    ((policy_host(behaviour="nothing"),), "unknown policy behaviour 'nothing'", "no such behaviour"),
    ((policy_host(certificate="nothing"),), "unknown certificate 'nothing'", "no such certificate"),
    ((policy_host(address="10.0.0.1"),), "is no address in 127.64.0.0/10", "an address outside of the lab"),
    ((policy_host(policy="\\q"),), "unknown escape", "a policy that is no text of a step"),
    ((policy_host(), policy_host("b.lab", behaviour="bad")), "share a behaviour", "two behaviours at an address"),
]


@pytest.mark.parametrize(("hosts", "told", "why"), PROBLEMS, ids=[row[-1] for row in PROBLEMS])
def test_a_host_that_cannot_be_served_is_told(hosts: tuple[PolicyHost, ...], told: str, why: str) -> None:
    world = world_of(
        certificates={"this": CertificateKind()},
        policy_behaviours={"good": PolicyBehaviour(), "bad": PolicyBehaviour(response=("close",))},
        entries=(entry("here.lab", policy_hosts=hosts),),
    )
    assert any(told in problem for problem in find_problems(world))


def test_a_step_that_is_none_is_told() -> None:
    for behaviour in (PolicyBehaviour(response=("say x",)), PolicyBehaviour(opening=("say x",))):
        assert any("'say x' is no step" in problem for problem in find_problems(a_world(behaviour)))


# The log, and a stranger -----------------------------------------------------------------------------------


def test_the_log_has_whole_requests(open_lab: OpenLab) -> None:
    lab = open_lab(a_world(response("send {policy}")))
    client = open_tls(lab)
    client.say(REQUEST)
    client.hear_all()
    (line,) = [line for line in lab.stop() if isinstance(line, FetchLine)]
    assert line.requests == [REQUEST.decode().removesuffix("\r\n")]
    assert (line.address, line.port, line.sni, line.tls) == (PLACE, lab.lab.ports.https, NAME, "TLSv1.3")
    assert (line.end, line.error) == ("server_closed", None)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs the openssl command")
def test_openssl_trusts_what_the_authority_made(open_lab: OpenLab) -> None:
    lab = open_lab(a_world(response("send HTTP/1.1 200 OK\\r\\n\\r\\n{policy}")))
    command = ["openssl", "s_client", "-quiet", "-connect", f"{PLACE}:{lab.lab.ports.https}", "-servername", NAME]
    command += ["-verify_return_error", "-verify_hostname", NAME, "-CAfile", str(lab.directory / "roots.pem")]
    said = subprocess.run(command, input=REQUEST, capture_output=True, timeout=20, check=True)
    assert said.stdout.endswith(OCTETS)
