"""What a run is told: every setting, its default and its bounds. configs/default.toml documents each one."""

from typing import Annotated, Literal

from msgspec import Meta, Struct
from msgspec.structs import replace

from scanner.outcomes import RetryOn

Seconds = Annotated[float, Meta(gt=0, le=86400)]
Pause = Annotated[float, Meta(ge=0, le=86400)]
Repeat = Annotated[float, Meta(ge=0, le=366 * 86400)]
Share = Annotated[float, Meta(ge=0, le=1)]
Factor = Annotated[float, Meta(ge=1, le=100)]
Bytes = Annotated[int, Meta(ge=64, le=1 << 30)]
Positive = Annotated[int, Meta(ge=1, le=1_000_000)]
NonNegative = Annotated[int, Meta(ge=0)]
Rate = Annotated[float, Meta(gt=0, le=1_000_000)]
PortNumber = Annotated[int, Meta(ge=1, le=65535)]
OptionalPort = Annotated[int, Meta(ge=0, le=65535)]


class Table(Struct, frozen=True, forbid_unknown_fields=True):
    """One table of the settings file."""


class InputSettings(Table, frozen=True, kw_only=True):
    column: str = ""
    header: Literal["auto", "yes", "no"] = "auto"
    limit: NonNegative = 0
    sample: NonNegative = 0


class DnsSettings(Table, frozen=True, kw_only=True):
    servers: tuple[str, ...] = ()
    lookup_s: Seconds = 15.0
    tries: Annotated[int, Meta(ge=1, le=20)] = 6
    width: Positive = 100
    slow_width: Positive = 2000
    slow_after_s: Seconds = 0.5
    lookups_per_resolver: Positive = 50_000
    max_age_s: Seconds = 3600.0
    max_mx: Positive = 20
    max_addresses: Positive = 8
    max_cname_chain: Positive = 10


class LookupsSettings(Table, frozen=True, kw_only=True):
    """What is found out beside mail routes and sessions."""

    dane: bool = True
    mta_sts: bool = True
    tls_rpt: bool = True
    trust_any_resolver: bool = False


class ProbeSettings(Table, frozen=True, kw_only=True):
    ehlo_name: str = ""
    port: PortNumber = 25
    policy_port: PortNumber = 443
    implicit_tls: bool = False
    width: Positive = 500
    source_address: tuple[str, ...] = ()
    allow_networks: tuple[str, ...] = ()
    opt_out: str = ""
    names_per_address: Positive = 200


class Limits(Table, frozen=True, kw_only=True):
    """Deadlines of a session's stages, and how much of a server's talk is read (protocol: RFC 5321 §4.5.3)."""

    connect_s: Seconds = 15.0
    greeting_s: Seconds = 30.0
    reply_s: Seconds = 30.0
    tls_s: Seconds = 20.0
    quit_s: Seconds = 2.0
    message_s: Seconds = 600.0
    session_s: Seconds = 90.0
    reply_line_bytes: Bytes = 8192
    reply_bytes: Bytes = 65536
    reply_lines: Positive = 200
    session_bytes: Bytes = 262144
    transcript_bytes: Bytes = 262144
    policy_s: Seconds = 60.0
    policy_bytes: Bytes = 65536

    def longer(self, factor: float) -> "Limits":
        """The same, with every deadline but the one for QUIT so many times longer."""
        return replace(
            self,
            connect_s=round(self.connect_s * factor, 3),
            greeting_s=round(self.greeting_s * factor, 3),
            reply_s=round(self.reply_s * factor, 3),
            tls_s=round(self.tls_s * factor, 3),
            session_s=round(self.session_s * factor, 3),
        )


class PaceSettings(Table, frozen=True, kw_only=True):
    """Sessions at a time and new ones a second, towards one address, one network, one pace group."""

    address_sessions: Positive = 1
    address_per_s: Rate = 1.0
    network_sessions: Positive = 8
    network_per_s: Rate = 8.0
    group_sessions: Positive = 32
    group_per_s: Rate = 32.0
    back_off_s: Seconds = 60.0
    back_off_times: Positive = 4


class SecondAttemptSettings(Table, frozen=True, kw_only=True):
    """What is tried again, when, and with how much more patience. `retry_on` () makes no second attempt."""

    retry_on: tuple[RetryOn, ...] = tuple(RetryOn)
    pause_s: Pause = 300.0
    short_pause_s: Pause = 60.0
    short_run_targets: NonNegative = 1000
    limits_factor: Factor = 2.0
    lookups_per_s: Rate = 20.0


class VantageSettings(Table, frozen=True, kw_only=True):
    """Is it us? What is looked at before a scan and while it runs."""

    preflight: bool = True
    canaries: tuple[str, ...] = ()
    canary_domains: tuple[str, ...] = ("gmail.com", "outlook.com", "yahoo.com")
    nothing_there: str = "192.0.2.1"
    networks_in_a_row: Annotated[int, Meta(ge=3, le=10_000)] = 20
    pause_s: Pause = 60.0
    pauses: NonNegative = 5


class TrustSettings(Table, frozen=True, kw_only=True):
    ca_file: str = ""


class JudgeSettings(Table, frozen=True, kw_only=True):
    expect_mx: tuple[str, ...] = ()


class WatchSettings(Table, frozen=True, kw_only=True):
    """What `mxscan watch` takes for an outage, what it tells of, and how often."""

    pause_s: Pause = 300.0
    unknown_runs: Positive = 3
    unstable_changes: Annotated[int, Meta(ge=2, le=1000)] = 4
    unstable_runs: Annotated[int, Meta(ge=2, le=1000)] = 14
    certificate_days: tuple[Positive, ...] = (30, 14, 7, 1)
    remind_s: Repeat = 86400.0
    digest_s: Repeat = 86400.0
    gate_share: Share = 0.2
    gate_networks: NonNegative = 5
    gate_groups: Positive = 3
    owner_column: str = ""
    keep_runs: Positive = 14
    go_on_within_s: Pause = 21600.0


class AlertSettings(Table, frozen=True, kw_only=True):
    """Who is told by `mxscan watch`, and how. No password stands here: only where it is to be found."""

    to: tuple[str, ...] = ()
    sender: str = ""
    relay: str = ""
    tls: Literal["auto", "starttls", "implicit", "none"] = "auto"
    user: str = ""
    password_env: str = ""
    password_file: str = ""
    ca_file: str = ""
    connect_s: Seconds = 30.0
    reply_s: Seconds = 300.0
    message_s: Seconds = 600.0
    mail_s: Seconds = 900.0
    timezone: str = ""
    transcript_lines: Positive = 80
    give_up_days: Positive = 5
    command: str = ""
    command_s: Seconds = 60.0
    metrics: str = ""


class RunSettings(Table, frozen=True, kw_only=True):
    seed: Annotated[int, Meta(ge=0, le=(1 << 63) - 1)] | None = None
    partitions: Annotated[int, Meta(ge=0, le=1000)] = 0
    loop: Literal["auto", "uvloop", "asyncio"] = "auto"


class LabSettings(Table, frozen=True, kw_only=True):
    world: str = ""
    domains: NonNegative = 0
    real_limits: bool = False
    dns_port: OptionalPort = 0
    smtp_port: OptionalPort = 0
    https_port: OptionalPort = 0
    shape: Literal["mixed", "rate_limited", "blackholed", "tarpit", "one_address", "secured"] = "mixed"
    blocked_after: NonNegative = 0
    dns_silent_after: NonNegative = 0
    dns_silent_s: Pause = 0.0
    dns_loss: Share = 0.0


class Settings(Table, frozen=True, kw_only=True):
    input: InputSettings = InputSettings()
    dns: DnsSettings = DnsSettings()
    lookups: LookupsSettings = LookupsSettings()
    probe: ProbeSettings = ProbeSettings()
    limits: Limits = Limits()
    pace: PaceSettings = PaceSettings()
    second_attempt: SecondAttemptSettings = SecondAttemptSettings()
    vantage: VantageSettings = VantageSettings()
    trust: TrustSettings = TrustSettings()
    judge: JudgeSettings = JudgeSettings()
    watch: WatchSettings = WatchSettings()
    alerts: AlertSettings = AlertSettings()
    run: RunSettings = RunSettings()
    lab: LabSettings = LabSettings()
