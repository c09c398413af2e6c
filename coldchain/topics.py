"""Topics: the names under which messages travel, over MQTT and in the journal."""

from typing import NewType

Topic = NewType("Topic", str)

READINGS = Topic("readings")  # gate: packs and heartbeats
REFUSED = Topic("refused")  # gate: what could not be believed, and why
STATUS = Topic("status")  # gate: what devices say of themselves
EVIDENCE = Topic("evidence")  # gate: what devices made of their readings themselves, never judged
VERDICTS = Topic("verdicts")  # judge
SILENCES = Topic("silences")  # judge
SETTINGS = Topic("settings")  # books: placements, rule sets, declared intervals, enrolled devices

MQTT_ROOT = "coldchain/v1"


def mqtt_topic(device_id: str, leaf: str) -> str:
    """`coldchain/v1/<device_id>/<leaf>`; the leaves are readings, status, ack, refused, config."""
    return f"{MQTT_ROOT}/{device_id}/{leaf}"


def of_mqtt_topic(topic: str) -> tuple[str, str] | None:
    """Device id and leaf, or None where the topic is not one of ours."""
    parts = topic.split("/")
    if len(parts) != 4 or f"{parts[0]}/{parts[1]}" != MQTT_ROOT:
        return None
    return parts[2], parts[3]
