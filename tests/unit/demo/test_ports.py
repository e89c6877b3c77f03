"""The ports of the demo are checked before anything starts."""

import socket
from collections.abc import Iterator

import pytest

from relay.demo import ports
from relay.demo.child import ServerError


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def free() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return listening.getsockname()[1]


def test_free_ports_are_taken_as_given():
    one, other = free(), free()
    assert ports.chosen({"PORT": str(one), "SANDBOX_PORT": str(other)}) == (one, other)


def test_a_taken_port_says_what_to_type(taken):
    with pytest.raises(ServerError, match=rf"^Port {taken} is taken; choose another: PORT=\d+ make run$"):
        ports.chosen({"PORT": str(taken), "SANDBOX_PORT": str(free())})


def test_the_sandbox_has_a_variable_of_its_own(taken):
    with pytest.raises(ServerError, match=rf"^Port {taken} is taken; .* the sandbox: SANDBOX_PORT=\d+ make run$"):
        ports.chosen({"PORT": str(free()), "SANDBOX_PORT": str(taken)})


def test_two_taken_ports_are_both_named_in_one_command(taken):
    with socket.create_server(("127.0.0.1", 0)) as second:
        other = second.getsockname()[1]
        with pytest.raises(ServerError) as refused:
            ports.chosen({"PORT": str(taken), "SANDBOX_PORT": str(other)})
    assert str(refused.value).startswith(f"Ports {taken} and {other} are taken; choose others: PORT=")
    assert "SANDBOX_PORT=" in str(refused.value)


@pytest.mark.parametrize("text", ["0", "65536", "-1", "http", "80 80", "٨٠٠٠"])
def test_a_port_is_a_number(text):
    with pytest.raises(ServerError, match="PORT must be a number from 1 to 65535"):
        ports.chosen({"PORT": text})


def test_the_two_ports_differ():
    with pytest.raises(ServerError, match="must differ"):
        ports.chosen({"PORT": "8123", "SANDBOX_PORT": "8123"})
