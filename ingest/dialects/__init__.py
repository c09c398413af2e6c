"""Dialects: how the devices that people own say what they measured. One dialect is one file; see docs/dialects.md."""

from ingest.dialects.chirpstack import ChirpStack
from ingest.dialects.decoded import BadMapping, Decoded, Dialect, NoSuchDialect, Sent
from ingest.dialects.esphome import EspHome
from ingest.dialects.home_assistant import HomeAssistant
from ingest.dialects.openmqttgateway import OpenMqttGateway
from ingest.dialects.plain_json import PlainJson
from ingest.dialects.plain_json import checked as checked_mapping
from ingest.dialects.rtl_433 import Rtl433
from ingest.dialects.ruuvi import Ruuvi
from ingest.dialects.senml import SenMl
from ingest.dialects.shelly import Shelly
from ingest.dialects.tasmota import Tasmota
from ingest.dialects.the_things_stack import TheThingsStack
from ingest.dialects.thingsboard import ThingsBoard
from ingest.dialects.zigbee2mqtt import Zigbee2Mqtt
from ingest.refusals import Unreadable

AUTO = "auto"

_ALL: tuple[Dialect, ...] = (
    ThingsBoard(),
    ChirpStack(),
    TheThingsStack(),
    Ruuvi(),
    OpenMqttGateway(),
    Rtl433(),
    Zigbee2Mqtt(),
    Tasmota(),
    Shelly(),
    EspHome(),
    SenMl(),
    SenMl("senml-cbor", is_cbor=True),
    HomeAssistant(),
    PlainJson(),
)

DIALECTS: dict[str, Dialect] = {dialect.name: dialect for dialect in _ALL}
"""By name. `auto` asks them in this order: whose topics are their own come first, shapes that many could have last."""

ALSO_CALLED: dict[str, str] = {
    **dict.fromkeys(("theengs", "theengsgateway", "omg"), "openmqttgateway"),
    **dict.fromkeys(("thethingsstack", "thethingsstackv3", "thethingsnetwork", "tts", "ttnv3"), "ttn"),
    **dict.fromkeys(("shellygen1", "shellygen2", "shellygen3"), "shelly"),
    **dict.fromkeys(("thingsboarddevice", "thingsboardgateway"), "thingsboard"),
    **dict.fromkeys(("ha", "hass"), "homeassistant"),
    "z2m": "zigbee2mqtt",
    "chirpstackv4": "chirpstack",
    "rtl433": "rtl_433",
    "senmljson": "senml",
    "senmlcbor": "senml-cbor",
    "plainjson": "json",
    "ruuvigateway": "ruuvi",
}
"""Other names, without the marks between their words."""

__all__ = [
    "AUTO",
    "DIALECTS",
    "BadMapping",
    "Decoded",
    "Dialect",
    "NoSuchDialect",
    "Sent",
    "checked_mapping",
    "decode",
    "named",
    "recognise",
]


def decode(name: str, sent: Sent) -> list[Decoded]:
    """The readings of one message in the dialect of this name, or in the one that it is recognised as (`auto`).

    What the broker had kept and bears no time is no reading: nobody knows when it was measured.
    Raises Unreadable, and NoSuchDialect; BadMapping where the device's mapping table cannot be used.
    """
    readings = (recognise(sent) if name == AUTO else named(name)).decode(sent)
    return [reading for reading in readings if reading.measured_at is not None] if sent.retained else readings


def named(name: str) -> Dialect:
    """The dialect of this name, however it is spelt. Raises NoSuchDialect."""
    plain = "".join(sign for sign in name.lower() if sign.isalnum())
    dialect = DIALECTS.get(name) or DIALECTS.get(plain) or DIALECTS.get(ALSO_CALLED.get(plain, ""))
    if dialect is None:
        raise NoSuchDialect(f"there is no dialect {name[:40]!r}; there are {AUTO}, {', '.join(DIALECTS)}")
    return dialect


def recognise(sent: Sent) -> Dialect:
    """The dialect whose topic and shape the message has. Raises Unreadable."""
    for dialect in DIALECTS.values():
        if dialect.recognises(sent):
            return dialect
    raise Unreadable("neither its topic nor its shape is one of a dialect known here; name the dialect")
