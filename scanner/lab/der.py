"""As much DER as it takes to sign certificates that no library makes (X.690 §8.1, RFC 5280 §4.1). Pure."""

SEQUENCE, BIT_STRING = 0x30, 0x03


def encode_element(tag: int, content: bytes) -> bytes:
    """Tag, definite length, content."""
    if len(content) < 0x80:
        return bytes((tag, len(content))) + content
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def split_elements(content: bytes) -> list[bytes]:
    """The elements that stand one after another in `content`, each with its tag and length."""
    elements = []
    position = 0
    while position < len(content):
        start = position + _head_length(content, position)
        end = start + int.from_bytes(_length_octets(content, position), "big")
        elements.append(content[position:end])
        position = end
    return elements


def content_of(element: bytes) -> bytes:
    """An element without its tag and length."""
    return element[_head_length(element, 0) :]


def _head_length(octets: bytes, position: int) -> int:
    first = octets[position + 1]
    return 2 + (first & 0x7F if first & 0x80 else 0)


def _length_octets(octets: bytes, position: int) -> bytes:
    if octets[position + 1] < 0x80:
        return octets[position + 1 : position + 2]
    return octets[position + 2 : position + _head_length(octets, position)]
