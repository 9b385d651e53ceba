"""What to do about each kind of finding, for the person who reads one on Monday morning."""

from scanner.outcomes import FindingKind

REMEDIES: dict[FindingKind, str] = {
    FindingKind.invalid_name: "Correct the line in the list: one domain name a line.",
    FindingKind.domain_does_not_exist: (
        "Check the spelling; if it is right, the registration or the delegation of the domain has ended: "
        "renew it, or take it off the list."
    ),
    FindingKind.no_mail_host: (
        "Publish an MX record that names the mail server; if the domain is to receive no mail, publish a "
        "null MX (`MX 0 .`, RFC 7505) so that senders are told at once."
    ),
    FindingKind.dns_failure: (
        "Whether the domain receives mail is not known. Ask its name servers directly (dig +trace MX): a "
        "SERVFAIL is mostly a lame delegation or a broken DNSSEC signature; then scan again."
    ),
    FindingKind.null_mx_with_others: (
        "Remove either the null MX (`MX 0 .`) or the other MX records: RFC 7505 allows a null MX only "
        "alone, and senders ignore it here."
    ),
    FindingKind.null_mx_preference: "Publish the null MX with preference 0 (RFC 7505 §3).",
    FindingKind.implicit_mx: (
        "Publish an MX record: without one, mail goes to the web server's address only because RFC 5321 "
        "§5.1 falls back to it, and not every sender does."
    ),
    FindingKind.duplicate_mx: ("Remove the MX records that name the same host twice; only the best preference counts."),
    FindingKind.mx_over_limit: (
        "Reduce the number of MX records; senders try only the first few. Those over the limit were not "
        "examined (dns.max_mx)."
    ),
    FindingKind.moved_away: (
        "The MX records do not name the expected mail hosts: ask the customer whether the mail has moved, "
        "or correct the MX records."
    ),
    FindingKind.sts_policy_fetch_error: (
        "Senders cannot fetch the MTA-STS policy, so it protects nobody: serve it with status 200 and without a "
        "redirect at https://mta-sts.<domain>/.well-known/mta-sts.txt, from a public address. Or take the "
        "_mta-sts TXT record away if MTA-STS is not wanted."
    ),
    FindingKind.sts_policy_invalid: (
        "Correct what the evidence names, in the _mta-sts TXT record (`v=STSv1; id=20261122;`) or in the policy "
        "file (version, mode, max_age, and an mx line for every mail host), then give the record a new id: until "
        "then senders may act as if there were no policy."
    ),
    FindingKind.sts_webpki_invalid: (
        "Give the web server of mta-sts.<domain> a certificate of a public authority for exactly that name, with its "
        "intermediate certificates: senders do not read a policy from a server that cannot prove its name."
    ),
    FindingKind.tls_rpt_invalid: (
        "Correct the _smtp._tls TXT record, for example `v=TLSRPTv1; rua=mailto:tls-reports@example.org`: until then "
        "nobody tells you when encryption to your servers fails."
    ),
    FindingKind.dane_mx_insecure: (
        "Sign the domain's zone with DNSSEC: its mail hosts have DANE already, but without a signature on the MX "
        "records anybody could name other hosts, so senders cannot rely on it."
    ),
    FindingKind.mx_is_cname: (
        "Let the MX record name a host that has addresses of its own: an MX that is an alias breaks RFC "
        "2181 §10.3, and some senders refuse it."
    ),
    FindingKind.mx_is_address_literal: (
        "Let the MX record name a host: an address is no host name, and no sender can deliver to it."
    ),
    FindingKind.mx_is_localhost: (
        "Let the MX record name the real mail host: localhost sends every sender to itself. If no mail is "
        "wanted, publish a null MX (`MX 0 .`)."
    ),
    FindingKind.mx_does_not_exist: ("Create the mail host's A or AAAA record, or remove the MX record that names it."),
    FindingKind.mx_has_no_address: ("Give the mail host an A or AAAA record, or remove the MX record that names it."),
    FindingKind.mx_lookup_failed: (
        "The addresses of the mail host could not be looked up, so part of the answer is not known. Check "
        "the name servers of the host's zone; then scan again."
    ),
    FindingKind.addresses_over_limit: (
        "Nothing is wrong; addresses over the limit were not examined (dns.max_addresses)."
    ),
    FindingKind.tlsa_invalid: (
        "Publish TLSA records that mail senders use: `3 1 1` with the SHA-256 of the server's public key, or `2 1 1` "
        "with that of the authority's. With these ones senders insist on TLS and authenticate nothing."
    ),
    FindingKind.dnssec_invalid: (
        "Repair the zone's DNSSEC at once (expired signatures, a DS record without its key, name servers that fail "
        "at TLSA questions): senders that validate do not deliver to this host until the lookup works. Compare "
        "`dig +dnssec` with `dig +cd`."
    ),
    FindingKind.dane_rollover: (
        "Nothing is wrong if a new key is being brought in; otherwise remove the TLSA records that match nothing, so "
        "that none of them is relied on by mistake."
    ),
    FindingKind.pool_members_differ: (
        "Configure all servers behind this name alike: what senders get depends on which address they happen to reach."
    ),
    FindingKind.certificate_differs_by_name: (
        "Nothing is wrong; the address answers for more names than are asked for, and this one was not. Raise "
        "probe.names_per_address to ask for all of them."
    ),
    FindingKind.address_not_public: (
        "Publish the mail host's public address: nobody outside can reach this one, and it was not contacted."
    ),
    FindingKind.connection_refused: (
        "Start the mail server, or let the firewall accept TCP connections to its port; or remove the "
        "address from the DNS."
    ),
    FindingKind.host_unreachable: "Check the host's network and routing; or remove the address from the DNS.",
    FindingKind.timed_out: (
        "No answer within the limit, which may be a firewall that drops our packets, a slow filter or an "
        "outage. Try from another network before calling it down; the limit can be raised."
    ),
    FindingKind.session_deadline: (
        "The server answers, but so slowly that the whole session took too long: look for tarpitting or overload on it."
    ),
    FindingKind.connection_reset: (
        "The connection was broken off: look into the mail server's log and at firewalls in between for the "
        "time of the session."
    ),
    FindingKind.connection_closed: (
        "The server hung up without a reply: look into its log for the time of the session; connection "
        "limits and block lists do this."
    ),
    FindingKind.temporary_refusal: (
        "The server asked to come back later; its text says why. Scan again later, and more slowly if it names a rate."
    ),
    FindingKind.service_refused: (
        "The server refuses its service, and does not say that it is about us: no sender gets through, unless its "
        "text says otherwise. Correct the server or the MX record."
    ),
    FindingKind.refused_us: (
        "The server refuses the scanner, which says nothing about the server. By the cause: scan later and more "
        "slowly (rate_limited, too_many_connections, greylisted); have our address taken off the list "
        "(blocklisted); give it a reverse DNS name that resolves back to it (reverse_dns_required); use an EHLO "
        "name that resolves (ehlo_name_refused); ask to be let in, or scan from another network (policy)."
    ),
    FindingKind.not_smtp: (
        "Something that is no mail server listens on this port: correct the MX record, or the service behind it."
    ),
    FindingKind.malformed_reply: (
        "The server breaks the grammar of RFC 5321 §4.2, and senders may give up: look for a filter or "
        "proxy that writes into the dialogue."
    ),
    FindingKind.reply_too_long: (
        "The server does not stop talking: look for a filter or proxy that writes into the dialogue."
    ),
    FindingKind.ehlo_refused: ("Let the server accept EHLO: without it there are no extensions, and so no encryption."),
    FindingKind.bare_lf: "Let the server end its lines with CRLF (RFC 5321 §2.3.8).",
    FindingKind.reply_line_over_512: (
        "Shorten the reply (often a long greeting): RFC 5321 §4.5.3.1.5 allows 512 octets a line."
    ),
    FindingKind.reply_code_outside_grammar: ("Use a reply code of RFC 5321 §4.2.3: senders may not understand others."),
    FindingKind.starttls_not_supported: (
        "Enable STARTTLS with a certificate for the MX host's name: until then all mail to this server "
        "crosses the network readable, and senders that insist on TLS do not deliver."
    ),
    FindingKind.starttls_masked: (
        "Switch off SMTP inspection (fixup, ESMTP inspect) in the firewall: it overwrites what the server "
        "says, and prevents encryption."
    ),
    FindingKind.tls_handshake_failed: (
        "The server offers TLS and cannot do it, so senders that try do not deliver: check its certificate "
        "and key files and its protocol settings; its log names the error."
    ),
    FindingKind.large_client_hello: (
        "The server does TLS only with a small ClientHello: those of current software (1,600 octets and more, with a "
        "post-quantum group) get no handshake. Update its TLS library, or the firewall or load balancer in "
        "front of it, which must take a ClientHello that comes in two segments."
    ),
    FindingKind.plaintext_after_starttls: (
        "Update the mail server, or remove the proxy in front of it: plaintext after the reply to STARTTLS "
        "is how commands are injected (CVE-2011-0411), or a sign of an attack."
    ),
    FindingKind.plaintext_instead_of_tls: (
        "This port speaks SMTP in the clear: scan it without --implicit-tls; if it is to be a submissions "
        "port (465), switch TLS on for it in the server."
    ),
    FindingKind.tls_version_old: "Enable TLS 1.2 and 1.3 (RFC 8996 retires 1.0 and 1.1).",
    FindingKind.certificate_expired: "Renew the certificate, reload the server, and automate the renewal.",
    FindingKind.certificate_not_yet_valid: (
        "Check the server's clock at the time the certificate was made, or install the one that is valid now."
    ),
    FindingKind.certificate_not_trusted: (
        "Install a certificate of a public authority together with its intermediate certificates (the full chain)."
    ),
    FindingKind.certificate_host_mismatch: (
        "Get a certificate that lists the MX host's name in its subjectAltName, or let the MX record name a "
        "host that the certificate lists."
    ),
    FindingKind.certificate_name_in_cn_only: (
        "Get a certificate that lists the name in its subjectAltName: the common name does not count any "
        "more (RFC 9525)."
    ),
    FindingKind.certificate_weak_key: ("Get a certificate with an RSA key of 2,048 bits or more, or an EC key of 256."),
    FindingKind.certificate_weak_signature: "Get a certificate that is signed with SHA-256.",
    FindingKind.certificate_unreadable: (
        "Replace the certificate: a part of it breaks its own format, and software that reads it strictly refuses it."
    ),
    FindingKind.certificate_expires_soon: ("Renew the certificate now, and find out why it was not renewed by itself."),
    FindingKind.validation_failure: (
        "Senders that obey the published policy do not deliver to this host. For DANE: publish the TLSA record of the "
        "certificate that the server really has, before every change of its key. For MTA-STS: name the host in the "
        "policy, and give it STARTTLS with a certificate of a public authority for its name; until that works, "
        "set the policy's mode to testing."
    ),
    FindingKind.attempts_differ: (
        "The server did not do the same each time: look into its log for the times of both sessions; an overload, "
        "a restart or several machines behind one address do this. The better result counts."
    ),
    FindingKind.scanner_fault: (
        "Nothing follows from this about anybody else: the fault was on our side. Resume the run, and it is tried "
        "again."
    ),
}

#: Where DANE senders do not deliver: a certificate of the Web alone would change nothing for them.
REMEDIES_FOR_DANE: dict[FindingKind, str] = {
    FindingKind.certificate_expired: (
        "Renew the certificate that has ended in the chain; if that changes what the TLSA records name, publish the "
        "new records first. Until then senders that obey DANE do not deliver to this host."
    ),
    FindingKind.certificate_not_trusted: (
        "Serve the authority's certificate that the TLSA record names, after the server's own and those between; or "
        "publish `3 1 1` with the SHA-256 of the server's public key instead. Until then senders that obey DANE do "
        "not deliver to this host."
    ),
    FindingKind.certificate_host_mismatch: (
        "Get a certificate for the MX host's name from the authority that the TLSA record names; or publish `3 1 1` "
        "with the SHA-256 of the server's public key instead, with which names do not count. Until then senders "
        "that obey DANE do not deliver to this host."
    ),
}

REMEDY_IF_TLSA_MATCHES = (
    "Nothing has to be done for senders that obey DANE. For all others have a certificate of a public authority for "
    "the MX host's name; if that is a new key, publish its TLSA record before it is installed."
)

REMEDY_IF_NOT_FETCHED = (
    "Whether senders can fetch the MTA-STS policy is not known. Open "
    "https://mta-sts.<domain>/.well-known/mta-sts.txt from another place, see whether the DNS and the web server of "
    "mta-sts.<domain> always answer; then scan again."
)
