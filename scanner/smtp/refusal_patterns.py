"""What refusals say, as data: patterns in the order in which they are tried, each with replies that servers send.

The first pattern that is found decides, so what is particular stands before what is general: a greeting of GMX says
"No SMTP service" and then that our address is on a list. A pattern is searched in the text of all lines, joined,
without the enhanced status codes, in any case; it looks for phrases and not for words, because a reply begins with
the name of the server, and a server may be called anything. Gaps have a length, so that no reply makes it slow.

To add one: put the reply among the examples of a row, as (whose it is, its lines), the tests read all of them, and a
phrase that finds it among the phrases. Addresses in examples are those of RFC 5737, and what is long is shortened.
"""

from typing import NamedTuple

from scanner.outcomes import Cause


class Refusal(NamedTuple):
    """Why a server refused; `about_us` if the reason is our address, name, rate or network."""

    cause: Cause
    about_us: bool


class RefusalPattern(NamedTuple):
    """What a text means in which one of the phrases, regular expressions, is found."""

    refusal: Refusal
    phrases: tuple[str, ...]
    examples: tuple[tuple[str, str], ...]


#: A word that stands alone, and is not a label of a host name.
_ALONE = r"(?<![\w.-]){}(?![\w-]|\.\w)"
_IPV4 = r"(?:[0-9]{1,3}\.){3}[0-9]{1,3}"
_MAIL = r"(?:e-?)?mails?"

RATE_LIMITED = Refusal(Cause.rate_limited, about_us=True)
TOO_MANY_CONNECTIONS = Refusal(Cause.too_many_connections, about_us=True)
BLOCKLISTED = Refusal(Cause.blocklisted, about_us=True)
REVERSE_DNS_REQUIRED = Refusal(Cause.reverse_dns_required, about_us=True)
EHLO_NAME_REFUSED = Refusal(Cause.ehlo_name_refused, about_us=True)
GREYLISTED = Refusal(Cause.greylisted, about_us=True)
POLICY = Refusal(Cause.policy, about_us=True)

POLICY_ON_CONTENT = Refusal(Cause.policy, about_us=False)
RATE_OF_THE_RECIPIENT = Refusal(Cause.rate_limited, about_us=False)
TLS_REQUIRED = Refusal(Cause.tls_required, about_us=False)
AUTH_REQUIRED = Refusal(Cause.auth_required, about_us=False)
RELAY_DENIED = Refusal(Cause.relay_denied, about_us=False)
USER_UNKNOWN = Refusal(Cause.user_unknown, about_us=False)
MAILBOX_FULL = Refusal(Cause.mailbox_full, about_us=False)
OVERLOADED = Refusal(Cause.overloaded, about_us=False)
NO_SERVICE = Refusal(Cause.no_service, about_us=False)
TLS_BROKEN = Refusal(Cause.other, about_us=False)

PATTERNS: tuple[RefusalPattern, ...] = (
    RefusalPattern(
        TLS_BROKEN,
        (
            r"\bTLS\b.{0,30}\b(?:not available|unavailable|broken|disabled|fail(?:ed|ure)|error)\b",
            r"unable to initialize security subsystem",
        ),
        (
            ("Postfix, no key or certificate", "454 4.7.0 TLS not available due to local problem"),
            ("Exim", "454 TLS currently unavailable"),
            ("Sendmail", "403 4.7.0 TLS handshake failed."),
            ("Sendmail", "454 4.3.3 TLS not available after start"),
            ("Exchange", "554 5.7.3 Unable to initialize security subsystem"),
        ),
    ),
    RefusalPattern(
        TLS_REQUIRED,
        (
            r"must issue (?:a )?STARTTLS",
            r"\b(?:STARTTLS|TLS|encryption|encrypted connection) (?:is )?(?:required|needed|mandatory)",
        ),
        (
            ("Postfix, smtpd_tls_security_level = encrypt", "530 5.7.0 Must issue a STARTTLS command first"),
            ("Exchange Online", "451 5.7.3 STARTTLS is required to send mail [AM0EUR02FT003.example.net]"),
            ("Gmail", "421 4.7.0 TLS required for RCPT domain, closing connection. q12si1 - gsmtp"),
        ),
    ),
    RefusalPattern(
        AUTH_REQUIRED,
        (
            r"\bauthentication (?:is )?required",
            r"client was not authenticated",
        ),
        (
            (
                "Gmail, submission",
                "530-5.7.0 Authentication Required. For more information, go to\n530 5.7.0 https://x.test",
            ),
            ("Exchange", "530 5.7.57 Client was not authenticated to send anonymous mail during MAIL FROM"),
            ("hMailServer", "530 SMTP authentication is required."),
        ),
    ),
    RefusalPattern(
        REVERSE_DNS_REQUIRED,
        (
            _ALONE.format(r"reverse[- ]?(?:dns|(?:host ?)?name|look-?up|record|resolution|mapping)"),
            _ALONE.format("(?:rdns|f?crdns|ptr)"),
            r"(?:can ?not|could not|can't|unable to) (?:find|resolve|look ?up) your (?:host ?name|ip|address)",
        ),
        (
            ("Postfix", "450 4.7.1 Client host rejected: cannot find your reverse hostname, [192.0.2.1]"),
            ("Postfix", "550 5.7.1 Client host rejected: cannot find your hostname, [192.0.2.1]"),
            (
                "Gmail",
                (
                    "550-5.7.25 [192.0.2.1] The IP address sending this message does not have a\n"
                    "550-5.7.25 PTR record setup, or the corresponding forward DNS entry does not\n"
                    "550 5.7.25 point to the sending IP. - gsmtp"
                ),
            ),
            (
                "GMX and web.de",
                (
                    "554-gmx.net (mxgmx016) Nemesis ESMTP Service not available\n"
                    "554-No SMTP service\n554-Bad DNS PTR resource record.\n"
                    "554 For explanation visit https://postmaster.gmx.net/en/case?c=rdns"
                ),
            ),
            ("Rackspace", "450 4.7.1 Client host 192.0.2.1 has no PTR record (G1F)"),
            ("Sendmail, FEATURE(require_rdns)", "550 5.7.1 Fix reverse DNS for 192.0.2.1"),
            ("a hosting company, by its guide", "451 Bad reverse DNS."),
        ),
    ),
    RefusalPattern(
        EHLO_NAME_REFUSED,
        (
            r"\b(?:helo|ehlo)(?: command| name| argument| hostname)? (?:was )?(?:rejected|refused|denied)",
            r"\b(?:invalid|bad|forged|fake|bogus|illegal) (?:helo|ehlo)\b",
        ),
        (
            ("Postfix", "504 5.5.2 <scanner>: Helo command rejected: need fully-qualified hostname"),
            ("Postfix", "450 4.7.1 <mx.example.org>: Helo command rejected: Host not found"),
            ("Exim", "501 Syntactically invalid HELO argument(s)"),
            ("cPanel's Exim", "550 Access denied - Invalid HELO name (See RFC2821 4.1.1.1)"),
            ("Postfix, an access table", "550 5.7.1 <scan.example.org>: Helo command rejected: Access denied"),
        ),
    ),
    RefusalPattern(
        GREYLISTED,
        (
            _ALONE.format(r"gr[ea]y-?\s?list(?:ed|ing)?"),
            r"internal resources? (?:are|is) temporarily unavailable",
            r"^try again later\.?$",
        ),
        (
            (
                "postgrey",
                (
                    "450 4.2.0 <u@example.org>: Recipient address rejected: Greylisted, see "
                    "http://postgrey.schweikert.ch/help/example.org.html"
                ),
            ),
            ("milter-greylist", "451 4.7.1 Greylisting in action, please come back in 00:05:00"),
            (
                "policyd",
                "450 4.7.1 <u@example.org>: Recipient address rejected: Policy Rejection- greylisted, try again later.",
            ),
            ("bley", "450 4.7.1 greylisted, try again later"),
            ("SQLgrey", "450 4.7.1 <u@example.org>: Recipient address rejected: Greylisted for 5 minutes"),
            ("rspamd, as in Mailcow", "451 4.7.1 Try again later"),
            (
                "Mimecast, greylisting by its guide",
                "451 Internal resources are temporarily unavailable - https://community.mimecast.com/docs/DOC-1369#451",
            ),
        ),
    ),
    RefusalPattern(
        BLOCKLISTED,
        (
            _ALONE.format(r"(?:black|block|deny)[- ]?list(?:s|ed|ing)?"),
            _ALONE.format(r"(?:dns|r)bls?"),
            r"\b(?:blocked|rejected|deferred) (?:using|via)\b",
            r"\blisted (?:at|by|in|on)\b",
            r"\b(?:bad|poor|low|ip|network|sender|server) reputation\b",
            r"reputation of (?:your|the sending)",
            r"\bbanned (?:sending )?ip\b",
            r"https?://\S{0,80}(?:spamhaus|spamcop|barracudacentral|ipcheck\.proofpoint|dnsbl|abusix)",
            r"because the ip is in\b",
            r"tosa@rx\.t-online\.de",
        ),
        (
            ("Postfix", "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org"),
            ("postscreen", "550 5.7.1 Service unavailable; client [192.0.2.1] blocked using bl.spamcop.net"),
            ("Exchange Online", "550 5.7.606 Access denied, banned sending IP [192.0.2.1]. To request removal visit x"),
            (
                "Outlook.com",
                (
                    "550 5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent. Please contact your "
                    "Internet service "
                    "provider since part of their network is on our block list (S3140)."
                ),
            ),
            (
                "Yahoo",
                "553 5.7.1 [BL21] Connections will not be accepted from 192.0.2.1, because the ip is in x's list",
            ),
            (
                "GMX and web.de",
                (
                    "554-web.de (mxweb112) Nemesis ESMTP Service not available\n554-No SMTP service\n"
                    "554-IP address is block listed.\n554 For explanation visit https://postmaster.web.de/en/case?c=bip"
                ),
            ),
            (
                "Cisco, IronPort",
                (
                    "554-mx1.example.org\n554 Your access to this mail system has been rejected due to the "
                    "sending MTA's "
                    "poor reputation. If you believe that this failure is in error, please contact the intended "
                    "recipient."
                ),
            ),
            ("Proofpoint", "554 Blocked - see https://ipcheck.proofpoint.com/?ip=192.0.2.1"),
            ("iCloud", "550 5.7.0 Blocked - see https://support.proofpoint.com/dnsbl-lookup.cgi?ip=192.0.2.1"),
            ("Barracuda", "554 Service unavailable; Client host [mx.example.org] blocked using Barracuda Reputation"),
            ("cPanel's Exim", "550 JunkMail rejected - mx.example.org [192.0.2.1]:2501 is in an RBL, see x"),
            ("Exim", "550 rejected because 192.0.2.1 is in a black list at bl.example.org"),
            ("T-Online", "554 IP=192.0.2.1 - A problem occurred. (Ask your postmaster to contact tosa@rx.t-online.de)"),
            (
                "Gmail",
                (
                    "550-5.7.1 [192.0.2.1] Our system has detected that this message is\n550-5.7.1 likely suspicious "
                    "due to the very low reputation of the\n550 5.7.1 sending IP address. - gsmtp"
                ),
            ),
            ("Comcast", "554 mx.example.net 192.0.2.1 found on one or more DNSBLs, see x"),
            ("SocketLabs", "421 4.5.1 Too many errors, you have been temporarily blacklisted"),
            ("Trend Micro", "450 Mail from 192.0.2.1 deferred using Trend Micro Email Reputation database."),
            ("Barricade MX", "550 5.7.1 host mx.example.org [192.0.2.1] black listed #120"),
        ),
    ),
    RefusalPattern(
        OVERLOADED,
        (r"^(?:\S+ )?too many concurrent SMTP connections; please try again later",),
        (
            (
                "Exim, smtp_accept_max: of all clients together",
                "421 Too many concurrent SMTP connections; please try again later.",
            ),
        ),
    ),
    RefusalPattern(
        TOO_MANY_CONNECTIONS,
        (
            r"\btoo many (?:concurrent |simultaneous |open |active |parallel |smtp )*(?:connections|sessions)\b",
            r"\btoo many new TLS sessions\b",
            r"\bmaximum number of (?:concurrent |simultaneous )?(?:connections|sessions)\b",
            r"\b(?:connections?|concurrency|sessions?) limit (?:\w+ )?(?:reached|exceeded|allowed)",
        ),
        (
            ("Postfix", "421 4.7.0 mx.example.org Error: too many connections from 192.0.2.1"),
            ("Postfix", "421 4.7.0 mx.example.org Error: too many new TLS sessions from unknown[192.0.2.1]"),
            (
                "Exim, smtp_accept_max_per_host",
                "421 Too many concurrent SMTP connections from this IP address; please try again later.",
            ),
            ("Sendmail", "421 4.3.2 Too many open connections."),
            (
                "Exchange",
                "421 4.3.2 The maximum number of concurrent connections has exceeded a limit",
            ),
            (
                "Outlook.com",
                "421 RP-003 The mail server IP connecting to Outlook.com has exceeded the connection limit allowed.",
            ),
            ("Rackspace", "421 Too many concurrent connections from this client (G2)"),
            ("Orange", "550 5.2.0 mwinf5c26 ME Too many connections, slow down. OFR004_104"),
            ("Contactlab", "421 4.4.5 Service unavailable, concurrency limit reached"),
        ),
    ),
    RefusalPattern(
        RATE_OF_THE_RECIPIENT,
        (r"\b(?:user|recipient|mailbox)\b.{0,60}\b(?:receiving mail|received too much)",),
        (
            (
                "Gmail",
                (
                    "450-4.2.1 The user you are trying to contact is receiving mail at a rate that\n"
                    "450-4.2.1 prevents additional messages from being delivered. Please resend your\n"
                    "450 4.2.1 message at a later time. - gsmtp"
                ),
            ),
            ("Rackspace", "450 4.2.1 <u@example.org>: Mailbox received too much email in a short period of time (G30)"),
        ),
    ),
    RefusalPattern(
        RATE_LIMITED,
        (
            r"\brate[- ]?limit",
            r"\bthrottl(?:ed|ing)\b",
            r"\b(?:unusual|connection|sending|message) rate\b",
            r"\bunexpected volume\b",
            r"\bfrequency limited\b",
            rf"\btoo (?:many|much) (?:messages|{_MAIL}|requests|commands|traffic)\b",
            r"\bslow down\b",
            r"\blimits (?:for|on) how many\b",
            r"\bbusy\. please try again later from \[",
            r"\btry again later, closing connection",
            r"\byou can only send\b",
        ),
        (
            (
                "Gmail",
                (
                    "421-4.7.0 [192.0.2.1] Our system has detected an unusual rate of\n421-4.7.0 unsolicited mail "
                    "originating from your IP address. To protect our\n421 4.7.0 users from spam, mail has been "
                    "temporarily rate limited. - gsmtp"
                ),
            ),
            ("Gmail", "421 4.7.0 Try again later, closing connection. (EHLO) a1sm2 - gsmtp"),
            (
                "Yahoo",
                (
                    "421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due to unexpected volume or user "
                    "complaints - 4.16.55.1; see https://postmaster.yahooinc.com/error-codes"
                ),
            ),
            ("Exchange Online", "451 4.7.500 Server busy. Please try again later from [192.0.2.1]. (S77719)"),
            (
                "Outlook.com",
                (
                    "421 RP-001 Unfortunately, some messages from 192.0.2.1 weren't sent. Please try again. We "
                    "have limits "
                    "for how many messages can be sent per hour and per day."
                ),
            ),
            ("Postfix", "450 4.7.1 Error: too much mail from 192.0.2.1"),
            ("Sendmail", "421 4.3.2 Connection rate limit exceeded."),
            ("Comcast", "421 4.1.0 192.0.2.1 Throttled - try again later. Please see x"),
            ("Rackspace", "451 4.7.1 Received too many messages from a new or untrusted IP (G28)"),
            ("QQ", "550 Ip frequency limited. http://service.mail.example/"),
            ("Baruwa", "450 You can only send 20 msgs per 60s"),
        ),
    ),
    RefusalPattern(
        RELAY_DENIED,
        (
            r"\brelay(?:ing)? (?:access )?(?:is )?(?:denied|not permitted|not allowed|prohibited)",
            r"\bunable to relay\b",
        ),
        (
            ("Postfix", "554 5.7.1 <u@example.org>: Relay access denied"),
            ("Exim", "550 relay not permitted"),
            ("Exchange", "550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain"),
            ("Sendmail", "550 5.7.1 <u@example.org>... Relaying denied"),
        ),
    ),
    RefusalPattern(
        USER_UNKNOWN,
        (
            r"\b(?:user|recipient|mailbox|address|account)(?: is)? (?:unknown|not found|unavailable)\b",
            r"\b(?:unknown|no such|invalid|unrouteable) (?:user|recipient|mailbox|address|local)\b",
            r"\b(?:account|user|mailbox|recipient|address)\b.{0,40}\b(?:does not|doesn't) (?:exist|have)\b",
            r"recipient address rejected: access denied",
        ),
        (
            ("Postfix", "550 5.1.1 <u@example.org>: Recipient address rejected: User unknown in virtual mailbox table"),
            (
                "Gmail",
                (
                    "550-5.1.1 The email account that you tried to reach does not exist. Please try\n"
                    "550 5.1.1 double-checking the recipient's email address for typos. - gsmtp"
                ),
            ),
            (
                "Exchange Online, directory based blocking",
                "550 5.4.1 Recipient address rejected: Access denied. AS(201806281)",
            ),
            ("Exchange", "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup"),
            ("Exim", "550 Unrouteable address"),
            ("Yahoo", "554 delivery error: dd This user doesn't have a yahoo.com account (u@yahoo.com) [0]"),
            ("Sendmail", "550 5.1.1 <u@example.org>... User unknown"),
        ),
    ),
    RefusalPattern(
        MAILBOX_FULL,
        (r"\bover quota\b", r"\b(?:mailbox|inbox|quota)\b.{0,20}\b(?:full|exceeded)\b", r"\bexceeds? (?:its )?quota\b"),
        (
            ("Gmail", "452-4.2.2 The email account that you tried to reach is\n452 4.2.2 over quota. - gsmtp"),
            ("Dovecot", "552 5.2.2 <u@example.org> Quota exceeded (mailbox for user is full)"),
            ("Yahoo", "552 Requested mailbox exceeds quota."),
        ),
    ),
    RefusalPattern(
        POLICY_ON_CONTENT,
        (r"\b(?:message|content)\b.{0,60}\b(?:spam|virus|malware|unsolicited|phishing)\b",),
        (
            (
                "Gmail",
                (
                    "550-5.7.1 [192.0.2.1] Our system has detected that this message is\n"
                    "550 5.7.1 likely unsolicited mail. - gsmtp"
                ),
            ),
            ("bytecamp", "571 5.7.1 message classified as spam (Nachricht als Spam eingestuft)"),
            ("Sina, by its guide", "552 message rejected by anti-spam engine."),
        ),
    ),
    RefusalPattern(
        POLICY,
        (
            r"\byour (?:ip|address|host|network|mta|mail ?server|server|domain)\b",
            r"\byour (?:connection|access|country|isp|provider)\b",
            r"\bclient (?:host |ip )?(?:\S{1,80} )?(?:rejected|refused|denied|blocked)\b",
            r"\b(?:connections?|mail|messages?|access)\b.{0,40}\bfrom (?:your?|this (?:ip|host|network|client))\b",
            rf"\b(?:banned|blocked|rejected|denied|refused|prohibited|filtered)\b.{{0,40}}{_IPV4}",
            rf"{_IPV4}\]?.{{0,40}}\b(?:banned|blocked|rejected|denied|refused|prohibited|deferred|filtered)\b",
            r"\bdynamic(?:ally)?\b.{0,30}\b(?:ip|address|addresses|hosts?|range)\b",
            r"\b(?:not authori[sz]ed|(?:access|permission) denied|administrative prohibition)\b",
            r"\b(?:local policy|policy reasons)\b",
        ),
        (
            ("Postfix, an access table", "554 5.7.1 <mx.example.org[192.0.2.1]>: Client host rejected: Access denied"),
            (
                "Yahoo",
                "553 5.7.1 [TS03] All messages from 192.0.2.1 will be permanently deferred; Retrying will NOT succeed.",
            ),
            (
                "iCloud",
                "554 5.7.1 [CS01] Message rejected due to local policy. Please visit https://support.apple.com/",
            ),
            ("Proofpoint", "421 Connection refused - <192.0.2.1>"),
            ("Exim", "550 Administrative prohibition"),
            ("Road Runner", "554 5.7.1 - ERROR: Mail refused - <192.0.2.1> - See x"),
            (
                "AOL",
                (
                    "554- (RTR:DU) x\n554- AOL does not accept e-mail transactions from dynamic or residential\n"
                    "554- IP addresses.\n554 Connecting IP: 192.0.2.1"
                ),
            ),
            (
                "a Korean host, by its guide",
                "421 4.3.2 Your IP(192.0.2.1) is filtered and this connection will be closed.",
            ),
            ("a refusal by code outside the grammar", "571 Delivery not authorized, message refused"),
        ),
    ),
    RefusalPattern(
        NO_SERVICE,
        (
            r"\bno (?:e?smtp|mail) service\b",
            rf"\b(?:does not|do not|doesn't|cannot) (?:accept|receive) (?:any |incoming )?{_MAIL}\b(?! from)",
            r"\brecipient address has null mx\b",
        ),
        (
            ("RFC 5321 §3.1", "554 mx.example.org No SMTP service here"),
            ("RFC 7504 §3", "521 mx.example.org does not accept mail"),
            ("RFC 7505 §4.1, of a null MX", "556 5.1.10 Recipient address has null MX"),
            ("RFC 7504 §4", "556 Domain does not accept mail"),
        ),
    ),
    RefusalPattern(
        OVERLOADED,
        (
            r"\btoo much load\b",
            r"\b(?:server|system|service) (?:is )?(?:currently |temporarily )?(?:too )?(?:busy|overloaded)\b",
            r"\ball server ports are busy\b",
            r"\binsufficient system (?:storage|resources)\b",
            r"\btemporary system problem\b",
            r"\bservice (?:is )?(?:currently |temporarily )(?:un|not )available\b",
            r"\bservice not available, closing transmission channel\b",
            r"\bshutting down\b",
            r"\bunable to process connection at this time\b",
            r"\bout of (?:memory|disk space)\b",
        ),
        (
            ("postscreen", "421 4.3.2 All server ports are busy"),
            ("Postfix", "450 4.3.2 Service currently unavailable"),
            ("Exim", "421 mx.example.org: Too much load; please try again later."),
            ("Sina, by its guide", "450 out of memory."),
            ("Exchange, back pressure", "452 4.3.1 Insufficient system resources (UsedVersionBuckets)"),
            ("Gmail", "421 4.3.0 Temporary System Problem. Try again later (10). a1sm2 - gsmtp"),
            ("Mimecast, by its guide", "421 Unable to process connection at this time"),
            ("RFC 5321 §4.2.2", "421 mx.example.org Service not available, closing transmission channel"),
            ("a Korean host, by its guide", "421 Server too busy."),
            ("Sendmail", "421 4.3.2 mx.example.org shutting down"),
        ),
    ),
)

#: By the enhanced status code, where the text says nothing; `X` stands for either class. What a code of IANA's
#: registry tells beyond these is about a message or an address of it. X.7.0 and X.7.1 come from filters by host
#: (RFC 3463 §3.8): whoever refuses by policy before there is a message refuses whoever asks.
BY_ENHANCED_CODE: dict[str, Refusal] = {
    "X.1.1": USER_UNKNOWN,
    "X.1.6": USER_UNKNOWN,
    "X.1.10": NO_SERVICE,  # RFC 7505 §4.1
    "X.2.1": USER_UNKNOWN,
    "X.2.2": MAILBOX_FULL,
    "X.3.1": OVERLOADED,
    "4.3.2": OVERLOADED,
    "5.3.2": NO_SERVICE,
    "X.4.5": OVERLOADED,
    "X.7.0": POLICY,
    "X.7.1": POLICY,
    "X.7.10": TLS_REQUIRED,  # RFC 5248 §2.4
    "X.7.11": TLS_REQUIRED,
    "X.7.20": POLICY_ON_CONTENT,  # RFC 7372 §3.1, and the next
    "X.7.21": POLICY_ON_CONTENT,
    "X.7.22": POLICY_ON_CONTENT,
    "X.7.25": REVERSE_DNS_REQUIRED,  # RFC 7372 §3.3
    "X.7.26": POLICY_ON_CONTENT,
    "X.7.28": RATE_LIMITED,  # "mail flood detected"
    "X.7.30": TLS_REQUIRED,  # RFC 8689 §7
}

#: By the reply code, where nothing else is known.
BY_REPLY_CODE: dict[int, Refusal] = {
    521: NO_SERVICE,  # RFC 7504 §3
    530: AUTH_REQUIRED,  # RFC 4954 §6
    556: NO_SERVICE,  # RFC 7504 §4
}
