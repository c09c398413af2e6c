"""docker-compose.yml says what the verbs understand, and shares what they share."""

import os
import re
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import pytest
import yaml

from api import verbs
from coldchain.verbs import Verb

ROOT = Path(__file__).resolve().parents[2]
VERBS: dict[str, Verb] = {"broker": verbs.BROKER, "line": verbs.LINE, "desk": verbs.DESK, "up": verbs.UP}


def parse(command: list[str]) -> tuple[str, Any]:
    """As `coldchain` would; a wrong argument ends the test."""
    verb, *arguments = command
    parser = ArgumentParser(exit_on_error=False)
    VERBS[verb].describe(parser)
    return verb, parser.parse_args(arguments)


@pytest.fixture(scope="module")
def services() -> dict[str, dict[str, Any]]:
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    filled = re.sub(r"\$\{(\w+):-([^}]*)\}", lambda match: os.environ.get(match[1]) or match[2], text)
    told: dict[str, dict[str, Any]] = yaml.safe_load(filled)["services"]
    return told


def test_broker_line_and_desk_are_all_there_is(services: dict[str, dict[str, Any]]) -> None:
    assert set(services) == {"broker", "line", "desk"}


def test_every_command_is_one_that_coldchain_understands(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        verb, arguments = parse(service["command"])
        assert verb == name
        assert arguments.data == Path("/data")


def test_they_share_one_data_directory_and_have_a_pulse(services: dict[str, dict[str, Any]]) -> None:
    for service in services.values():
        assert service["volumes"] == ["data:/data"]
        assert service["healthcheck"]["test"][0] == "CMD"
        assert service["restart"] == "unless-stopped"


def test_the_line_speaks_to_the_broker_and_the_ports_are_those_listened_on(services: dict[str, dict[str, Any]]) -> None:
    _, line = parse(services["line"]["command"])
    _, broker = parse(services["broker"]["command"])
    _, desk = parse(services["desk"]["command"])
    assert line.mqtt_url == f"mqtt://broker:{broker.mqtt_port}"
    assert services["broker"]["ports"] == [f"{broker.mqtt_port}:{broker.mqtt_port}"]
    port = desk.listen.rpartition(":")[2]
    assert services["desk"]["ports"] == [f"{port}:{port}"]


def test_the_image_starts_everything_unless_told_otherwise() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    command = re.search(r"^CMD (\[.*\])$", text, re.MULTILINE)
    assert command is not None
    verb, arguments = parse(yaml.safe_load(command[1]))
    assert (verb, arguments.listen) == ("up", "0.0.0.0:8000")
