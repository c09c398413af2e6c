"""What a new device is given: its settings as a file, and the same as a QR code."""

import io

import segno

from coldchain.clock import SECOND


def agent_settings(device_id: str, password: str, mqtt_url: str, interval: int) -> str:
    """The agent's settings file (`docs/raspberry-pi.md`) as far as we know it; the probe's own number is to be filled
    in. `interval` in ms.
    """
    return f"""\
device_id = {_quoted(device_id)}

[broker]
url = {_quoted(mqtt_url)}
password = {_quoted(password)}

[beat]
interval_s = {interval // SECOND}

[[sensor]]
channel = "tvc"
kind = "ds18b20"
rom = "28-000000000000"  # the folder of the probe under /sys/bus/w1/devices
"""


def qr_code(text: str) -> str:
    """As an SVG that takes the colours of the page around it."""
    out = io.BytesIO()
    segno.make(text, error="m", micro=False).save(
        out, kind="svg", xmldecl=False, svgns=True, border=2, dark="#000", light="#fff", omitsize=True
    )
    return out.getvalue().decode().strip()


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
