"""Troubles: what the judge and the gate report that is no excursion: silences, faults, our own outages, refusals.

Each is an incident with a cause, so that the same report heard again is the same incident.
"""

from collections.abc import Sequence
from dataclasses import replace

from coldchain.events import Fault, OnRefused, OnSilences, Outage, Refusal, Silence
from coldchain.facts import EVERY_CHANNEL
from coldchain.rules import Severity
from registry import places
from registry.incidents import Incident, Kind, Revision, Shelf


def take_silences(shelf: Shelf, reports: Sequence[OnSilences], at: int) -> None:
    """Silences, faults and outages open incidents and end them."""
    for report in reports:
        if isinstance(report, Silence):
            cause = f"silence/{report.device_id}/{report.silent_at}"
            _take(shelf, "silence", cause, report.device_id, report.last_heard_at, report.back_at, at)
        elif isinstance(report, Fault):
            cause = f"fault/{report.device_id}:{report.channel}/{report.since}"
            _take(
                shelf,
                "fault",
                cause,
                report.device_id,
                report.since,
                report.ended_at,
                at,
                detail=report.fault,
                channel=report.channel,
            )
        else:
            _take_outage(shelf, report, at)


def take_refusals(shelf: Shelf, entries: Sequence[OnRefused], at: int) -> None:
    """Two voices under one name, and clocks that run ahead, are incidents; they end when a person closes them."""
    for entry in entries:
        if isinstance(entry, Refusal) and entry.reason == "two-voices":
            _take_refusal(shelf, "two-voices", entry, entry.outbox_id or "", at)
        elif isinstance(entry, Refusal) and entry.reason == "wrongly-dated" and entry.ahead_ms is not None:
            _take_refusal(shelf, "clock", entry, "", at)


def _take(
    shelf: Shelf,
    kind: Kind,
    cause: str,
    device_id: str,
    started_at: int,
    ended_at: int | None,
    at: int,
    *,
    detail: str = "",
    channel: str | None = None,
) -> None:
    known = shelf.incidents.caused_by([cause]).get(cause)
    if known is None:
        opened = _opened(shelf, kind, cause, device_id, started_at, at, detail, channel, "warning")
        incident = replace(opened, ended_at=ended_at)
        shelf.incidents.add([incident])
        _revise(shelf, incident, "opened", at)
        if ended_at is not None:
            _revise(shelf, incident, "closed", at)
        return
    # What has ended does not begin again: a report that it goes on is an older one, come twice.
    revised = replace(known, detail=detail, ended_at=known.ended_at if ended_at is None else ended_at)
    if revised != known:
        shelf.incidents.save([revised])
        _revise(shelf, revised, "closed" if known.ended_at is None and ended_at is not None else "widened", at)


def _take_outage(shelf: Shelf, outage: Outage, at: int) -> None:
    cause = f"outage/{outage.since}"
    known = shelf.incidents.caused_by([cause]).get(cause)
    if known is not None:
        return
    top = places.top(shelf).place_id
    incident = Incident("platform", top, outage.since, at, "warning", cause, ended_at=outage.until)
    shelf.incidents.add([incident])
    _revise(shelf, incident, "opened", at)
    _revise(shelf, incident, "closed", at)


def _take_refusal(shelf: Shelf, kind: Kind, refusal: Refusal, detail: str, at: int) -> None:
    """One incident until a person closes it; a refusal that came before the closing belongs to that one."""
    same = [one for one in shelf.incidents.of_kind(kind, refusal.device_id) if one.detail == detail]
    if any(one.ended_at is None or refusal.received_at <= one.ended_at for one in same):
        return
    cause = f"{kind}/{refusal.device_id}/{detail}/{refusal.received_at}"
    incident = _opened(shelf, kind, cause, refusal.device_id, refusal.received_at, at, detail, None, "alarm")
    shelf.incidents.add([incident])
    _revise(shelf, incident, "opened", at)


def _opened(
    shelf: Shelf,
    kind: Kind,
    cause: str,
    device_id: str,
    started_at: int,
    at: int,
    detail: str,
    channel: str | None,
    severity: Severity,
) -> Incident:
    points = _points(shelf, device_id, channel, started_at)
    place_id = _place(shelf, device_id, points)
    return Incident(
        kind, place_id, started_at, at, severity, cause, detail, storage_point_ids=points, device_ids=(device_id,)
    )


def _points(shelf: Shelf, device_id: str, channel: str | None, at: int) -> tuple[str, ...]:
    """Where the sensor, or without a channel any of the device, stood at the instant."""
    standing = shelf.placements.of_devices([device_id], at)
    if channel is not None:
        own = [row for row in standing if row.channel == channel]
        standing = own or [row for row in standing if row.channel == EVERY_CHANNEL]
    return tuple(sorted({row.storage_point_id for row in standing}))


def _place(shelf: Shelf, device_id: str, points: Sequence[str]) -> str:
    if points:
        return shelf.storage_points.get(points[0]).place_id
    device = shelf.devices.several([device_id]).get(device_id)
    return places.top(shelf).place_id if device is None else device.place_id


def _revise(shelf: Shelf, incident: Incident, change: str, at: int) -> None:
    shelf.incidents.add_revisions([Revision(incident.incident_id, at, change, ended_at=incident.ended_at)])
