"""The reasons why a message was not taken, as a person reads them: why, and what to do.

`{place}` is the server with its address, `{reply}` its own words, `{step}` the step at which it ended, `{within}` the
limit that fired, `{error}` what TLS or the system said, `{detail}` why we went no further of our own accord,
`{come_back}` when to try again; where there was no server to talk to, `{name}` is the domain or the relay, and
`{detail}` what the DNS said.
"""

from typing import NamedTuple

from scanner.diagnosis.send_kinds import ReasonKind


class Words(NamedTuple):
    """Why, and what to do."""

    said: str
    what_to_do: str


_K = ReasonKind

WORDS: dict[ReasonKind, Words] = {
    _K.domain_does_not_exist: Words(
        "The domain {name} does not exist.",
        "Check the spelling of the address; if it is right, the registration or the delegation of the domain has "
        "ended.",
    ),
    _K.null_mx: Words(
        "{name} takes no mail, and says so (null MX, RFC 7505).",
        "Check the domain of the address; if it is to receive mail, its owner must publish MX records.",
    ),
    _K.no_mail_host: Words(
        "{name} has neither MX nor address records, so there is no server to take its mail.",
        "Check the domain of the address; if it is to receive mail, its owner must publish an MX record.",
    ),
    _K.relay_does_not_exist: Words("There is no host {name} in the DNS.", "Check the name given with --relay."),
    _K.no_address: Words(
        "{name} has no address in the DNS, so there is no server to talk to.",
        "Check the name; its owner must publish an A or AAAA record.",
    ),
    _K.not_public: Words(
        "{name} leads to addresses that are not public ({detail}), which are not contacted.",
        "If the server is in your own network, allow it: --allow-network {network}.",
    ),
    _K.left_alone: Words(
        "{name} is on the opt-out list, so it is not contacted.",
        "Take it off the list (--opt-out, probe.opt_out) if that is a mistake.",
    ),
    _K.dns_failure: Words(
        "Where {name} is could not be found out: the DNS said {detail}.",
        "Ask its name servers directly (dig +trace), and try again later.",
    ),
    _K.our_dns_failure: Words(
        "The DNS could not be asked for {name}: no resolver answers this host.",
        "Check this host's network and resolver (/etc/resolv.conf), or name one with --dns.",
    ),
    _K.starttls_not_offered: Words(
        "{place} offers no STARTTLS, and you asked for encryption: nothing was sent.",
        "Check host and port: submission with STARTTLS is on port 587, TLS from the first octet on 465 "
        "(--tls implicit). If the server has no TLS at all, --tls none sends in the clear.",
    ),
    _K.tls_not_trusted: Words(
        "The certificate of {place} is not accepted: {detail}. Whoever answers there may be somebody else, so neither "
        "password nor message was sent.",
        "Name the relay as its certificate does, or give the authority that issued it with --ca-file; the server's "
        "operator can mend the certificate. --insecure sends all the same, to whoever it is.",
    ),
    _K.auth_in_the_clear: Words(
        "The connection to {place} is not encrypted, so the password was not said: anybody on the way could read it.",
        "Use --tls starttls (port 587) or --tls implicit (port 465). --insecure says it all the same.",
    ),
    _K.auth_not_offered: Words(
        "{place} offers no AUTH, so there is nobody to give user and password to.",
        "Check host and port: users send through port 587 or 465; many servers offer AUTH after STARTTLS only "
        "(--tls starttls). If the server takes mail without a password, leave --user out.",
    ),
    _K.no_mechanism: Words(
        "{place} offers no way to sign in that can be used here: {detail}.",
        "Leave --auth out, or name one that the server offers.",
    ),
    _K.message_too_large: Words(
        "The message is too large for {place}: {detail}. The server says its limit before anything is sent (RFC 1870).",
        "Send fewer or smaller attachments (base64 makes a file a third larger), or ask for a higher limit "
        "(message_size_limit in Postfix).",
    ),
    _K.smtputf8_not_offered: Words(
        "{place} does not take addresses with characters outside ASCII before the @ (it offers no SMTPUTF8, RFC 6531).",
        "Use an address in ASCII; a domain outside ASCII is no obstacle.",
    ),
    _K.eight_bit_mime_not_offered: Words(
        "{place} does not take text with octets over 127 (it offers no 8BITMIME, RFC 6152).",
        "Send a text in ASCII.",
    ),
    _K.our_fault: Words(
        "This host could not talk to {place}: {error}.",
        "Check this host's network: routes, addresses, its own firewall.",
    ),
    _K.our_bug: Words("mxscan failed while it talked to {place}: {error}.", "Please report this bug of mxscan."),
    _K.port_blocked: Words(
        "No connection to {place} came up on port {port}, nor to others that should be up. Mostly that is the provider "
        "of this host: networks of homes, offices and clouds block port 25 outwards, whatever the server is.",
        "Send through a relay on port 587 or 465: --relay HOST --user USER. Or have the provider open port {port}; "
        "`mxscan preflight` tells whether it is open.",
    ),
    _K.no_connection: Words(
        "No connection to {place} came up on port {port}{within}: the server is down, or a firewall on the way drops "
        "what goes to this port.",
        "Check host and port (587 with STARTTLS, 465 with TLS from the first octet), and try from another network.",
    ),
    _K.connection_refused: Words(
        "{place} refuses connections on port {port}: nothing listens there, or a firewall says no.",
        "Check host and port (587 with STARTTLS, 465 with TLS from the first octet, 25 between servers), and whether "
        "the mail server runs.",
    ),
    _K.wants_starttls: Words(
        "{place} does not begin with TLS on port {port}: it greets in the clear.",
        "Use --tls starttls: TLS from the first octet is for port 465.",
    ),
    _K.wants_implicit_tls: Words(
        "{place} says nothing on port {port}{within}: this port is for TLS from the first octet, and the server waits "
        "for us to begin.",
        "Use --tls implicit.",
    ),
    _K.plaintext_after_starttls: Words(
        "{place} said that it is ready for TLS, and went on in the clear: somebody on the way tampers, or the server "
        "is broken. Nothing was sent.",
        "Try from another network. If it is the same there, the server's operator must mend its TLS.",
    ),
    _K.tls_failed: Words(
        "TLS with {place} failed: {error}.",
        "The server must mend its TLS (certificate, key, protocols: TLS 1.2 or later). --insecure takes old protocols "
        "too.",
    ),
    _K.tls_broken_off: Words(
        "The TLS handshake with {place} came to no end ({error}).",
        "Try again later. If it stays so: the server's TLS is broken, or a firewall on the way lets it not through.",
    ),
    _K.no_greeting: Words(
        "{place} accepted the connection on port {port} and did not greet ({error}).",
        "If the port is for TLS from the first octet, use --tls implicit. Else the server is overloaded, or a "
        "firewall or virus scanner between takes the connection and lets nothing through.",
    ),
    _K.silent: Words(
        "{place} did not answer {step}{within}.",
        "Try again later. If it stays so: a firewall or virus scanner on the way may swallow the talk, or the server "
        "is overloaded.",
    ),
    _K.hung_up: Words(
        "{place} ended the connection at {step} without a word ({error}).",
        "Try again later; the server's log at this time says why.",
    ),
    _K.fate_not_known: Words(
        "{place} got the whole message and did not say whether it takes it ({error}). It may arrive all the same.",
        "Look whether it has arrived before you send it again; the server's log has the message id.",
    ),
    _K.not_smtp: Words(
        "What answers at {place} on port {port} is no mail server ({error}).",
        "Check host and port; a firewall or proxy on the way may answer instead of the server.",
    ),
    _K.broken_reply: Words(
        "What {place} answers to {step} is no reply of SMTP ({error}).",
        "The server, or what stands before it, must be mended; the transcript shows what it said.",
    ),
    _K.broken_auth: Words(
        "{place} goes astray while we sign in ({error}).",
        "Try another way with --auth (PLAIN, LOGIN, CRAM-MD5); the server's operator must mend this one.",
    ),
    _K.starttls_refused: Words(
        "{place} offers STARTTLS and refuses it: {reply}.",
        "The server must mend its TLS; mostly its certificate or key can't be read. --tls none sends in the clear.",
    ),
    _K.tls_required: Words(
        "{place} wants encryption first: {reply}.",
        "Ask for it: --tls starttls, or --tls implicit with port 465.",
    ),
    _K.auth_required: Words(
        "{place} wants to know who sends, by user and password: {reply}.",
        "Give --user; the password is asked for, or comes from --password-env or --password-file.",
    ),
    _K.is_for_submission: Words(
        "{place} takes mail only from users who sign in, though the domain's MX records lead there: {reply}.",
        "The MX records must lead to a server that takes mail from outside. To send as a user: --relay {host} --user.",
    ),
    _K.wrong_password: Words(
        "{place} does not accept user and password: {reply}.",
        "Check both; the user is often the whole address. Providers with two-factor login want a password made for "
        "the program. With XOAUTH2 it is a token, which ends after an hour or so: get a new one.",
    ),
    _K.other_credentials: Words(
        "{place} knows the account and wants it to sign in otherwise: {reply}.",
        "Make a password for this program at the provider, or use a token with --auth XOAUTH2.",
    ),
    _K.mechanism_refused: Words(
        "{place} offers this way to sign in and refuses it: {reply}.",
        "Try another one with --auth (PLAIN, LOGIN, CRAM-MD5).",
    ),
    _K.auth_unavailable: Words(
        "{place} can't check user and password now: {reply}.",
        "Try again later: the password may be right, the server's own user database does not answer.",
    ),
    _K.sender_refused: Words(
        "{place} does not take mail from this sender: {reply}.",
        "Use a sender that belongs to the account, or whose domain exists and may send from here: --from.",
    ),
    _K.relay_denied: Words(
        "{place} does not pass mail on for whoever comes: {reply}.",
        "Sign in with --user; or have the server allow this host's address (mynetworks in Postfix).",
    ),
    _K.relay_denied_to_account: Words(
        "{place} does not pass mail on for this account: {reply}.",
        "The account may send to the server's own domains only: ask its operator.",
    ),
    _K.domain_unknown_there: Words(
        "{place} does not take mail for this domain, though its MX records lead there: {reply}.",
        "Correct the MX records, or have the server take the domain's mail.",
    ),
    _K.user_unknown: Words(
        "There is no such mailbox, or it takes no mail: {place} says {reply}.",
        "Check the spelling of the address; if it is right, the mailbox must be made or enabled. If the reply names "
        "another address (551), write to that one.",
    ),
    _K.mailbox_full: Words(
        "The mailbox is full: {place} says {reply}.",
        "The recipient must make room.",
    ),
    _K.too_large: Words(
        "The message is too large for {place}: {reply}.",
        "Send fewer or smaller attachments (base64 makes a file a third larger), or ask for a higher limit.",
    ),
    _K.content_refused: Words(
        "{place} refuses what the message says, mostly as spam: {reply}.",
        "Send another text (--subject, --body) or without attachments, to see what it is about; SPF and DKIM of the "
        "sender's domain count too.",
    ),
    _K.greylisted: Words(
        "{place} asks to come back later, as many do with whom they do not know (greylisting): {reply}.",
        "Send again {come_back}, from the same host with the same sender; mail servers do that by themselves.",
    ),
    _K.blocklisted: Words(
        "{place} refuses this host's address, which is on a block list: {reply}.",
        "The reply mostly says on which: have the address removed there, or send through a relay (--relay).",
    ),
    _K.reverse_dns_required: Words(
        "{place} refuses this host because its address has no name, or one that does not lead back: {reply}.",
        "Have the provider set the PTR record of this host's address, or send through a relay (--relay).",
    ),
    _K.ehlo_name_refused: Words(
        "{place} does not like the name by which this host introduces itself: {reply}.",
        "Give a fully qualified name that resolves to this host: --ehlo-name.",
    ),
    _K.rate_limited: Words(
        "{place} wants fewer messages from this host or account: {reply}.",
        "Wait, and send less often.",
    ),
    _K.too_many_connections: Words(
        "{place} has too many connections from this host: {reply}.",
        "Wait until the others are closed, and try again.",
    ),
    _K.overloaded: Words(
        "{place} can't take mail now: {reply}.",
        "Try again later; mail servers do that by themselves.",
    ),
    _K.host_refused: Words(
        "{place} does not take mail from this host: {reply}. Others may well be let in.",
        "Send from another address, or ask its postmaster, by another way than mail, what is wrong with this one.",
    ),
    _K.policy: Words(
        "{place} has a rule against it: {reply}.",
        "The reply is all that the server says. Ask its postmaster, by another way than mail, with the transcript.",
    ),
    _K.no_service: Words(
        "{place} takes no mail at all: {reply}.",
        "Check the host; an MX record that leads there must be corrected.",
    ),
    _K.refused_for_now: Words(
        "{place} says “not now” to {step}: {reply}.",
        "Try again later; mail servers do that by themselves.",
    ),
    _K.refused: Words(
        "{place} refuses {step}: {reply}.",
        "The reply is all that the server says. Ask its postmaster, by another way than mail, with the transcript.",
    ),
}
