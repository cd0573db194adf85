"""Which address a download may connect to: public ones, unless the user allows others.

A feed is written by strangers, and so are the addresses in it and where they redirect to. A name is
looked up once, every answer is judged, and the connection goes to the address that was judged, so that
a name cannot point elsewhere a moment later.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence
from typing import Any

from earmark.errors import MediaError

__all__ = ["connect_checked", "is_public"]

NAT64 = ipaddress.ip_network("64:ff9b::/96")
"""IPv6 addresses that carry an IPv4 one in their last 32 bits (RFC 6052)."""


def is_public(address: str) -> bool:
    """Whether an IP address, as text, belongs to the open internet.

    False for private, loopback, link-local, shared, reserved and multicast ones, also where they are
    wrapped into IPv6, and for what is no address.
    """
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        inner: ipaddress.IPv4Address | None = ip.ipv4_mapped or ip.sixtofour
        if ip.teredo is not None:
            inner = ip.teredo[1]
        elif ip in NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return inner.is_global and not inner.is_multicast
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def connect_checked(
    host: str,
    port: int,
    *,
    allow_private: bool,
    timeout_seconds: float | None,
    options: Sequence[Any] = (),
) -> socket.socket:
    """A TCP connection to `host`, made to one of the very addresses that were looked at.

    Raises:
        MediaError: if none of its addresses is public and private ones are not allowed.
        OSError: if the name is unknown or nobody answers.
    """
    answers = socket.getaddrinfo(host.strip("[]"), port, 0, socket.SOCK_STREAM)
    allowed = [answer for answer in answers if allow_private or is_public(str(answer[4][0]))]
    if answers and not allowed:
        raise MediaError(
            host,
            expected="an address of the open internet",
            found=f"{answers[0][4][0]}, a private one",
            hint="Pass --allow-private if you trust this feed with your own network.",
        )
    last: OSError = OSError(f"no address for {host}")
    for family, kind, protocol, _, address in allowed:
        connection = socket.socket(family, kind, protocol)
        try:
            for option in options:
                connection.setsockopt(*option)
            connection.settimeout(timeout_seconds)
            connection.connect(address)
            return connection
        except OSError as exc:
            last = exc
            connection.close()
    raise last
