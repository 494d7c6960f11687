"""No connection beyond this machine: Python runs this file at its start where its folder is on PYTHONPATH."""

import ipaddress
import socket


def _is_local(address) -> bool:
    if not isinstance(address, tuple):
        return True  # a Unix socket
    host = address[0]
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return host == "localhost"


def _guarded(name: str):
    original = getattr(socket.socket, name)

    def connect(self, address):
        if not _is_local(address):
            raise OSError(f"the network is off in the tests, and something connects to {address}")
        return original(self, address)

    return connect


if not hasattr(socket, "network_is_off"):
    socket.network_is_off = True
    socket.socket.connect = _guarded("connect")
    socket.socket.connect_ex = _guarded("connect_ex")
