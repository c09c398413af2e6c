"""The gate, as the desk reaches it: HTTP over a unix socket on the same machine."""

import logging
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from coldchain.errors import Unavailable

_log = logging.getLogger("api.gate")

TIMEOUT_S = 15
"""The gate answers after its commit: one batch, seldom more than 50 ms."""


PASSED_ON = ("retry-after", "www-authenticate")


class GateAway(Unavailable):
    """The gate does not answer now."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the gate said, word for word."""

    status: int
    media_type: str
    body: bytes
    headers: dict[str, str]


class GateClient:
    """Made once a process; `close` it in the end."""

    def __init__(self, socket: Path) -> None:
        self._is_away = False
        self._http = httpx.AsyncClient(
            transport=httpx.AsyncHTTPTransport(uds=str(socket), verify=False),
            base_url="http://gate",
            timeout=TIMEOUT_S,
        )

    async def take(self, device_id: str, authorization: str | None, media_type: str, body: bytes) -> Answer:
        """Hand a device's message over with the device's own credentials. Raises GateAway."""
        headers = {"content-type": media_type}
        if authorization is not None:
            headers["authorization"] = authorization
        return await self._ask("POST", f"/devices/{quote(device_id, safe='')}/readings", headers=headers, content=body)

    async def take_telemetry(self, device_id: str, password: str, body: bytes) -> Answer:
        """The same of a device that speaks ThingsBoard's device API. Raises GateAway."""
        headers = {"authorization": f"Basic {b64encode(f'{device_id}:{password}'.encode()).decode()}"}
        path = f"/devices/{quote(device_id, safe='')}/telemetry"
        return await self._ask("POST", path, headers=headers, content=body)

    async def heard(self, device_id: str, after: int) -> dict[str, Any]:
        """What was heard of the device after the message of this number. Raises GateAway."""
        path = f"/devices/{quote(device_id, safe='')}/heard"
        answer = await self._ask("GET", path, params={"after": after})
        if answer.status != httpx.codes.OK:
            raise GateAway(f"the gate answered {answer.status} when it was asked what it heard")
        heard: dict[str, Any] = httpx.Response(200, content=answer.body).json()
        return heard

    async def carry_in(self, device_id: str, body: bytes) -> None:
        """Hand over what a file of the device holds, as packs of columns (MessagePack). Raises GateAway."""
        answer = await self._ask("POST", f"/devices/{quote(device_id, safe='')}/file", content=body)
        if answer.status != httpx.codes.OK:
            raise GateAway(f"the gate answered {answer.status} to a file's readings; send the file again")

    async def transfer(self, headers: Mapping[str, str], body: bytes) -> Answer:
        """Hand over a transfer of equipment monitoring with its sender's own credentials. Raises GateAway."""
        return await self._ask("POST", "/cce-interop", headers=dict(headers), content=body)

    async def release(self, offset: int, by: str) -> Answer:
        """Have a refused message parsed once more. Raises GateAway."""
        return await self._ask("POST", f"/refusals/{offset}/release", json={"by": by})

    async def counters(self) -> dict[str, Any]:
        """What the gate has counted since it started. Raises GateAway."""
        answer = await self._ask("GET", "/metrics.json", timeout=2)
        if answer.status != httpx.codes.OK:
            raise GateAway(f"the gate answered {answer.status} when it was asked for its counters")
        counters: dict[str, Any] = httpx.Response(200, content=answer.body).json()
        return counters

    async def close(self) -> None:
        await self._http.aclose()

    async def _ask(self, method: str, path: str, **content: Any) -> Answer:
        try:
            response = await self._http.request(method, path, **content)
        except httpx.HTTPError as why:
            if not self._is_away:
                _log.warning("the gate does not answer: %s", type(why).__name__)
            self._is_away = True
            raise GateAway("the gate does not answer now; what was sent is not stored, send it again") from why
        self._is_away = False
        return Answer(
            response.status_code,
            response.headers.get("content-type", "application/json"),
            response.content,
            {name: response.headers[name] for name in PASSED_ON if name in response.headers},
        )
