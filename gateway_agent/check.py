"""The check: all that an agent needs, tried once and told in a line each, beside an agent that may be at work."""

import os
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from coldchain.clock import SECOND, iso
from coldchain.errors import Unavailable
from coldchain.quantities import CELSIUS
from coldchain.readings import celsius
from coldchain.sqlite import open_to_read
from gateway_agent.clocks import Moments
from gateway_agent.outbox import free_bytes
from gateway_agent.senses import read_safely
from gateway_agent.sensors import Sensed, Sensor
from gateway_agent.settings import MEGABYTE, Settings
from gateway_agent.uplink import why_no_broker


@dataclass(frozen=True, slots=True)
class Finding:
    what: str
    told: str
    is_well: bool = True

    def __str__(self) -> str:
        return f"{'ok ' if self.is_well else 'NOT'}  {self.what:<8} {self.told}"


def check(settings: Settings, sensors: list[Sensor], clock: Moments) -> Iterator[Finding]:
    """In the order in which one mends."""
    yield Finding("settings", f"{settings.device_id}: a beat every {settings.interval // SECOND} s")
    yield _clock(clock)
    yield _outbox(settings.outbox, settings.min_free)
    for sensor in sensors:
        for sensed in read_safely(sensor):
            yield _sensor(sensed)
    yield _broker(settings)


def _clock(clock: Moments) -> Finding:
    moment = clock()
    if moment.is_trusted:
        return Finding("clock", f"{iso(moment.wall)}, trusted")
    return Finding("clock", f"{iso(moment.wall)} is not trusted: readings wait until NTP or the server tells the time")


def _outbox(path: Path, min_free: int) -> Finding:
    folder = _existing(path.parent)
    if not os.access(path if path.exists() else folder, os.W_OK):
        return Finding("outbox", f"{path} cannot be written by this user", is_well=False)
    free = free_bytes(folder / path.name)
    room = f"{free // MEGABYTE} MB of the disk are free"
    if free < min_free:
        return Finding("outbox", f"{path}: {room}, {min_free // MEGABYTE} must stay free", is_well=False)
    if not path.exists():
        return Finding("outbox", f"{path} will be made; {room}")
    try:
        file = open_to_read(path)
        row = file.execute("SELECT (SELECT value FROM about WHERE key = 'outbox_id'), count(*) FROM packs").fetchone()
        file.close()
    except (sqlite3.DatabaseError, Unavailable) as why:
        return Finding("outbox", f"{path} cannot be read ({why}): the agent will put it aside", is_well=False)
    return Finding("outbox", f"{path} is outbox {row[0]}, {row[1]} packs wait in it; {room}")


def _existing(folder: Path) -> Path:
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder


def _sensor(sensed: Sensed) -> Finding:
    if sensed.centidegrees is None:
        return Finding("sensor", f"{sensed.channel}: fault {sensed.fault}", is_well=False)
    if sensed.unit != CELSIUS:
        return Finding("sensor", f"{sensed.channel}: {'yes' if sensed.centidegrees else 'no'}")
    return Finding("sensor", f"{sensed.channel}: {celsius(sensed.centidegrees):.2f} °C")


def _broker(settings: Settings) -> Finding:
    broker = settings.broker
    where = f"{broker.host}:{broker.port} as {broker.username}{' with TLS' if broker.is_tls else ''}"
    why = why_no_broker(settings.device_id, broker)
    return Finding("broker", f"{where}: {why or 'lets the device in'}", is_well=why is None)
