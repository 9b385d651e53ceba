"""World files of hosts that are all alike: for what takes many servers, and not many kinds of them."""

import json
from collections.abc import Sequence
from pathlib import Path

ADDRESSES_OF_A_HOST = 8


def write_world(path: Path, hosts: int, behaviours: Sequence[str], described: str = "[behaviours.good]\n") -> list[str]:
    """A world of `hosts` mail hosts in a network each, with eight addresses that behave in turn; its domains.

    `described` is what the behaviours are, in TOML.
    """
    records: list[str] = []
    servers: list[str] = []
    for host in range(hosts):
        name = f"mx.d{host}.lab"
        records.append(f"d{host}.lab. MX 10 {name}.")
        for number in range(ADDRESSES_OF_A_HOST):
            address = f"127.{70 + host // 250}.{host % 250}.{number + 1}"
            behaviour = behaviours[len(servers) % len(behaviours)]
            records.append(f"{name}. A {address}")
            servers.append(f'[[servers]]\naddress = "{address}"\nhost = "{name}"\nbehaviour = "{behaviour}"\n')
    # A JSON array of strings is TOML too.
    head = f"entries = []\nrecords = {json.dumps(records)}\n"
    path.write_text(head + "".join(servers) + described + "[certificates.good]\n", encoding="ascii")
    return [f"d{host}.lab" for host in range(hosts)]
