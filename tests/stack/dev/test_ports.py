"""Ports: chosen by the environment, and one clear line when another program holds one."""

from __future__ import annotations

import socket
from dataclasses import fields

import pytest

from clearway.dev.errors import PortInUseError, StackError
from clearway.dev.ports import OWN_PORTS, Ports, variable
from tests.unit.tidy.source import ROOT


def test_the_environment_chooses_ports() -> None:
    """`API_PORT=8001 make dev` is all that is needed to move the API."""
    ports = Ports.from_environment({"API_PORT": "8001", "TEMPORAL_UI_PORT": " 8300 ", "SIMULATOR_PORT": ""})
    assert (ports.api, ports.temporal_ui, ports.simulator) == (8001, 8300, 4010)


@pytest.mark.parametrize("text", ["eighty", "0", "65536", "-1", "80.5"])
def test_what_is_no_port_is_refused_by_name(text: str) -> None:
    """An invalid port number has an error of its own, not that of a busy port."""
    with pytest.raises(StackError, match=f"API_PORT={text} is not a port"):
        Ports.from_environment({"API_PORT": text})


def test_two_services_on_one_port_are_refused_by_name() -> None:
    """A port given twice is refused before anything starts."""
    with pytest.raises(StackError, match="TEMPORAL_PORT and API_PORT are both 8001"):
        Ports.from_environment({"API_PORT": "8001", "TEMPORAL_PORT": "8001"})


def test_a_port_in_use_names_itself_and_the_way_out() -> None:
    """The error names the port, the program that holds it, and what to type."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        number = server.getsockname()[1]
        with pytest.raises(PortInUseError) as caught:
            Ports(api=number).require_free(["api"])
    message = str(caught.value)
    assert f"Port {number} (api) is in use" in message
    assert "API_PORT=" in message
    assert "make dev" in message


def test_free_ports_are_different() -> None:
    """Stacks side by side get different ports."""
    ports = Ports.free()
    assert len({getattr(ports, field.name) for field in fields(Ports)}) == len(fields(Ports))


def test_free_ports_are_none_that_the_system_gives_away() -> None:
    """A server without a port of its own, or an outgoing connection, can't take one before its service starts."""
    assert all(number in OWN_PORTS for number in Ports.free_numbers(20))
    assert OWN_PORTS.stop <= 32_768


def test_a_second_stack_moves_every_port() -> None:
    """The document's line for a second stack leaves no port of the first one, and its table names every port."""
    table, line = (ROOT / "DEVELOPMENT.md").read_text(encoding="utf-8").split("A second stack: ")
    words = line.split("`")[1].split()
    moved = Ports.from_environment(dict(word.split("=") for word in words if "=" in word))
    for field in fields(Ports):
        assert getattr(moved, field.name) != field.default, field.name
        assert f"`{variable(field.name)}`" in table
