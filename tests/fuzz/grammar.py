"""Server output written from the grammar of replies (RFC 5321 §4.2), and changed where it hurts."""

from random import Random

_CODES = [b"220", b"250", b"354", b"421", b"450", b"554", b"571", b"150", b"2_5", b"22", b"2200", b""]
_SEPARATORS = [b" ", b"-", b"", b"\t"]
_ENDS = [b"\r\n", b"\r\n", b"\n", b"\r", b"\r\r\n", b""]
_TEXTS = [b"", b"mx.test ESMTP", b"5.7.1 no", b"4.7.0", b"2.0.0 ok", b"STARTTLS", b"x" * 19, b"x" * 506, b"x" * 507]
_OCTETS = [b"2", b"5", b"6", b"0", b"9", b".", b"-", b" ", b"\r", b"\n", b"\0", b"\xff", b"\x16", b"H"]


def write_octets(random: Random) -> bytes:
    """One to three replies, most of them right, of one to four lines."""
    return b"".join(_reply(random) for _ in range(random.randint(1, 3)))


def change_octets(octets: bytes, random: Random) -> bytes:
    """The octets with one thing changed: a line, an octet, a code, an end; more, less or from elsewhere."""
    lines = octets.splitlines(keepends=True) or [b""]
    place, line = random.randrange(len(octets) + 1), random.randrange(len(lines))
    match random.randrange(8):
        case 0:
            return octets[:place] + random.choice(_OCTETS) + octets[place:]
        case 1:
            return octets[:place] + octets[place + random.randint(1, 3) :]
        case 2:
            return octets[:place] + bytes([random.randrange(256)]) + octets[place + 1 :]
        case 3:
            lines[line] = random.choice(_CODES) + lines[line][3:]
        case 4:
            lines[line] = lines[line].rstrip(b"\r\n") + random.choice(_ENDS)
        case 5:
            lines.insert(line, random.choice(lines))
        case 6:
            lines[line] = lines[line][:3] + random.choice(_SEPARATORS) + random.choice(_TEXTS) + lines[line][-2:]
        case _:
            lines.append(write_octets(random))
    return b"".join(lines)


def _reply(random: Random) -> bytes:
    code = random.choice(_CODES[:7]) if random.random() < 0.9 else random.choice(_CODES)
    lines = [code + b"-" + random.choice(_TEXTS) for _ in range(random.choice([0, 0, 1, 2, 3]))]
    lines.append(code + random.choice([b" ", b" ", b""]) + random.choice(_TEXTS[:6]))
    end = random.choice(_ENDS[:3])
    return b"".join(line + end for line in lines)
