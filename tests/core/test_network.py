"""The suite passes without a network, and would notice a download."""

import socket
import subprocess
import sys

import pytest

OUTSIDE = ("192.0.2.1", 9)  # a documentation address (RFC 5737): nobody's


def test_neither_this_process_nor_a_python_that_we_start_can_leave_the_machine():
    for connect, address in (("connect", OUTSIDE), ("connect_ex", ("pypi.invalid", 443))):
        with socket.socket() as door, pytest.raises(OSError, match="the network is off"):
            getattr(door, connect)(address)
    code = f"import socket; socket.create_connection({OUTSIDE})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1
    assert "the network is off" in done.stderr
