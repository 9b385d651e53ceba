"""The mail hosts that are compared: what each serves, what the DNS says of it, and what senders make of it."""

from dataclasses import dataclass

from .opinions import Dane, WebPki

SIGNED = "signed.test"
UNSIGNED = "unsigned.test"
#: Its parent vouches for another key.
BOGUS = "bogus.test"

#: The certificate of a host that does not offer STARTTLS.
NO_TLS = "no-tls"


@dataclass(frozen=True)
class Configuration:
    """A domain NAME.ZONE with one MX host `mx.NAME.HOST_ZONE`, and what the two kinds of senders find there.

    `certificate` is one of certificates.KINDS or NO_TLS; `tlsa` are the host's records, separated by `;`, as
    certificates.Authorities.tlsa takes them. With an `alias_zone` the host is an alias of `at.NAME.ALIAS_ZONE`,
    whose records are `tlsa_there`; with a `tlsa_zone` the name of the host's records is an alias into that zone; with
    a `domain_alias_zone` the domain is an alias of `to.NAME.DOMAIN_ALIAS_ZONE`.
    `spoilt` are RRsets (`OWNER TYPE`) whose signatures are wrong, `lines` more lines of a zone; in both stand
    {host}, {domain} and {tlsa} for absolute names.
    """

    name: str
    certificate: str
    tlsa: str
    dane: Dane
    web_pki: WebPki
    why: str
    zone: str = SIGNED
    host_zone: str = SIGNED
    label: str = "mx"
    alias_zone: str = ""
    tlsa_there: str = ""
    tlsa_zone: str = ""
    domain_alias_zone: str = ""
    spoilt: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()

    @property
    def domain(self) -> str:
        return f"{self.name}.{self.zone}"

    @property
    def host(self) -> str:
        return f"{self.label}.{self.name}.{self.host_zone}"


_C = Configuration
_AUTHENTICATED, _NOT_AUTHENTICATED = Dane.authenticated, Dane.not_authenticated
_ENCRYPTED, _ANY, _FAILED = Dane.encrypted, Dane.opportunistic, Dane.lookup_failed
_VERIFIED, _WRONG_NAME, _NOT_TRUSTED = WebPki.verified, WebPki.wrong_name, WebPki.not_trusted

#: RFC 7672 §3.1.1: DANE-EE(3) is about the leaf or its key, and about nothing else.
_LEAVES = (
    _C("ee-311", "good", "3 1 1 leaf", _AUTHENTICATED, _VERIFIED, "what everybody should publish"),
    _C("ee-301", "good", "3 0 1 leaf", _AUTHENTICATED, _VERIFIED, "of the whole certificate"),
    _C("ee-312", "good", "3 1 2 leaf", _AUTHENTICATED, _VERIFIED, "the longer digest"),
    _C("ee-302", "good", "3 0 2 leaf", _AUTHENTICATED, _VERIFIED, "the longer digest of the whole certificate"),
    _C("ee-310", "good", "3 1 0 leaf", _AUTHENTICATED, _VERIFIED, "the key itself"),
    _C("ee-300", "good", "3 0 0 leaf", _AUTHENTICATED, _VERIFIED, "the certificate itself"),
    _C("ee-rsa", "rsa", "3 1 1 leaf", _AUTHENTICATED, _VERIFIED, "an RSA key"),
    _C("ee-weak", "weak", "3 1 1 leaf", _AUTHENTICATED, _VERIFIED, "an RSA key of 1,024 bits: no rule forbids it"),
    _C("ee-self-signed", "self-signed", "3 1 1 leaf", _AUTHENTICATED, _NOT_TRUSTED, "no authority is needed"),
    _C("ee-expired", "expired", "3 1 1 leaf", _AUTHENTICATED, _NOT_TRUSTED, "dates do not count"),
    _C("ee-wrong-name", "wrong-name", "3 1 1 leaf", _AUTHENTICATED, _WRONG_NAME, "names do not count"),
    _C("ee-client-only", "client-only", "3 1 1 leaf", _AUTHENTICATED, _NOT_TRUSTED, "purposes do not count"),
    _C("ee-wrong-311", "good", "3 1 1 nobody", _NOT_AUTHENTICATED, _VERIFIED, "another's key"),
    _C("ee-wrong-301", "good", "3 0 1 nobody", _NOT_AUTHENTICATED, _VERIFIED, "another's certificate"),
    _C("ee-wrong-300", "good", "3 0 0 nobody", _NOT_AUTHENTICATED, _VERIFIED, "another's certificate in full"),
    _C("ee-of-issuer", "good", "3 1 1 intermediate", _NOT_AUTHENTICATED, _VERIFIED, "the issuer is no leaf"),
)

#: RFC 7672 §3.1.2: DANE-TA(2) is about what the path leads to; §3.2: then the name counts, and the dates.
_ANCHORS = (
    _C("ta-201", "good", "2 0 1 intermediate", _AUTHENTICATED, _VERIFIED, "an intermediate is an anchor, too"),
    _C("ta-211", "good", "2 1 1 intermediate", _AUTHENTICATED, _VERIFIED, "its key"),
    _C("ta-212", "good", "2 1 2 intermediate", _AUTHENTICATED, _VERIFIED, "its key by the longer digest"),
    _C("ta-root-sent", "whole-chain", "2 0 1 root", _AUTHENTICATED, _VERIFIED, "two steps up"),
    _C("ta-unordered", "out-of-order", "2 1 1 root", _AUTHENTICATED, _VERIFIED, "the chain in any order"),
    _C("ta-root-not-sent", "good", "2 1 1 root", _NOT_AUTHENTICATED, _VERIFIED, "it MUST be sent (§3.1.2)"),
    _C("ta-in-full", "good", "2 0 0 root", _AUTHENTICATED, _VERIFIED, "it need not be sent: the record has it"),
    _C("ta-key-in-full", "good", "2 1 0 root", _AUTHENTICATED, _VERIFIED, "the same of a bare key"),
    _C("ta-private", "stranger-sent", "2 0 1 stranger", _AUTHENTICATED, _NOT_TRUSTED, "any authority will do"),
    _C("ta-private-not-sent", "stranger", "2 0 1 stranger", _NOT_AUTHENTICATED, _NOT_TRUSTED, "if it is sent"),
    _C("ta-wrong", "good", "2 1 1 stranger", _NOT_AUTHENTICATED, _VERIFIED, "another authority"),
    _C("ta-wrong-name", "wrong-name", "2 1 1 intermediate", _NOT_AUTHENTICATED, _WRONG_NAME, "names count"),
    _C("ta-private-name", "stranger-wrong-name", "2 0 1 stranger", _NOT_AUTHENTICATED, _NOT_TRUSTED, "here as well"),
    _C("ta-next-hop", "next-hop-name", "2 1 1 intermediate", _AUTHENTICATED, _WRONG_NAME, "the domain's name will do"),
    _C("ta-cn-only", "cn-only", "2 1 1 intermediate", _AUTHENTICATED, _WRONG_NAME, "and CN without DNS-IDs (§3.2.3)"),
    _C("ta-cn-beside", "cn-beside", "2 1 1 intermediate", _NOT_AUTHENTICATED, _WRONG_NAME, "not beside DNS-IDs"),
    _C("ta-wildcard", "wildcard", "2 1 1 intermediate", _AUTHENTICATED, _VERIFIED, "and a wildcard"),
    _C("ta-expired", "expired", "2 1 1 intermediate", _NOT_AUTHENTICATED, _NOT_TRUSTED, "dates count"),
    _C("ta-old-root", "old-stranger", "2 0 1 old-stranger", _NOT_AUTHENTICATED, _NOT_TRUSTED, "the anchor's, too"),
    _C("ta-old", "old-intermediate", "2 1 1 old-intermediate", _NOT_AUTHENTICATED, _NOT_TRUSTED, "here as well"),
    _C("ta-client-only", "client-only", "2 1 1 intermediate", _NOT_AUTHENTICATED, _NOT_TRUSTED, "purposes count"),
    _C("ta-of-leaf", "good", "2 0 1 leaf", _NOT_AUTHENTICATED, _VERIFIED, "a leaf issues nothing"),
    _C("ta-self-signed", "self-signed", "2 0 1 leaf", _NOT_AUTHENTICATED, _NOT_TRUSTED, "not even itself"),
)

#: RFC 7671 §8 (rollover), §9 (agility); RFC 7672 §3.1.3 (usages), RFC 6698 §4.1 (what is unusable).
_SETS = (
    _C("rollover", "good", "3 1 1 nobody; 3 1 1 leaf", _AUTHENTICATED, _VERIFIED, "one that matches is enough"),
    _C("rollover-ta", "good", "3 1 1 nobody; 2 1 1 intermediate", _AUTHENTICATED, _VERIFIED, "of any usage"),
    _C(
        "agility", "good", "3 1 2 nobody; 3 1 1 leaf", _NOT_AUTHENTICATED, _VERIFIED, "only the strongest digest counts"
    ),
    _C("agility-selector", "good", "3 0 2 nobody; 3 1 1 leaf", _AUTHENTICATED, _VERIFIED, "for each selector"),
    _C("agility-usage", "good", "2 1 2 nobody; 3 1 1 leaf", _AUTHENTICATED, _VERIFIED, "for each usage"),
    _C("agility-full", "good", "3 1 2 nobody; 3 1 0 leaf", _AUTHENTICATED, _VERIFIED, "Full(0) is no digest"),
    _C("pkix-ee", "good", "1 1 1 leaf", _ENCRYPTED, _VERIFIED, "of no use with SMTP; TLS is required all the same"),
    _C("pkix-ta", "good", "0 0 1 root", _ENCRYPTED, _VERIFIED, "of no use either"),
    _C("pkix-self-signed", "self-signed", "1 1 1 leaf", _ENCRYPTED, _NOT_TRUSTED, "whose certificate it is, who cares"),
    _C("pkix-beside", "good", "1 1 1 nobody; 3 1 1 leaf", _AUTHENTICATED, _VERIFIED, "one that is of use decides"),
    _C("usage-4", "good", "4 1 1 leaf", _ENCRYPTED, _VERIFIED, "a usage that nobody has defined"),
    _C("selector-2", "good", "3 2 1 leaf", _ENCRYPTED, _VERIFIED, "a selector that nobody has defined"),
    _C("matching-3", "good", "3 1 3 leaf", _ENCRYPTED, _VERIFIED, "a matching type that nobody has defined"),
    _C("short-digest", "good", "3 1 1 0123", _ENCRYPTED, _VERIFIED, "no SHA2-256 is so short"),
    _C("no-certificate", "good", "3 0 0 30030201ff", _ENCRYPTED, _VERIFIED, "DER, and no certificate"),
    _C("short-beside", "good", "3 1 1 0123; 3 1 1 nobody", _NOT_AUTHENTICATED, _VERIFIED, "the other one is of use"),
    _C("ee-without-tls", NO_TLS, "3 1 1 nobody", Dane.no_tls, WebPki.no_tls, "what is to be compared is not shown"),
    _C("pkix-without-tls", NO_TLS, "1 1 1 nobody", Dane.no_tls, WebPki.no_tls, "§2.2: TLS is required"),
    _C("without-tls", NO_TLS, "", _ANY, WebPki.no_tls, "nobody requires it"),
)

#: RFC 7672 §2.1, §2.2: the records of whom are to be believed, and what a failed lookup means.
_LOOKUPS = (
    _C("absent", "good", "", _ANY, _VERIFIED, "a signed NXDOMAIN"),
    _C("no-data", "good", "", _ANY, _VERIFIED, "a signed NODATA", lines=("{tlsa} TXT nothing",)),
    _C("insecure", "good", "3 1 1 nobody", _ANY, _VERIFIED, "never asked for", zone=UNSIGNED, host_zone=UNSIGNED),
    _C("host-insecure", "good", "3 1 1 nobody", _ANY, _VERIFIED, "never asked for", host_zone=UNSIGNED),
    _C("mx-insecure", "good", "3 1 1 leaf", Dane.host_only, _VERIFIED, "the host, for what it is worth", zone=UNSIGNED),
    _C("mx-insecure-wrong", "good", "3 1 1 nobody", _NOT_AUTHENTICATED, _VERIFIED, "it insists", zone=UNSIGNED),
    _C("mx-insecure-pkix", "good", "1 1 1 leaf", _ENCRYPTED, _VERIFIED, "it insists on TLS", zone=UNSIGNED),
    _C(
        *("mx-insecure-next-hop", "next-hop-name", "2 1 1 intermediate", _NOT_AUTHENTICATED, _WRONG_NAME),
        "§3.2.2: with insecure MX the host's name is the only one that will do",
        zone=UNSIGNED,
    ),
    _C("mx-bogus", "good", "3 1 1 leaf", _FAILED, WebPki.lookup_failed, "no way", spoilt=("{domain} MX",)),
    _C("a-bogus", "good", "3 1 1 leaf", _FAILED, WebPki.lookup_failed, "no address", spoilt=("{host} A",)),
    _C("zone-bogus", "good", "", _FAILED, WebPki.lookup_failed, "nothing at all", zone=BOGUS, host_zone=BOGUS),
    _C("host-bogus", "good", "3 1 1 leaf", _FAILED, WebPki.lookup_failed, "no address", host_zone=BOGUS),
    _C("tlsa-bogus", "good", "3 1 1 leaf", _FAILED, _VERIFIED, "who hides it, stops mail", spoilt=("{tlsa} TLSA",)),
    _C(
        *("absence-bogus", "good", "", _FAILED, _VERIFIED, "who forges its absence, as well"),
        lines=("_0.{host} TXT nothing",),
        spoilt=("_0.{host} NSEC",),
    ),
    _C("tlsa-servfail", "good", "", _FAILED, _VERIFIED, "a lame delegation", lines=("_tcp.{host} NS nowhere.test.",)),
    _C("tlsa-alias", "good", "3 1 1 leaf", _AUTHENTICATED, _VERIFIED, "as hosters do it", tlsa_zone=SIGNED),
    _C("tlsa-alias-insecure", "good", "3 1 1 nobody", _ANY, _VERIFIED, "not to be believed", tlsa_zone=UNSIGNED),
    _C("tlsa-alias-bogus", "good", "3 1 1 leaf", _FAILED, _VERIFIED, "not to be had", tlsa_zone=BOGUS),
)

#: RFC 7672 §2.2.2: MX hosts that are aliases. First the name they lead to, then their own. And domains that are.
_ALIASES = (
    _C("alias", "good", "", _AUTHENTICATED, _VERIFIED, "there", alias_zone=SIGNED, tlsa_there="3 1 1 leaf"),
    _C("alias-own", "good", "3 1 1 leaf", _AUTHENTICATED, _VERIFIED, "here, if not there", alias_zone=SIGNED),
    _C(
        *("alias-both", "good", "3 1 1 leaf", _NOT_AUTHENTICATED, _VERIFIED, "there are records, these do not count"),
        alias_zone=SIGNED,
        tlsa_there="3 1 1 nobody",
    ),
    _C("alias-to-insecure", "good", "3 1 1 leaf", _AUTHENTICATED, _VERIFIED, "its own, then", alias_zone=UNSIGNED),
    _C(
        *("alias-to-insecure-there", "good", "", _ANY, _VERIFIED, "and never those there"),
        alias_zone=UNSIGNED,
        tlsa_there="3 1 1 nobody",
    ),
    _C(
        *("alias-from-insecure", "good", "", _ANY, _VERIFIED, "an alias that could be forged"),
        host_zone=UNSIGNED,
        alias_zone=SIGNED,
        tlsa_there="3 1 1 nobody",
    ),
    _C("next-hop-alias", "good", "3 1 1 leaf", _AUTHENTICATED, _VERIFIED, "as good", domain_alias_zone=SIGNED),
    _C(
        *("next-hop-alias-name", "expanded-name", "2 1 1 intermediate", _AUTHENTICATED, _WRONG_NAME),
        "§3.2.2: the name that the domain is an alias of is the third that will do",
        domain_alias_zone=SIGNED,
    ),
    _C(
        *("next-hop-alias-insecure", "good", "3 1 1 leaf", Dane.host_only, _VERIFIED, "and then MX is not secure"),
        domain_alias_zone=UNSIGNED,
    ),
)

#: RFC 7672 §2.2, RFC 5321 §5.1: after a host that fails comes the next one, here that of ee-311.
_BACKUP = (f"{{domain}} MX 20 mx.ee-311.{SIGNED}.",)
_TWO_HOSTS = (
    _C("backup", "good", "3 1 1 leaf", _AUTHENTICATED, _VERIFIED, "the first one is good", lines=_BACKUP),
    _C(
        *("backup-of-bogus", "good", "3 1 1 leaf", _AUTHENTICATED, _VERIFIED, "the lookup for the first one fails"),
        lines=_BACKUP,
        spoilt=("{tlsa} TLSA",),
    ),
    _C("backup-of-wrong", "good", "3 1 1 nobody", _AUTHENTICATED, _VERIFIED, "the first one fails", lines=_BACKUP),
)

#: RFC 5280 §6, RFC 9525 §6: certificates alone.
_CERTIFICATES = (
    _C("web-root", "from-the-root", "", _ANY, _VERIFIED, "nothing between"),
    _C("web-unordered", "out-of-order", "", _ANY, _VERIFIED, "the chain in any order"),
    _C("web-wildcard", "wildcard", "", _ANY, _VERIFIED, "one label"),
    _C("web-wildcard-deep", "wildcard", "", _ANY, _WRONG_NAME, "one label only", label="a.mx"),
    _C("web-weak", "weak", "", _ANY, _VERIFIED, "a path, and a weak key"),
    _C("web-wrong-name", "wrong-name", "", _ANY, _WRONG_NAME, "another's name"),
    _C("web-cn-only", "cn-only", "", _ANY, _WRONG_NAME, "RFC 9525 knows no common names"),
    _C("web-cn-beside", "cn-beside", "", _ANY, _WRONG_NAME, "not even RFC 6125 does beside DNS-IDs"),
    _C("web-expired", "expired", "", _ANY, _NOT_TRUSTED, "two days ago"),
    _C("web-not-yet", "not-yet", "", _ANY, _NOT_TRUSTED, "in two days"),
    _C("web-expired-wrong-name", "expired-wrong-name", "", _ANY, _NOT_TRUSTED, "the path comes first"),
    _C("web-self-signed", "self-signed", "", _ANY, _NOT_TRUSTED, "its own authority"),
    _C("web-stranger", "stranger-sent", "", _ANY, _NOT_TRUSTED, "an authority that nobody knows"),
    _C("web-incomplete", "incomplete", "", _ANY, _NOT_TRUSTED, "the intermediate is not sent"),
    _C("web-old", "old-intermediate", "", _ANY, _NOT_TRUSTED, "the intermediate has expired"),
    _C("web-client-only", "client-only", "", _ANY, _NOT_TRUSTED, "for clients only"),
    _C("xn--bcher-kva", "good", "", _ANY, _VERIFIED, "the A-label of bücher"),
)

CONFIGURATIONS = (*_LEAVES, *_ANCHORS, *_SETS, *_LOOKUPS, *_ALIASES, *_TWO_HOSTS, *_CERTIFICATES)
