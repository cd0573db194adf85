"""Only public addresses are connected to, and the one that was judged is the one connected to."""

from __future__ import annotations

import socket

import pytest

from earmark.collecting.addresses import connect_checked, is_public
from earmark.errors import MediaError


@pytest.mark.parametrize("address", ["8.8.8.8", "93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"])
def test_public_addresses_are_public(address):
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254",
        "100.64.0.1", "192.0.2.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::1", "::", "fe80::1",
        "fe80::1%eth0", "fc00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "no address", "",
    ],
)  # fmt: skip
def test_private_addresses_are_not_however_they_are_wrapped(address):
    assert not is_public(address)


def answers(*addresses):
    def look_up(host, port, *_):
        look_up.asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    look_up.asked = []
    return look_up


def test_a_name_that_leads_to_a_private_address_is_refused(monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", answers("10.0.0.7"))
    with pytest.raises(MediaError) as caught:
        connect_checked("feed.example", 80, allow_private=False, timeout_seconds=1)
    assert str(caught.value) == (
        "feed.example: expected an address of the open internet, found 10.0.0.7, a private one. "
        "Pass --allow-private if you trust this feed with your own network."
    )


@pytest.mark.parametrize("host", ["localhost", "127.1", "2130706433", "0x7f.1", "[::1]"])
def test_other_ways_to_write_loopback_are_refused(host):
    try:
        with pytest.raises(MediaError, match="a private one"):
            connect_checked(host, 80, allow_private=False, timeout_seconds=1)
    except socket.gaierror:
        pytest.skip("this system does not read such an address")


def test_the_name_is_looked_up_once_and_the_judged_address_connected_to(monkeypatch, server):
    """A second look-up could answer otherwise: that is how names are rebound."""
    port = int(server.url.rpartition(":")[2])
    look_up = answers("10.9.9.9", "127.0.0.1")
    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    monkeypatch.setattr("earmark.collecting.addresses.is_public", lambda address: address == "127.0.0.1")
    with connect_checked("feed.example", port, allow_private=False, timeout_seconds=2) as connection:
        assert connection.getpeername() == ("127.0.0.1", port)
    assert look_up.asked == ["feed.example"]


def test_the_next_address_is_tried_when_one_does_not_answer(monkeypatch, server):
    port = int(server.url.rpartition(":")[2])
    monkeypatch.setattr(socket, "getaddrinfo", answers("127.0.0.9", "127.0.0.1"))
    with connect_checked("feed.example", port, allow_private=True, timeout_seconds=2) as connection:
        assert connection.getpeername()[0] == "127.0.0.1"
