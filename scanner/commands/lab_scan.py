"""`--lab`: the embedded world beside a run, and the settings that lead a scan into it and nowhere else."""

import contextlib

from msgspec.structs import replace

from scanner.commands.settings_source import LAB_EHLO_NAME, LAB_NETWORKS
from scanner.lab.child import LabChild
from scanner.lab.order import faults_of, ports_of
from scanner.passes.run_directory import RunDirectory
from scanner.settings import Settings


def open_lab(directory: RunDirectory, settings: Settings, stack: contextlib.ExitStack) -> tuple[Settings, str]:
    """Starts the lab over the run's directory, until `stack` ends; its settings, and its list of domains."""
    lab = stack.enter_context(
        LabChild.start(
            directory.path / "lab",
            world=settings.lab.world,
            domains=settings.lab.domains,
            seed=settings.run.seed or 0,
            limits=settings.limits,
            shape=settings.lab.shape,
            faults=faults_of(settings.lab),
            ports=ports_of(settings.lab),
        )
    )
    probe = replace(
        settings.probe,
        ehlo_name=settings.probe.ehlo_name or LAB_EHLO_NAME,
        port=lab.smtp_port,
        policy_port=lab.https_port,
        allow_networks=LAB_NETWORKS,
    )
    dns = replace(settings.dns, servers=(lab.dns_server,))
    trust = replace(settings.trust, ca_file=str(lab.roots))
    return replace(settings, probe=probe, dns=dns, trust=trust), str(lab.domain_list)
