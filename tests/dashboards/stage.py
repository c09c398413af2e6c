"""A stage for the window: an invented district behind the same HTTP as the desk's, and a browser to look at it.

The page's files and their headers are served by the desk's own code; what the API says is invented here, in the
shapes of the contract, so that every state of every page can be put up at will.
"""

import asyncio
import gzip
import json
import math
import random
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.static import SECURITY, Pages
from coldchain.clock import DAY, HOUR, MINUTE, iso
from registry.roles import PERMISSIONS
from tests.dashboards import stage_files, stage_rules

API = "/api/v1"
STEPS = 96
QUARTER = 15 * MINUTE
TOKEN = "an-invented-token"
USER, PASSWORD = "r.meena", "an invented phrase"

VILLAGES = (
    ("PHC Barkheda", "प्रा. स्वा. केंद्र बरखेड़ा"),
    ("CHC Ranipura", "सा. स्वा. केंद्र रानीपुरा"),
    ("District store", "ज़िला भंडार"),
    ("PHC Salkheda", "प्रा. स्वा. केंद्र सलखेड़ा"),
    ("PHC Dongarwada", "प्रा. स्वा. केंद्र डोंगरवाड़ा"),
    ("PHC Amla", "प्रा. स्वा. केंद्र आमला"),
    ("PHC Bori", "प्रा. स्वा. केंद्र बोरी"),
    ("CHC Itarsa", "सा. स्वा. केंद्र इटारसा"),
    ("PHC Kesla", "प्रा. स्वा. केंद्र केसला"),
    ("PHC Mohgaon", "प्रा. स्वा. केंद्र मोहगाँव"),
    ("PHC Sukha", "प्रा. स्वा. केंद्र सूखा"),
    ("PHC Pipariya Kalan", "प्रा. स्वा. केंद्र पिपरिया कलाँ"),
)
DISTRICT = {"id": "district", "name": {"en": "Narmadapur district", "hi": "नर्मदापुर ज़िला"}}

Json = dict[str, Any]


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def place(number: int) -> Json:
    english, hindi = VILLAGES[number % len(VILLAGES)]
    return {"id": f"place-{number % len(VILLAGES)}", "name": {"en": english, "hi": hindi}}


def strip(kind: str, middle: float = 4.7) -> Json:
    """24 hours as a fridge of this kind would draw them."""
    dice = random.Random(f"{kind}{middle}")
    low: list[int | None] = []
    high: list[int | None] = []
    for i in range(STEPS):
        value = middle + 0.7 * math.sin(i / 3.1) + dice.uniform(-0.15, 0.15)
        if kind == "hot" and i > 82:
            value = 5.2 + (i - 82) * 0.42
        if kind == "cold" and i > 90:
            value = 3.2 - (i - 90) * 0.85
        if kind == "watch" and i > 88:
            value = 4.9 + (i - 88) * 0.36
        missing = (kind == "silent" and i > 78) or (kind == "fault" and i > 84) or (kind == "gap" and 40 < i < 48)
        low.append(None if missing else round(value * 10) - 2)
        high.append(None if missing else round(value * 10) + 2)
    since = (now_ms() // QUARTER - STEPS + 1) * QUARTER
    return {"from": iso(since), "step_s": 900, "min": low, "max": high}


def row(number: int, state: str, name: str, **facts: Any) -> Json:
    at = now_ms()
    freezer = facts.get("storage_class") == "freezer"
    middle = -19.5 if freezer else 4.1 + (number % 7) * 0.2
    plain: Json = {
        "id": f"point-{number}",
        "kind": "point",
        "name": name,
        "place": place(number),
        "storage_class": "refrigerator",
        "state": state,
        "severity": None,
        "celsius": round(middle, 1),
        "measured_at": iso(at - 40_000),
        "device_id": f"pi-{100 + number:04d}",
        "sensor": "tvc",
        "since": None,
        "limit_c": None,
        "alarm_at": None,
        "alarmed_at": None,
        "trend_c_per_h": 0.1,
        "last_heard_at": iso(at - 38_000),
        "silent_since": None,
        "fault": None,
        "incident": None,
        "band": {"low_c": -25.0, "high_c": -15.0} if freezer else {"low_c": 2.0, "high_c": 8.0},
        "strip": strip(state, middle),
    }
    return {**plain, **facts}


def incident_of(number: int, *, seen: bool = False) -> Json:
    return {
        "id": f"incident-{number}",
        "state": "acknowledged" if seen else "open",
        "acknowledged_by": "r.meena" if seen else None,
        "acknowledged_at": iso(now_ms() - 20 * MINUTE) if seen else None,
    }


def full_wall(fine: int = 33) -> Json:
    """A bad morning: everything that can be wrong is wrong somewhere."""
    at = now_ms()
    items = [
        row(
            1,
            "cold",
            "ILR 1",
            severity="warning",
            celsius=-0.9,
            since=iso(at - 22 * MINUTE),
            limit_c=-0.5,
            alarm_at=iso(at + 38 * MINUTE + 20_000),
            trend_c_per_h=-3.4,
            incident=incident_of(1),
        ),
        row(
            0,
            "hot",
            "ILR 2",
            severity="warning",
            celsius=10.4,
            since=iso(at - 3 * HOUR - 12 * MINUTE),
            limit_c=8.0,
            alarm_at=iso(at + 6 * HOUR + 48 * MINUTE + 20_000),
            trend_c_per_h=1.2,
            incident=incident_of(0),
        ),
        row(
            2,
            "hot",
            "Walk-in cooler",
            severity="alarm",
            celsius=9.1,
            since=iso(at - 12 * HOUR),
            limit_c=8.0,
            alarmed_at=iso(at - 2 * HOUR),
            incident=incident_of(2, seen=True),
        ),
        row(3, "watch", "ILR 1", celsius=7.6, limit_c=8.0, trend_c_per_h=1.4),
        row(
            4,
            "silent",
            "ILR 3",
            celsius=4.6,
            measured_at=iso(at - 4 * HOUR - 5 * MINUTE),
            last_heard_at=iso(at - 4 * HOUR - 5 * MINUTE),
            silent_since=iso(at - 4 * HOUR),
            since=iso(at - 4 * HOUR),
            incident=incident_of(4),
        ),
        row(
            13,
            "fault",
            "Deep freezer",
            storage_class="freezer",
            celsius=None,
            fault="unplugged",
            since=iso(at - 95 * MINUTE),
        ),
        *(row(20 + i, "ok", f"ILR {i % 3 + 1}") for i in range(fine)),
        row(90, "empty", "ILR 4", celsius=None, measured_at=None, device_id=None, sensor=None, strip=None),
    ]
    unplaced = row(99, "ok", "pi-0199", id="pi-0199", kind="not-placed", place=None, device_id="pi-0199")
    return _wall(items, [unplaced])


def calm_wall() -> Json:
    return _wall([row(20 + i, "ok", f"ILR {i % 3 + 1}") for i in range(40)], [])


def empty_wall() -> Json:
    return _wall([], [])


def crowded_wall(count: int = 400) -> Json:
    """Too many: half a state's fridges, a tenth of them in trouble."""
    at = now_ms()
    hot = [
        row(
            i,
            "hot",
            f"ILR {i}",
            severity="out",
            celsius=8.4,
            limit_c=8.0,
            since=iso(at - (i + 1) * MINUTE),
            alarm_at=iso(at + 10 * HOUR - (i + 1) * MINUTE),
        )
        for i in range(count // 5)
    ]
    return _wall(hot + [row(1000 + i, "ok", f"ILR {i}") for i in range(count - len(hot))], [])


def _wall(items: list[Json], not_placed: list[Json]) -> Json:
    states = [one["state"] for one in (*items, *not_placed)]
    counts = {
        "act": sum(s in ("hot", "cold") for s in states),
        **{s: states.count(s) for s in ("watch", "silent", "fault", "ok")},
    }
    return {
        "place": {**DISTRICT, "zone": "Asia/Kolkata"},
        "at": iso(now_ms()),
        "counts": counts,
        "items": items,
        "not_placed": not_placed,
    }


def excursions(point: str | None = "point-0") -> list[Json]:
    at = now_ms()
    common = {"device_id": "pi-0100", "sensor": "tvc", "storage_point_id": point, "incident_id": "incident-0"}
    return [
        {
            **common,
            "id": "excursion-1",
            "rule": "HEAT-WARN",
            "severity": "warning",
            "started_at": iso(at - 3 * HOUR - 12 * MINUTE),
            "alarmed_at": iso(at - 2 * HOUR - 12 * MINUTE),
            "kind": "heat",
            "rule_set": "refrigerator",
            "rule_version": 1,
            "ended_at": None,
            "extreme_c": 10.4,
            "minutes_out": 192.0,
            "minutes_unknown": 0.0,
            "proven": True,
            "withdrawn_at": None,
        },
        {
            **common,
            "id": "excursion-2",
            "rule": "FRZE-WARN",
            "severity": "warning",
            "started_at": iso(at - 20 * HOUR),
            "alarmed_at": iso(at - 19 * HOUR),
            "kind": "frost",
            "rule_set": "refrigerator",
            "rule_version": 1,
            "ended_at": iso(at - 18 * HOUR),
            "extreme_c": -0.3,
            "minutes_out": 110.0,
            "minutes_unknown": 12.0,
            "proven": False,
            "withdrawn_at": None,
        },
    ]


def chart(since: int, until: int, points: int) -> Json:
    dice = random.Random(3)
    bucket = (until - since) // points
    quiet = (since + (until - since) * 42 // 100, since + (until - since) * 50 // 100)
    items = []
    for i in range(points):
        at = since + i * bucket
        if quiet[0] <= at < quiet[1]:
            continue
        share = i / points
        value = 4.7 + 0.7 * math.sin(i / 9) + dice.uniform(-0.12, 0.12)
        if share > 0.86:
            value = 5.2 + (share - 0.86) * 37
        if 0.17 < share < 0.25:
            value = 1.2 + abs(share - 0.21) * 20
        items.append(
            {
                "at": iso(at),
                "min_c": round(value - 0.2, 2),
                "mean_c": round(value, 2),
                "max_c": round(value + 0.2, 2),
                "count": 4,
            }
        )
    return {
        "from": iso(since),
        "to": iso(until),
        "bucket_s": bucket / 1000,
        "items": items,
        "gaps": [{"from": iso(quiet[0]), "to": iso(quiet[1])}],
        "band": {"low_c": 2.0, "high_c": 8.0},
        "limits": {"heat_c": 8.0, "frost_c": -0.5},
        "summary": {"time_in_range_pct": 84.6, "lowest_c": 1.0, "highest_c": 10.5, "unknown_minutes": 115.0},
        "excursions": excursions(),
    }


def time_in_range(by: str) -> Json:
    """Of an invented fridge: mostly well, some heat, a little frost, a silence, a day that goes on."""
    zone = ZoneInfo("Asia/Kolkata")
    today = datetime.fromtimestamp(now_ms() / 1000, zone).date()
    back = {"day": 35, "week": 13, "month": 13}[by]
    items = []
    for number in range(back):
        ago = back - 1 - number
        first = first_day_of(by, today, ago)
        above, below = {back - 3: 13.4, 4: 2.1}.get(number, 0.0), {back - 9: 4.2}.get(number, 0.0)
        unknown = {back - 12: 100.0, back - 13: 47.5}.get(number, 0.0)
        since = datetime(first.year, first.month, first.day, tzinfo=zone)
        until = datetime.combine(first_day_of(by, today, ago - 1), since.timetz()) if ago else datetime.now(zone)
        items.append(
            {
                "label": period_label(by, first),
                "from": iso(int(since.timestamp()) * 1000),
                "to": iso(int(until.timestamp()) * 1000),
                "partial": ago == 0,
                **shares(above, below, unknown),
            }
        )
    return {
        "from": items[0]["from"],
        "to": items[-1]["to"],
        "by": by,
        "zone": zone.key,
        "limits": [{"operator": "<", "limit_c": 2.0}, {"operator": ">", "limit_c": 8.0}],
        "items": items,
        "whole": shares(0.5, 0.2, 4.3),
    }


def shares(above: float, below: float, unknown: float) -> Json:
    in_range = round(100 - above - below - unknown, 1)
    return {
        "in_range_minutes": in_range * 14.4,
        "below_minutes": below * 14.4,
        "above_minutes": above * 14.4,
        "unknown_minutes": unknown * 14.4,
        "in_range_pct": in_range,
        "below_pct": below,
        "above_pct": above,
        "unknown_pct": unknown,
        "min_c": None if unknown == 100 else (1.4 if below else 3.2),
        "max_c": None if unknown == 100 else (9.6 if above else 6.1),
    }


def first_day_of(by: str, today: date, ago: int) -> date:
    if by == "day":
        return today - timedelta(days=ago)
    if by == "week":
        return today - timedelta(days=today.weekday() + 7 * ago)
    months = today.year * 12 + today.month - 1 - ago
    return date(months // 12, months % 12 + 1, 1)


def period_label(by: str, first: date) -> str:
    if by == "week":
        year, week, _ = first.isocalendar()
        return f"{year}-W{week:02}"
    return first.isoformat()[: 10 if by == "day" else 7]


def exposure(since: int, until: int) -> Json:
    days = (until - since) / DAY
    lives = (("VVM2", 0.62, "V"), ("VVM7", 0.1, "V"), ("VVM11", 0.07, "R"), ("VVM14", 0.05, "V"), ("VVM30", 0.02, "V"))
    return {
        "from": iso(since),
        "to": iso(until),
        "known_minutes": days * 1440 - 115,
        "unknown_minutes": 115.0,
        "limits": [
            {"operator": "<=", "limit_c": -0.5, "minutes": 0.0},
            {"operator": "<", "limit_c": 2.0, "minutes": 47.5},
            {"operator": ">", "limit_c": 8.0, "minutes": 192.0},
        ],
        "min_c": 1.0,
        "max_c": 10.5,
        "mean_kinetic_c": 5.43,
        "vvm": [
            {
                "type": name,
                "share_of_life": day * days / 100,
                "percent": day * days,
                "verified": verified,
                "source": "invented",
            }
            for name, day, verified in lives
        ],
        "sensors": [],
        "note": "invented",
    }


def incidents() -> list[Json]:
    at = now_ms()

    def one(number: int, kind: str, state: str, **facts: Any) -> Json:
        points = [{"id": f"point-{number}", "name": f"ILR {number % 3 + 1}", "place": place(number)}]
        plain = {
            "id": f"incident-{number}",
            "kind": kind,
            "state": state,
            "severity": "warning" if kind in ("heat", "frost") else None,
            "started_at": iso(at - (number + 1) * HOUR),
            "ended_at": None,
            "known_at": iso(at - number * HOUR),
            "storage_points": points,
            "devices": [f"pi-{100 + number:04d}"],
            "acknowledged_by": None,
            "acknowledged_at": None,
        }
        return {**plain, **facts}

    seen = {"acknowledged_by": "r.meena", "acknowledged_at": iso(at - 20 * MINUTE)}
    return [
        one(0, "heat", "open"),
        one(1, "frost", "open"),
        one(4, "silence", "open"),
        one(2, "heat", "acknowledged", severity="alarm", **seen),
        one(5, "two-voices", "open", storage_points=[]),
        one(6, "power", "ended", ended_at=iso(at - HOUR), **seen),
        one(7, "fault", "ended", ended_at=iso(at - 3 * HOUR)),
        one(8, "clock", "withdrawn", ended_at=iso(at - 5 * HOUR)),
        one(9, "platform", "ended", ended_at=iso(at - 6 * HOUR), storage_points=[], devices=[]),
    ]


def devices() -> list[Json]:
    at = now_ms()
    listed = []
    for i in range(16):
        silent = i == 4
        simple = i in (3, 9)
        listed.append(
            {
                "device_id": f"pi-{100 + i:04d}",
                "kind": "agent",
                "model": "Raspberry Pi Zero 2 W",
                "dialect": "senml",
                "interval_s": 60 if i % 2 else 300,
                "guarantee": "unheard" if i == 11 else "mqtt" if simple else "acknowledged",
                "last_heard_at": None if i == 11 else iso(at - (4 * HOUR if silent else 40_000)),
                "silent_since": iso(at - 3 * HOUR) if silent else None,
                "storage_point": None
                if i in (11, 12)
                else {"id": f"point-{i if i < 5 else 15 + i}", "name": f"ILR {i % 3 + 1}"},
                "outbox": None
                if simple or i == 11
                else {
                    "id": "9f86d081884c7d65",
                    "waiting": 37 if i == 2 else 0,
                    "lost": [[1200, 1219]] if i == 5 else [],
                    "durable": [[1, 1199]],
                },
                "status": {"state": "online", "clock": "trusted", "disk": "ok", "version": "0.1.0"},
                "ended_at": None,
            }
        )
    return listed


def refusals() -> list[Json]:
    at = now_ms()
    told = [
        ("unreadable", "a text stands where a number belongs", '[{"bn":"pi-0103:","n":"tvc","v":"4.5"}]'),
        ("wrongly-dated", "measured 3 h after it was received", '[{"bn":"pi-0104:","bt":1767225600}]'),
        ("two-voices", "sequence 57 came before, and said otherwise", '[{"bn":"pi-0105:","n":"seq","v":57}]'),
        ("unknown-device", "no device is called pi-0777", '[{"bn":"pi-0777:","n":"tvc","v":4.5}]'),
    ]
    return [
        {
            "id": i + 1,
            "device_id": f"pi-{103 + i:04d}",
            "received_at": iso(at - i * HOUR - 7 * MINUTE),
            "reason": reason,
            "detail": detail,
            "count": 1 if i else 41,
            "size": 412 + i,
            "excerpt": excerpt,
            "released_by": "r.meena" if i == 2 else None,
            "released_at": iso(at - MINUTE) if i == 2 else None,
        }
        for i, (reason, detail, excerpt) in enumerate(told)
    ]


SENSORS = [
    {"sensor": sensor, "unit": "Cel", "celsius": 4.6, "value": 4.6, "fault": None, "measured_at": None}
    for sensor in ("tvc", "DS18B20-0000000000A2")
]

DIALECTS = [
    {"name": name, "title": title, "understands": what, "topics": topics, "bridge_topics": topics}
    for name, title, what, topics in (
        ("senml", "SenML (RFC 8428)", "readings and faults below the device's own topic", []),
        ("json", "Plain JSON", "any JSON, by a mapping table", ["{id}/#"]),
        ("tasmota", "Tasmota", "SENSOR messages; several DS18B20", ["tele/{id}/SENSOR", "stat/{id}/STATUS8"]),
        ("zigbee2mqtt", "Zigbee2MQTT", "what each Zigbee device tells", ["zigbee2mqtt/{id}"]),
    )
]


def speech(**more: Any) -> Json:
    plain: Json = {"dialect": "senml", "hardware_id": None, "topics": [], "probes": {}, "mapping": None, "zone": ""}
    return {**plain, "speaks_for": [], "spoken_for": [], **more}


def spoken(device_id: str = "pi-0109", hardware_id: str = "0x00158d0000000001") -> Json:
    return {"bridge_id": "pi-0107", "device_id": device_id, "hardware_id": hardware_id, "from": None, "to": None}


def heard_reading(hardware_id: str, value: float | None, unit: str = "Cel", **more: Any) -> Json:
    plain = {"hardware_id": hardware_id, "sensor": "temperature", "unit": unit, "measured_at": None, "value": value}
    to = {"device_id": "pi-0109", "storage_point": {"id": "point-24", "name": "ILR 1"}}
    return {**plain, "fault": None, "reason": None, "detail": None, **to, **more}


def heard() -> list[Json]:
    """A message that was understood, one in part, one refused, one without a reading; a fault, a door."""
    own, strange = "0x00158d0000000001", "0x00158d0000000002"
    nobodys: Json = {
        "device_id": None,
        "storage_point": None,
        "reason": "unknown-device",
        "detail": f"the bridge pi-0107 speaks for no device with the hardware {strange!r} then",
    }
    door = heard_reading(own, 1.0, "bool", sensor="door")
    whole = [heard_reading(own, 4.56), door, heard_reading(own, None, fault="unplugged", sensor="probe2")]
    half = [heard_reading(own, 4.61, measured_at=iso(now_ms() - MINUTE)), heard_reading(strange, 21.5, **nobodys)]

    def message(number: int, verdict: str, payload: str, readings: list[Json], **more: Any) -> Json:
        at = iso(now_ms() - (10 - number) * 20_000)
        topic = {"topic": f"zigbee2mqtt/{own}", "size": len(payload), "payload": payload, "is_text": True}
        told = {"number": number, "received_at": at, "dialect": "zigbee2mqtt", "verdict": verdict, "is_retained": False}
        return {**told, **topic, "reason": None, "detail": None, "readings": readings, **more}

    wrong = {"reason": "unreadable", "detail": "it is no JSON: Expecting value at sign 0", "is_text": False}
    return [
        message(1, "accepted", '{"temperature":4.56,"contact":false}', whole),
        message(2, "accepted", '{"temperature":4.61}', half),
        message(3, "refused", "ff 00 81", [], **wrong),
        message(4, "ignored", '{"state":"online"}', [], is_retained=True),
    ]


def stranger() -> Json:
    readings = [heard_reading("0x00158d0000000002", 21.5), heard_reading("0x00158d0000000002", 48.0, "%RH")]
    return {"hardware_id": "0x00158d0000000002", "last_at": iso(now_ms() - 50_000), "count": 7, "readings": readings}


def channels() -> list[Json]:
    at = iso(now_ms() - 40_000)

    def one(sensor: str, quantity: str, role: str, unit: str, **more: Any) -> Json:
        plain = {"device_id": "pi-0100", "sensor": sensor, "quantity": quantity, "role": role, "unit": unit}
        return {**plain, "celsius": None, "value": None, "is_on": None, "fault": None, "measured_at": at, **more}

    return [
        one("tvc", "temperature", "product", "Cel", celsius=10.4, value=10.4),
        one("tamb", "temperature", "ambient", "Cel", celsius=31.2, value=31.2),
        one("tfrz", "temperature", "freezer", "Cel", fault="unplugged"),
        one("door", "door", "door", "bool", is_on=True),
        one("mains", "power", "power", "bool", is_on=False),
        one("humidity", "humidity", "other", "%RH", value=61.0),
        one("battery", "battery", "other", "V", value=2.95),
    ]


QR = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 21 21" shape-rendering="crispEdges">'
    '<path fill="#fff" d="M0 0h21v21H0z"/><path d="M0 0h7v7H0zM14 0h7v7h-7zM0 14h7v7H0zM9 2h3v3H9zM10 9h6v2h-6z'
    'M4 9h3v3H4zM15 15h4v4h-4zM9 15h3v4H9z"/></svg>'
)


class Stage:
    """What the desk would say, as it stands; tests change it while pages are open."""

    def __init__(self) -> None:
        self.wall: Json = full_wall()
        self.username = USER
        self.permissions = list[str](PERMISSIONS)
        self.devices = devices()
        self.refusals = refusals()
        self.incidents = incidents()
        self.speech = {one["device_id"]: speech() for one in self.devices}
        self.speech["pi-0107"] = speech(dialect="zigbee2mqtt", topics=["zigbee2mqtt/#"], speaks_for=[spoken()])
        self.devices[7] |= {"kind": "bridge", "dialect": "zigbee2mqtt", "last_heard_at": None, "guarantee": "unheard"}
        self.heard = heard()
        self.strangers = [stranger()]
        self.empty = False
        self.deaf = False
        """Whether nobody answers: the line is gone."""
        self.problems: dict[str, tuple[int, Json]] = {}
        """By path: what is answered instead."""
        self.asked: list[tuple[str, str, Any]] = []
        self.queries: list[str] = []
        """Of each of these what stood behind its path."""
        self.streams: list[tuple[asyncio.AbstractEventLoop, asyncio.Queue[bytes | None]]] = []
        self.signed_out = False
        self.closable = {one["id"] for one in self.incidents if one["kind"] not in ("heat", "frost")}
        """Incidents that no reading will end."""

    # what tests do

    def tell(self, event: str, data: Json) -> None:
        """To every open page."""
        for loop, queue in self.streams:
            loop.call_soon_threadsafe(queue.put_nowait, f"event: {event}\ndata: {json.dumps(data)}\n\n".encode())

    def cut(self) -> None:
        """The line goes: open streams end, nothing is answered any more."""
        self.deaf = True
        for loop, queue in self.streams:
            loop.call_soon_threadsafe(queue.put_nowait, None)

    def told(self, method: str, path: str) -> Any:
        """The body that was last sent there."""
        return [body for m, p, body in self.asked if (m, p) == (method, path)][-1]

    # what pages ask

    def app(self, directory: Path) -> ASGIApp:
        api = Starlette(routes=[Route(API + "/{path:path}", self._api, methods=["GET", "POST"])])
        pages = Pages(directory, api)

        async def front(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "http" and scope["path"] == "/health":
                parts = {"books": "ok", "history": "ok", "gate": "ok", "broker": "ok"}
                await JSONResponse({"status": "ok", "parts": parts})(scope, receive, send)
                return
            await pages(scope, receive, send)

        return Starlette(middleware=[Middleware(_Dressed, stage=self, inner=front)])

    async def _api(self, request: Request) -> Response:
        path = request.url.path.removeprefix(API)
        body: Any = None
        if request.method == "POST":
            raw = (await request.body()).decode()
            body = json.loads(raw) if request.headers.get("content-type", "").startswith("application/json") else raw
        self.asked.append((request.method, path, body))
        self.queries.append(str(request.query_params))
        if path in self.problems:
            status, document = self.problems[path]
            headers = {"Retry-After": "120"} if status == 429 else None
            return JSONResponse({"title": "-", "status": status, **document}, status_code=status, headers=headers)
        if path == "/sign-in":
            return self._sign_in(body)
        if request.headers.get("authorization") != f"Bearer {TOKEN}" or self.signed_out:
            return JSONResponse({"title": "Unauthorized", "status": 401, "detail": "sign in"}, status_code=401)
        if path == "/events":
            return StreamingResponse(self._events(), media_type="text/event-stream")
        is_file = path == "/imports/readings"
        answer = stage_files.taken(now_ms(), body) if is_file else self._answer(request, path, body)
        if answer is None:
            return JSONResponse({"title": "Not Found", "status": 404, "detail": "no such thing"}, status_code=404)
        return _packed(request, answer)

    def me(self) -> Json:
        user = {"username": self.username, "role": "administrator", "places": [DISTRICT]}
        return {"user": user, "permissions": self.permissions}

    def _sign_in(self, body: Json) -> Response:
        if (body["username"], body["password"]) != (USER, PASSWORD):
            return JSONResponse({"title": "Unauthorized", "status": 401, "detail": "no"}, status_code=401)
        self.signed_out = False
        return JSONResponse({**self.me(), "token": TOKEN, "expires_at": iso(now_ms() + 12 * HOUR)})

    async def _events(self) -> AsyncIterator[bytes]:
        queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        mine = (asyncio.get_running_loop(), queue)
        self.streams.append(mine)
        try:
            yield f"event: hello\ndata: {json.dumps({'at': iso(now_ms())})}\n\n".encode()
            while (told := await queue.get()) is not None:
                yield told
        finally:
            self.streams.remove(mine)

    def _answer(self, request: Request, path: str, body: Any) -> Any:
        query = request.query_params
        parts = path.strip("/").split("/")
        if request.method == "POST":
            return self._post_of_device(parts, body) if parts[0] == "devices" else self._post(parts, body)
        if parts[0] == "devices" and len(parts) > 1:
            return self._device(parts, int(query.get("after", 0)))
        match parts:
            case ["wall"]:
                return {**self.wall, "at": iso(now_ms())}
            case ["me"]:
                return self.me()
            case [shelf]:
                return _page([] if self.empty and shelf != "places" else self._shelf(shelf))
            case ["storage-points", name, "evidence"]:
                return {"items": stage_files.evidence(now_ms()) if name == "point-0" else []}
            case ["storage-points", _, "time-in-range"]:
                return time_in_range(query.get("by", "day"))
            case ["storage-points", _, "exposure"]:
                return exposure(_instant(query["from"]), _instant(query["to"]))
            case ["storage-points", name, "channels"]:
                return _page(channels() if name == "point-0" else [])
            case ["storage-points", _, "chart"]:
                return chart(_instant(query["from"]), _instant(query["to"]), min(int(query["points"]), 400))
            case ["incidents", name]:
                return self._incident(name)
            case ["storage-points", name]:
                found = [one for one in self._shelf("storage-points") if one["id"] == name]
                may_edit = "rules.write" in self.permissions
                rules = {"name": "refrigerator", "version": 1, "own": name == "point-22", "may_edit": may_edit}
                running = stage_rules.timers(now_ms()) if name == "point-0" else []
                return {**found[0], "rules": rules, "going_on": running} if found else None
        return None

    def _device(self, parts: list[str], after: int) -> Any:
        match parts:
            case ["devices", _, "heard"]:
                return _page([one for one in self.heard if one["number"] > after]) | {"strangers": self.strangers}
            case ["devices", _, "readings"]:
                return _page(_readings())
            case ["devices", name]:
                found = [one for one in self.devices if one["device_id"] == name]
                return (
                    {**found[0], "sensors": SENSORS, "placements": [], "speech": self.speech[name]} if found else None
                )
        return None

    def _shelf(self, name: str) -> list[Json]:
        district = {**DISTRICT, "kind": "district", "parent_id": None, "zone": "Asia/Kolkata"}
        facility = {"kind": "facility", "parent_id": "district", "zone": "Asia/Kolkata"}
        return {
            "places": [district, *({**place(i), **facility} for i in range(len(VILLAGES)))],
            "storage-points": [_point(one) for one in self.wall["items"]],
            "devices": self.devices,
            "excursions": excursions(),
            "incidents": self.incidents,
            "refusals": self.refusals,
            "rule-sets": [
                {**one, "may_edit": "rules.write" in self.permissions}
                for one in stage_rules.rule_sets(now_ms(), {"id": "point-22", "name": "ILR 3"})
            ],
            "dialects": DIALECTS,
        }[name]

    def _incident(self, name: str) -> Json | None:
        found = [one for one in self.incidents if one["id"] == name]
        if not found:
            return None
        at = now_ms()
        noted = {
            "kind": "seen",
            "text": "प्लग निकला था; अब लगा है।",
            "by": "r.meena",
            "happened_at": iso(at - 20 * MINUTE),
        }
        revisions = [
            {"known_at": iso(at - h * HOUR), "what": what, "facts": {}} for h, what in ((3, "opened"), (2, "widened"))
        ]
        acts = found[0]["kind"] in ("heat", "frost")
        return {
            **found[0],
            "closable": name in self.closable,
            "intervals": excursions(f"point-{name.rsplit('-', 1)[-1]}") if acts else [],
            "revisions": revisions,
            "notes": [noted],
        }

    def _post(self, parts: list[str], body: Any) -> Any:
        match parts:
            case ["sign-out"]:
                return {}
            case ["rule-sets", _, "preview"] | ["storage-points", _, "rules", "preview"]:
                points = self._shelf("storage-points")[: 5 if parts[0] == "rule-sets" else 1]
                return stage_rules.preview(now_ms(), points)
            case ["rule-sets", name, "versions"]:
                return stage_rules.version(name, 2, body["rules"])
            case ["storage-points", name, "rules", *_]:
                return stage_rules.version(f"point/{name}", 2, body.get("rules", []))
            case ["incidents", name, "acknowledge"]:
                for one in self.wall["items"]:
                    if one["incident"] and one["incident"]["id"] == name:
                        one["incident"] = {**incident_of(0, seen=True), "id": name}
                return {"id": name, "state": "acknowledged"}
            case ["incidents", name, "close"]:
                self.incidents = [
                    {**one, "state": "ended", "ended_at": iso(now_ms())} if one["id"] == name else one
                    for one in self.incidents
                ]
                return {"id": name, "state": "ended"}
            case ["incidents", _, "notes"]:
                return {"kind": "acted", "text": body["text"], "by": USER, "happened_at": iso(now_ms())}
            case ["refusals", number, "release"]:
                return {"released": number != "2", "reason": "wrongly-dated", "detail": "measured 3 h after receipt"}
            case ["storage-points"]:
                return {"id": "point-new", "devices": [], "place": place(0), **body}
            case ["imports", _]:
                errors = [
                    {
                        "line": 3,
                        "reason": "no place is called 'PHC Nowhere'",
                        "row": ["ILR 9", "refrigerator", "PHC Nowhere"],
                    },
                    {
                        "line": 5,
                        "reason": "'fridge' is no storage class",
                        "row": ["ILR 2", "fridge", "PHC Amla"],
                    },
                ]
                given = [{"device_id": "pi-0300", "password": "kTq-invented-9x"}] if parts[1] == "devices" else []
                return {"created": 39, "updated": 2, "errors": errors, "credentials": given}
        return None

    def _post_of_device(self, parts: list[str], body: Any) -> Any:
        match parts:
            case ["devices"] | ["devices", _, "password"]:
                name = body["device_id"] if len(parts) == 1 else parts[1]
                toml = f'device_id = "{name}"\npassword = "kTq-invented-8w"\nmqtt_url = "mqtt://192.0.2.10:1883"\n'
                return {
                    "device_id": name,
                    "username": name,
                    "password": "kTq-invented-8w",
                    "token": f"{name}.kTq-invented-8w",
                    "mqtt_url": "mqtt://192.0.2.10:1883",
                    "topic": f"coldchain/v1/{name}/readings",
                    "toml": toml,
                    "qr_svg": QR,
                }
            case ["devices", _, "placements"] | ["devices", _, "end"]:
                return {}
            case ["devices", name, "speech"]:
                self.speech[name] |= {key: value for key, value in body.items() if value is not None}
                return self.speech[name]
            case ["devices", name, "speaks-for"]:
                self.speech[name]["speaks_for"].append(spoken(body["device_id"], body["hardware_id"]))
                self.strangers = [one for one in self.strangers if one["hardware_id"] != body["hardware_id"]]
                return self.speech[name]["speaks_for"][-1]
            case ["devices", name, "speaks-for", other, "end"]:
                standing = self.speech[name]["speaks_for"]
                self.speech[name]["speaks_for"] = [one for one in standing if one["device_id"] != other]
                return {}
        return None


class _Dressed:
    """The desk's security headers, and a line that can be cut."""

    def __init__(self, app: ASGIApp, stage: Stage, inner: ASGIApp) -> None:
        self._stage, self._inner = stage, inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        if self._stage.deaf:
            await Response(status_code=503)(scope, receive, send)
            return

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = {name for name, _ in message["headers"]}
                message["headers"] = [
                    *message["headers"],
                    *(
                        (name.lower().encode(), value.encode())
                        for name, value in SECURITY.items()
                        if name.lower().encode() not in present
                    ),
                ]
            await send(message)

        try:
            await self._inner(scope, receive, sending)
        except HTTPException as why:
            await Response(status_code=why.status_code)(scope, receive, send)


def _packed(request: Request, answer: Any) -> Response:
    body = json.dumps(answer, ensure_ascii=False).encode()
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return Response(body, media_type="application/json")
    return Response(gzip.compress(body, 5), media_type="application/json", headers={"Content-Encoding": "gzip"})


def _page(items: list[Json]) -> Json:
    return {"items": items, "next": None}


def _point(one: Json) -> Json:
    held = [one["device_id"]] if one["device_id"] else []
    return {**{key: one[key] for key in ("id", "name", "storage_class", "place")}, "devices": held}


def _readings() -> list[Json]:
    at = now_ms()
    told = [
        {
            "sensor": "tvc",
            "measured_at": iso(at - i * 60_000),
            "celsius": round(4.4 + 0.07 * i, 2),
            "fault": None,
        }
        for i in range(11)
    ]
    return [{**told[0], "celsius": None, "fault": "unplugged"}, *told[1:]]


def _instant(text: str) -> int:
    return int(time.mktime(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S")) - time.timezone) * 1000


@contextmanager
def playing(stage: Stage, directory: Path) -> Iterator[str]:
    """The stage behind a free port, in a thread of its own; gives its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = uvicorn.Config(
        stage.app(directory),
        host="127.0.0.1",
        port=port,
        log_config=None,
        lifespan="off",
        ws="none",
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        deadline = time.monotonic() + 20
        while not server.started:
            if time.monotonic() > deadline:
                raise TimeoutError("the stage did not open")
            time.sleep(0.01)
        yield f"http://127.0.0.1:{port}"
    finally:
        stage.cut()
        server.should_exit = True
        thread.join(10)
