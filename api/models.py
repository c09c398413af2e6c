"""What people and systems send to the desk and read from it: the shapes of the API, with an example each.

Instants are ISO 8601 text in UTC, temperatures degrees Celsius, ids texts. A list is `{"items": […], "next": path or
null}`.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Instant = Annotated[str, Field(description="ISO 8601, UTC", examples=["2026-01-01T06:30:00Z"])]
Celsius = Annotated[float, Field(description="°C", examples=[4.56])]
Id = Annotated[str, Field(examples=["0198c3a0-5a00-7abc-8def-0123456789ab"])]
DeviceId = Annotated[str, Field(examples=["pi-0142"])]
Channel = Annotated[str, Field(description="the sensor's channel on its device", examples=["tvc"])]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Names = Annotated[dict[str, Name], Field(examples=[{"en": "PHC Barkheda", "hi": "प्रा. स्वा. केंद्र बरखेड़ा"}])]
StorageClass = Annotated[str, StringConstraints(min_length=1, max_length=40), Field(examples=["refrigerator"])]
Role = Literal["product", "freezer", "ambient", "door", "power", "other"]
Next = Annotated[str | None, Field(description="the path of the next page; null on the last", examples=[None])]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]


class Shape(BaseModel):
    """What goes out."""

    model_config = ConfigDict(frozen=True)


class Asked(BaseModel):
    """What comes in: a key that nobody knows is a mistake, told at once."""

    model_config = ConfigDict(extra="forbid", frozen=True)


# Problems, health


class Fault(Shape):
    where: Annotated[str, Field(examples=["body.name"])]
    detail: Annotated[str, Field(examples=["Field required"])]


class Problem(Shape):
    """A problem document (RFC 9457)."""

    type: Annotated[str, Field(examples=["urn:coldchain:problem:not-found"])]
    title: Annotated[str, Field(examples=["Not Found"])]
    status: Annotated[int, Field(examples=[404])]
    detail: Annotated[str, Field(examples=["there is no storage point 0198c3a0-5a00-7abc-8def-0123456789ab"])]
    instance: Annotated[str | None, Field(examples=["/api/v1/storage-points/0198c3a0"])] = None
    errors: list[Fault] | None = None


Part = Literal["ok", "away"]


class Parts(Shape):
    books: Annotated[Part, Field(examples=["ok"])]
    history: Annotated[Part, Field(examples=["ok"])]
    gate: Annotated[Part, Field(examples=["ok"])]
    broker: Annotated[Part, Field(examples=["ok"])]


class Health(Shape):
    status: Annotated[Literal["ok", "degraded"], Field(examples=["ok"])]
    parts: Parts


# People


class SignIn(Asked):
    username: Annotated[str, Field(min_length=1, max_length=100, examples=["r.meena"])]
    password: Annotated[str, Field(min_length=1, max_length=1000, examples=["a long invented phrase"])]


class PlaceRef(Shape):
    id: Id
    name: Names


class Who(Shape):
    username: Annotated[str, Field(examples=["r.meena"])]
    role: Annotated[str, Field(examples=["cold-chain-handler"])]
    places: list[PlaceRef]


class Me(Shape):
    user: Who
    permissions: Annotated[list[str], Field(examples=[["points.read", "incidents.acknowledge"]])]


class SignedIn(Me):
    token: Annotated[str, Field(examples=["ZqN3…invented…"])]
    expires_at: Instant


# Places and storage points


class Place(Shape):
    id: Id
    kind: Annotated[str, Field(examples=["facility"])]
    name: Names
    parent_id: Annotated[str | None, Field(examples=["0198c3a0-5a00-7abc-8def-000000000001"])]
    zone: Annotated[str, Field(examples=["Asia/Kolkata"])]


class Places(Shape):
    items: list[Place]
    next: Next


class NewPlace(Asked):
    kind: Annotated[str, Field(min_length=1, max_length=40, examples=["facility"])]
    name: Names
    parent_id: Id
    zone: Annotated[str | None, Field(max_length=60, examples=["Asia/Kolkata"])] = None


class StoragePoint(Shape):
    id: Id
    name: Annotated[str, Field(examples=["ILR 2"])]
    storage_class: StorageClass
    place: PlaceRef
    devices: Annotated[list[str], Field(examples=[["pi-0142"]])]


class StoragePoints(Shape):
    items: list[StoragePoint]
    next: Next


class NewStoragePoint(Asked):
    name: Annotated[Name, Field(examples=["ILR 2"])]
    storage_class: StorageClass
    place_id: Id


class Band(Shape):
    low_c: Annotated[float | None, Field(examples=[2.0])]
    high_c: Annotated[float | None, Field(examples=[8.0])]


class Limits(Shape):
    heat_c: Annotated[float | None, Field(examples=[8.0])]
    frost_c: Annotated[float | None, Field(examples=[-0.5])]


class RowError(Shape):
    line: Annotated[int, Field(examples=[3])]
    reason: Annotated[str, Field(examples=["no place is called 'PHC Barkheda'"])]
    row: Annotated[list[str], Field(examples=[["ILR 2", "refrigerator", "PHC Barkheda"]])]


class NewCredentials(Shape):
    """Of a device that an import let in; shown once."""

    device_id: DeviceId
    password: Annotated[str, Field(examples=["kTq…invented…"])]


class Imported(Shape):
    created: Annotated[int, Field(examples=[39])]
    updated: Annotated[int, Field(examples=[0])]
    errors: list[RowError]
    credentials: list[NewCredentials]


class FileOfDevice(Shape):
    """What came of one device: values that are `new`, those that were `known`, records without a value."""

    device_id: DeviceId
    hardware_id: Annotated[str, Field(examples=["990100000071"])]
    is_enrolled: Annotated[bool, Field(description="for this file, just now", examples=[True])]
    new: Annotated[int, Field(examples=[864])]
    known: Annotated[int, Field(examples=[0])]
    faults: Annotated[int, Field(examples=[3])]
    from_: Annotated[str | None, Field(alias="from", examples=["2026-01-01T00:00:00Z"])]
    to: Annotated[str | None, Field(examples=["2026-01-03T23:55:00Z"])]

    model_config = ConfigDict(frozen=True, populate_by_name=True, serialize_by_alias=True)


class FileTaken(Shape):
    """What became of a file. `is_known`: it had been taken before, and nothing happened."""

    form: Annotated[str, Field(examples=["fridge-tag"])]
    model: Annotated[str | None, Field(examples=["Q-tag Fridge-tag 2 L"])]
    zone: Annotated[str, Field(examples=["Asia/Kolkata"])]
    is_known: Annotated[bool, Field(examples=[False])]
    days: Annotated[int, Field(description="day summaries", examples=[3])]
    alarms: Annotated[int, Field(description="the logger's own", examples=[1])]
    devices: list[FileOfDevice]


class BeyondShown(Shape):
    """Minutes of a day beyond one of the logger's own limits; its alarm needs `after_minutes`."""

    side: Annotated[Literal["low", "high"], Field(examples=["high"])]
    limit_c: Celsius
    after_minutes: Annotated[int, Field(examples=[600])]
    minutes: Annotated[int, Field(examples=[702])]


class EvidenceShown(Shape):
    """A day as the logger saw it, or an alarm of its own; what the source does not tell is null. Never judged."""

    kind: Annotated[Literal["day-summary", "device-alarm"], Field(examples=["day-summary"])]
    device_id: DeviceId
    source: Annotated[str, Field(examples=["fridge-tag"])]
    from_: Annotated[str | None, Field(alias="from", examples=["2026-01-01T18:30:00Z"])]
    to: Annotated[str | None, Field(examples=["2026-01-02T18:30:00Z"])]
    recorded_at: Annotated[str | None, Field(examples=["2026-01-03T06:30:00Z"])]
    day: Annotated[str | None, Field(description="the logger's own", examples=["2026-01-02"])]
    lowest_c: Annotated[float | None, Field(examples=[3.1])]
    lowest_at: Annotated[str | None, Field(examples=["2026-01-01T23:50:00Z"])]
    highest_c: Annotated[float | None, Field(examples=[11.2])]
    highest_at: Annotated[str | None, Field(examples=["2026-01-02T09:15:00Z"])]
    mean_c: Annotated[float | None, Field(examples=[6.4])]
    lost_minutes: Annotated[int | None, Field(description="without its probe", examples=[0])]
    beyond: list[BeyondShown]
    code: Annotated[str | None, Field(description="high or low, or as the device calls it", examples=["HEAT"])]
    limit_c: Annotated[float | None, Field(examples=[8.0])]
    after_minutes: Annotated[int | None, Field(examples=[600])]
    minutes: Annotated[int | None, Field(examples=[702])]
    is_cumulative: Annotated[bool | None, Field(examples=[False])]
    extreme_c: Annotated[float | None, Field(examples=[11.2])]

    model_config = ConfigDict(frozen=True, populate_by_name=True, serialize_by_alias=True)


class EvidenceList(Shape):
    items: list[EvidenceShown]


class DoubtShown(Shape):
    reason: Annotated[str, Field(examples=["unknown-device"])]
    detail: Annotated[str, Field(examples=["emd-platform is not known to speak for 'LG-0071'"])]
    records: Annotated[int, Field(examples=[96])]
    kept: Annotated[bool, Field(description="and read again once more is known", examples=[True])]


class ReportTaken(Shape):
    """What became of a report, in their order."""

    hardware_id: Annotated[str | None, Field(examples=["LG-0071"])]
    device_ids: list[DeviceId]
    readings: Annotated[int, Field(examples=[480])]
    alarms: Annotated[int, Field(examples=[1])]
    refused: list[DoubtShown]


class TransferTaken(Shape):
    readings: Annotated[int, Field(examples=[480])]
    reports: list[ReportTaken]


# The wall

State = Literal["hot", "cold", "power", "watch", "silent", "fault", "ok", "empty"]
Severity = Literal["out", "warning", "alarm"]


class WallPlace(PlaceRef):
    zone: Annotated[str, Field(examples=["Asia/Kolkata"])]


class RowIncident(Shape):
    id: Id
    kind: Annotated[str, Field(examples=["heat"])]
    state: Annotated[str, Field(examples=["acknowledged"])]
    acknowledged_by: Annotated[str | None, Field(examples=["r.meena"])]
    acknowledged_at: Annotated[str | None, Field(examples=["2026-01-01T05:11:00Z"])]


class Strip(Shape):
    """The last 24 hours in quarter hours; lowest and highest of each in tenths of a degree, null where none is."""

    from_: Annotated[Instant, Field(alias="from")]
    step_s: Annotated[int, Field(examples=[900])]
    min: Annotated[list[int | None], Field(examples=[[45, None, 47]])]
    max: Annotated[list[int | None], Field(examples=[[51, None, 104]])]

    model_config = ConfigDict(frozen=True, populate_by_name=True, serialize_by_alias=True)


class Breach(Shape):
    """When the point's first probe will pass the limit, by what its own earlier power cuts took.

    `latest_at` is null where no earlier cut came so far (`is_beyond`): nobody can say.
    """

    limit_c: Annotated[float, Field(examples=[8.0])]
    earliest_at: Annotated[str, Field(examples=["2026-01-01T09:10:00Z"])]
    likely_at: Annotated[str, Field(examples=["2026-01-01T11:30:00Z"])]
    latest_at: Annotated[str | None, Field(examples=["2026-01-01T15:00:00Z"])]
    learned_from: Annotated[int, Field(examples=[7], description="Earlier cuts; 0: from the present one alone")]
    is_beyond: Annotated[bool, Field(examples=[False])]


class PowerCut(Shape):
    """The point has had no power since then; `breach` is null while nobody can say how long it stays cold."""

    since: Annotated[str, Field(examples=["2026-01-01T04:10:00Z"])]
    breach: Breach | None


class Row(Shape):
    """One line of the wall. `id` is a storage point's, or a device's where its sensors stand nowhere."""

    id: Id
    kind: Annotated[Literal["point", "not-placed"], Field(examples=["point"])]
    name: Annotated[str, Field(examples=["ILR 2"])]
    place: PlaceRef | None
    storage_class: StorageClass
    state: Annotated[State, Field(examples=["hot"])]
    severity: Annotated[Severity | None, Field(examples=["warning"])]
    celsius: Annotated[float | None, Field(examples=[10.4])]
    measured_at: Annotated[str | None, Field(examples=["2026-01-01T05:11:00Z"])]
    device_id: Annotated[str | None, Field(examples=["pi-0142"])]
    sensor: Annotated[str | None, Field(examples=["tvc"])]
    since: Annotated[str | None, Field(examples=["2026-01-01T01:59:00Z"])]
    limit_c: Annotated[float | None, Field(examples=[8.0])]
    alarm_at: Annotated[str | None, Field(examples=["2026-01-01T11:59:00Z"])]
    alarmed_at: Annotated[str | None, Field(examples=[None])]
    minutes_summed: Annotated[
        float | None, Field(description="of a cumulative rule: what counts in its sum now", examples=[None])
    ] = None
    trend_c_per_h: Annotated[float | None, Field(examples=[1.3])]
    last_heard_at: Annotated[str | None, Field(examples=["2026-01-01T05:11:04Z"])]
    silent_since: Annotated[str | None, Field(examples=[None])]
    fault: Annotated[str | None, Field(examples=[None])]
    incident: RowIncident | None
    power_cut: PowerCut | None = None
    band: Band
    strip: Strip | None = None


class Counts(Shape):
    act: Annotated[int, Field(examples=[3])]
    watch: Annotated[int, Field(examples=[1])]
    silent: Annotated[int, Field(examples=[1])]
    fault: Annotated[int, Field(examples=[1])]
    ok: Annotated[int, Field(examples=[34])]


class Wall(Shape):
    place: WallPlace
    at: Instant
    counts: Counts
    items: list[Row]
    not_placed: list[Row]


# Excursions and incidents


class Excursion(Shape):
    """A stay out of range that met its rule. `minutes_out` leaves the unknown ones out.

    `rule_set` and `rule_version` judged it; a point's own rules are called `point/` and its id.
    """

    id: Id
    device_id: DeviceId
    sensor: Channel
    storage_point_id: Annotated[str | None, Field(examples=["0198c3a0-5a00-7abc-8def-0123456789ab"])]
    rule: Annotated[str, Field(examples=["HEAT"])]
    kind: Annotated[Literal["heat", "frost", "door", "power"], Field(examples=["heat"])]
    rule_set: Annotated[str, Field(examples=["refrigerator"])]
    rule_version: Annotated[int, Field(examples=[1])]
    severity: Annotated[str, Field(examples=["alarm"])]
    started_at: Instant
    alarmed_at: Instant
    ended_at: Annotated[str | None, Field(examples=["2026-01-01T17:45:00Z"])]
    extreme_c: Annotated[float | None, Field(description="null of a door and of the power", examples=[10.4])]
    minutes_out: Annotated[float, Field(examples=[675.0])]
    minutes_unknown: Annotated[float, Field(examples=[0.0])]
    proven: Annotated[bool, Field(examples=[True])]
    cut: Annotated[bool, Field(description="its sensor was moved before it came back", examples=[False])]
    incident_id: Annotated[str | None, Field(examples=["0198c3a1-0000-7abc-8def-0123456789ab"])]
    closed_at: Annotated[
        str | None, Field(description="when a person closed what no reading ended, its sensor lost", examples=[None])
    ] = None
    withdrawn_at: Annotated[str | None, Field(examples=[None])] = None


class Excursions(Shape):
    items: list[Excursion]
    next: Next


class IncidentPoint(Shape):
    id: Id
    name: Annotated[str, Field(examples=["ILR 2"])]
    place: PlaceRef


class Incident(Shape):
    id: Id
    kind: Annotated[str, Field(examples=["heat"])]
    state: Annotated[str, Field(examples=["open"])]
    severity: Annotated[str | None, Field(examples=["alarm"])]
    detail: Annotated[str, Field(description="a code, such as the fault", examples=[""])]
    started_at: Instant
    ended_at: Annotated[str | None, Field(examples=[None])]
    known_at: Instant
    storage_points: list[IncidentPoint]
    devices: Annotated[list[str], Field(examples=[["pi-0142"]])]
    acknowledged_by: Annotated[str | None, Field(examples=[None])]
    acknowledged_at: Annotated[str | None, Field(examples=[None])]
    closed_at: Annotated[str | None, Field(description="when a person closed it", examples=[None])]


class Incidents(Shape):
    items: list[Incident]
    next: Next


class Revision(Shape):
    """What was known of the incident from this instant on."""

    known_at: Instant
    what: Annotated[str, Field(examples=["opened"])]
    excursion_id: Annotated[str | None, Field(examples=["0198c3a1-1000-7abc-8def-0123456789ab"])]
    facts: Annotated[dict[str, Any], Field(examples=[{"started_at": "2026-01-01T01:59:00Z"}])]


class Note(Shape):
    kind: Annotated[str, Field(examples=["seen"])]
    text: Annotated[str, Field(examples=["The plug was out. Lid kept closed, plugged in again at 10:40."])]
    by: Annotated[str, Field(examples=["r.meena"])]
    happened_at: Instant


class IncidentInFull(Incident):
    """`closable`: no sensor that is heard is still out of range, so that a person may close it, with the reason."""

    closable: Annotated[bool, Field(examples=[False])]
    intervals: list[Excursion]
    revisions: list[Revision]
    notes: list[Note]


class Acknowledgement(Asked):
    comment: Annotated[
        str, Field(max_length=2000, examples=["The plug was out. Lid kept closed, plugged in again at 10:40."])
    ]


class Closing(Asked):
    reason: Annotated[str, Field(max_length=2000, examples=["The logger was taken to be calibrated."])]


class NewNote(Asked):
    kind: Annotated[Literal["acted", "reason"], Field(examples=["acted"])]
    text: Annotated[Text, Field(examples=["Moved 620 doses to ILR 1."])]


# The storage point in full


class RulesRef(Shape):
    """By which version the point is judged now; `own`: it does not follow its class."""

    name: Annotated[str, Field(examples=["refrigerator"])]
    version: Annotated[int, Field(examples=[1])]
    own: Annotated[bool, Field(examples=[False])]
    may_edit: Annotated[bool, Field(description="whether you may give the point rules of its own", examples=[True])]


class Timer(Shape):
    """A rule that a sensor is breaking, or of which a sum runs: `out` (shown, nothing else), then what it has met.

    `full_at` is when it is full at the earliest, if it goes on so. `is_out`: the newest reading is out of range.
    """

    device_id: DeviceId
    sensor: Channel
    rule: Annotated[str, Field(examples=["HEAT"])]
    kind: Annotated[Literal["heat", "frost", "door", "power"], Field(examples=["heat"])]
    severity: Annotated[str, Field(examples=["alarm"])]
    state: Annotated[Severity, Field(examples=["out"])]
    mode: Annotated[Literal["consecutive", "cumulative"], Field(examples=["consecutive"])]
    limit_c: Annotated[float | None, Field(examples=[8.0])]
    is_out: Annotated[bool, Field(examples=[True])]
    started_at: Instant
    minutes_out: Annotated[float, Field(examples=[192.0])]
    minutes_unknown: Annotated[float, Field(examples=[0.0])]
    duration_s: Annotated[float, Field(examples=[36000])]
    window_s: Annotated[float | None, Field(examples=[None])]
    alarmed_at: Annotated[str | None, Field(examples=[None])]
    full_at: Instant
    rule_set: Annotated[str, Field(examples=["refrigerator"])]
    rule_version: Annotated[int, Field(examples=[1])]


class StoragePointInFull(StoragePoint):
    """With its row of the wall as it is now; `zone` is the place's clock. `going_on`: what runs, worst first."""

    zone: Annotated[str, Field(examples=["Asia/Kolkata"])]
    row: Row | None
    band: Band
    limits: Limits
    rules: RulesRef
    going_on: list[Timer]


class Bucket(Shape):
    at: Instant
    min_c: Celsius
    mean_c: Celsius
    max_c: Celsius
    count: Annotated[int, Field(examples=[12])]


class Gap(Shape):
    from_: Annotated[Instant, Field(alias="from")]
    to: Instant

    model_config = ConfigDict(frozen=True, populate_by_name=True, serialize_by_alias=True)


class Summary(Shape):
    """The window in four numbers. Time in range is of the known time; null where nothing is known."""

    time_in_range_pct: Annotated[float | None, Field(examples=[96.4])]
    lowest_c: Annotated[float | None, Field(examples=[3.6])]
    highest_c: Annotated[float | None, Field(examples=[10.4])]
    unknown_minutes: Annotated[float, Field(examples=[130.0])]


class Chart(Shape):
    """`from` inclusive, `to` exclusive. Lowest and highest are the worst of the point's product probes."""

    from_: Annotated[Instant, Field(alias="from")]
    to: Instant
    bucket_s: Annotated[float, Field(examples=[216.0])]
    items: list[Bucket]
    gaps: list[Gap]
    band: Band
    limits: Limits
    summary: Summary
    excursions: list[Excursion]

    model_config = ConfigDict(frozen=True, populate_by_name=True, serialize_by_alias=True)


# Exposure


class Span(Shape):
    """`from` inclusive, `to` exclusive."""

    from_: Annotated[Instant, Field(alias="from")]
    to: Instant

    model_config = ConfigDict(frozen=True, populate_by_name=True, serialize_by_alias=True)


Operator = Annotated[str, Field(description="out is what stands so to the limit", examples=[">"])]
LimitC = Annotated[float, Field(examples=[8.0])]
Minutes = Annotated[float, Field(examples=[130.5])]


class LimitShown(Shape):
    operator: Operator
    limit_c: LimitC


class Beyond(LimitShown):
    """For how long the temperature is known to have been beyond a limit that a rule of the point names."""

    minutes: Minutes


class VvmLife(Shape):
    """Which share of a vaccine vial monitor's life the known time has used up: at 1 it is at its end point."""

    type: Annotated[str, Field(examples=["VVM14"])]
    share_of_life: Annotated[float, Field(description="to the millionth", examples=[0.011628])]
    percent: Annotated[float, Field(examples=[1.1628])]
    verified: Annotated[str, Field(description="V read in the source, R recalled, P proposed", examples=["V"])]
    source: Annotated[str, Field(examples=["WHO E6/IN5, 25 March 2002"])]


class Figures(Shape):
    """Of a stay; temperatures in °C, null where nothing is known."""

    known_minutes: Minutes
    unknown_minutes: Minutes
    limits: list[Beyond]
    min_c: Annotated[float | None, Field(examples=[3.6])]
    max_c: Annotated[float | None, Field(examples=[10.4])]
    mean_kinetic_c: Annotated[float | None, Field(examples=[5.54])]
    vvm: list[VvmLife]


class SensorExposure(Figures):
    """What one sensor was exposed to while it stood there; one that does not `count` speaks for no vaccine."""

    device_id: DeviceId
    sensor: Channel
    role: Annotated[str, Field(examples=["product"])]
    counts: Annotated[bool, Field(examples=[True])]
    stays: list[Span]


class PointExposure(Figures):
    """`from` inclusive, `to` exclusive. Each figure is that of the probe for which it is worst."""

    from_: Annotated[Instant, Field(alias="from")]
    to: Instant
    sensors: list[SensorExposure]
    note: Annotated[str, Field(description="what the prediction is worth", examples=["A VVM is read by eye."])]

    model_config = ConfigDict(frozen=True, populate_by_name=True, serialize_by_alias=True)


Pct = Annotated[float | None, Field(description="% of all the time; null of no time at all", examples=[3.2])]


class Whole(Shape):
    """How a time divides. Shares are rounded against us: in range down to the tenth, the others up."""

    in_range_pct: Annotated[float | None, Field(examples=[96.4])]
    below_pct: Pct
    above_pct: Pct
    unknown_pct: Pct
    in_range_minutes: Annotated[float, Field(examples=[1388.0])]
    below_minutes: Annotated[float, Field(examples=[0.0])]
    above_minutes: Annotated[float, Field(examples=[52.0])]
    unknown_minutes: Annotated[float, Field(examples=[0.0])]
    min_c: Annotated[float | None, Field(examples=[3.6])]
    max_c: Annotated[float | None, Field(examples=[10.4])]


class Period(Whole):
    """A day (`2026-01-05`), week (`2026-W02`) or month (`2026-01`) of the place, as far as it lies in the window."""

    label: Annotated[str, Field(examples=["2026-01-05"])]
    from_: Annotated[Instant, Field(alias="from")]
    to: Instant
    partial: Annotated[bool, Field(description="it is not over, or the window cuts it", examples=[False])]

    model_config = ConfigDict(frozen=True, populate_by_name=True, serialize_by_alias=True)


class TimeInRange(Shape):
    """`limits`: those of the rules that were in force; of several on one side the tightest divides."""

    from_: Annotated[Instant, Field(alias="from")]
    to: Instant
    by: Annotated[str, Field(examples=["day"])]
    zone: Annotated[str, Field(examples=["Asia/Kolkata"])]
    limits: list[LimitShown]
    items: list[Period]
    whole: Whole

    model_config = ConfigDict(frozen=True, populate_by_name=True, serialize_by_alias=True)


# Devices


class OutboxNow(Shape):
    """What the device says still waits at its side, and which of its numbers are durable or lost for ever."""

    id: Annotated[str | None, Field(examples=["9f86d081884c7d65"])]
    waiting: Annotated[int | None, Field(examples=[0])]
    lost: Annotated[list[list[int]], Field(examples=[[]])]
    durable: Annotated[list[list[int]], Field(examples=[[[1, 1440]]])]


class PointRef(Shape):
    id: Id
    name: Annotated[str, Field(examples=["ILR 2"])]


class Device(Shape):
    device_id: DeviceId
    kind: Annotated[str, Field(examples=["agent"])]
    model: Annotated[str | None, Field(examples=["Raspberry Pi Zero 2 W"])]
    dialect: Annotated[str, Field(examples=["senml"])]
    interval_s: Annotated[float, Field(examples=[60])]
    guarantee: Annotated[
        Literal["acknowledged", "mqtt", "unheard"],
        Field(
            description="acknowledged: it keeps each reading until we say it is durable; mqtt: only as good as MQTT",
            examples=["acknowledged"],
        ),
    ]
    last_heard_at: Annotated[str | None, Field(examples=["2026-01-01T05:11:04Z"])]
    silent_since: Annotated[str | None, Field(examples=[None])]
    undated_at: Annotated[str | None, Field(description="when it last sent what nobody could date", examples=[None])]
    storage_point: PointRef | None
    outbox: OutboxNow | None
    status: Annotated[dict[str, Any] | None, Field(examples=[{"state": "online", "waiting": 0, "clock": "trusted"}])]
    ended_at: Annotated[str | None, Field(examples=[None])] = None


class Devices(Shape):
    items: list[Device]
    next: Next


class SensorInFull(Shape):
    sensor: Channel
    unit: Annotated[str, Field(examples=["Cel"])]
    celsius: Annotated[float | None, Field(description="null where it measures something else", examples=[4.56])]
    value: Annotated[float | None, Field(description="in its unit", examples=[4.56])]
    fault: Annotated[str | None, Field(examples=[None])]
    measured_at: Annotated[str | None, Field(examples=["2026-01-01T05:11:00Z"])]


class ChannelShown(Shape):
    """`value` in its unit; null where there is a fault, and of a switch, of which `is_on` says open, there, running."""

    device_id: DeviceId
    sensor: Channel
    quantity: Annotated[
        Literal["temperature", "humidity", "door", "power", "compressor", "battery", "other"], Field(examples=["door"])
    ]
    role: Annotated[Role, Field(examples=["door"])]
    unit: Annotated[str, Field(examples=["bool"])]
    celsius: Annotated[float | None, Field(examples=[None])]
    value: Annotated[float | None, Field(examples=[None])]
    is_on: Annotated[bool | None, Field(examples=[False])]
    fault: Annotated[str | None, Field(examples=[None])]
    measured_at: Annotated[str | None, Field(examples=["2026-01-01T05:11:00Z"])]


class Channels(Shape):
    items: list[ChannelShown]
    next: Next


class PlacementInFull(Shape):
    id: Id
    sensor: Annotated[str, Field(description="`*`: all of the device", examples=["*"])]
    role: Annotated[str, Field(examples=["product"])]
    storage_point: PointRef
    from_: Annotated[str | None, Field(alias="from", description="null: since it exists", examples=[None])]
    to: Annotated[str | None, Field(examples=[None])]

    model_config = ConfigDict(frozen=True, populate_by_name=True, serialize_by_alias=True)


HardwareId = Annotated[str, Field(description="as its messages bear it", examples=["A4:C1:38:00:00:01"])]
Probes = Annotated[dict[str, Role], Field(description="which channel is what", examples=[{"tamb": "ambient"}])]


class Spoken(Shape):
    """A bridge passes on what the device measures, under the name of its hardware."""

    bridge_id: DeviceId
    device_id: DeviceId
    hardware_id: HardwareId
    from_: Annotated[str | None, Field(alias="from", description="null: since it exists", examples=[None])]
    to: Annotated[str | None, Field(examples=[None])]

    model_config = ConfigDict(frozen=True, populate_by_name=True, serialize_by_alias=True)


class SpeechShown(Shape):
    """How the device speaks. `topics` are MQTT filters, `mapping` the table of plain JSON, as JSON text."""

    dialect: Annotated[str, Field(examples=["tasmota"])]
    hardware_id: Annotated[str | None, Field(examples=["fridge-plug"])]
    topics: Annotated[list[str], Field(examples=[["tele/fridge-plug/SENSOR"]])]
    probes: Probes
    mapping: Annotated[str | None, Field(examples=[None])]
    zone: Annotated[str, Field(description="of times that name none; empty: its place's", examples=[""])]
    speaks_for: list[Spoken]
    spoken_for: list[Spoken]


class DeviceInFull(Device):
    sensors: list[SensorInFull]
    placements: list[PlacementInFull]
    speech: SpeechShown


class DialectShown(Shape):
    """`{id}` in a topic stands for the hardware's own name."""

    name: Annotated[str, Field(examples=["tasmota"])]
    title: Annotated[str, Field(examples=["Tasmota"])]
    understands: Annotated[str, Field(examples=["SENSOR messages; several DS18B20"])]
    topics: Annotated[list[str], Field(examples=[["tele/{id}/SENSOR"]])]
    bridge_topics: Annotated[list[str], Field(examples=[["tele/{id}/SENSOR"]])]


class Dialects(Shape):
    items: list[DialectShown]
    next: Next


class SpeechAsked(Asked):
    """All of it: what is left out is as if nothing had been said. Without topics, those of the dialect."""

    dialect: Annotated[str, Field(max_length=40, examples=["tasmota"])] = "senml"
    hardware_id: Annotated[str | None, Field(max_length=200, examples=["fridge-plug"])] = None
    topics: Annotated[list[Annotated[str, Field(max_length=400)]] | None, Field(max_length=100, examples=[None])] = None
    probes: Annotated[
        dict[Annotated[str, Field(max_length=200)], Role], Field(max_length=200, examples=[{"tamb": "ambient"}])
    ] = {}
    mapping: Annotated[str | None, Field(max_length=40_000, examples=['{"temperature": "data.t"}'])] = None
    zone: Annotated[str, Field(max_length=60, examples=["Asia/Kolkata"])] = ""


class SpokenAsked(Asked):
    """A device that is not enrolled yet is, without a password: its bridge signs in for it."""

    device_id: Annotated[str, Field(max_length=32, examples=["fridge-0142"])]
    hardware_id: Annotated[str, Field(max_length=200, examples=["A4:C1:38:00:00:01"])]
    storage_point_id: Annotated[
        str | None, Field(max_length=64, description="where a new one stands", examples=[None])
    ] = None
    interval_s: Annotated[int | None, Field(ge=1, le=86_400, description="of a new one", examples=[300])] = None
    model: Annotated[str | None, Field(max_length=100, description="of a new one", examples=[None])] = None


class HeardReading(Shape):
    """`value` in its unit; `device_id` null where nobody is spoken for by this hardware, or it was refused."""

    hardware_id: Annotated[str | None, Field(examples=["A4:C1:38:00:00:01"])]
    sensor: Channel
    unit: Annotated[str, Field(examples=["Cel"])]
    measured_at: Annotated[str | None, Field(description="null: its arrival dates it", examples=[None])]
    value: Annotated[float | None, Field(examples=[4.56])]
    fault: Annotated[str | None, Field(examples=[None])]
    device_id: Annotated[str | None, Field(examples=["fridge-0142"])]
    storage_point: PointRef | None
    reason: Annotated[str | None, Field(examples=[None])]
    detail: Annotated[str | None, Field(examples=[None])]


class HeardMessage(Shape):
    """A message as it came, what was understood of it, and what was refused and why."""

    number: Annotated[int, Field(examples=[12])]
    received_at: Instant
    topic: Annotated[str, Field(examples=["zigbee2mqtt/fridge"])]
    size: Annotated[int, Field(description="bytes", examples=[36])]
    payload: Annotated[str, Field(description="its beginning", examples=['{"temperature":4.56}'])]
    is_text: Annotated[bool, Field(description="else it is in hexadecimal digits", examples=[True])]
    is_retained: Annotated[bool, Field(description="the broker had kept it", examples=[False])]
    dialect: Annotated[str, Field(examples=["zigbee2mqtt"])]
    verdict: Annotated[str, Field(examples=["accepted"])]
    reason: Annotated[str | None, Field(examples=[None])]
    detail: Annotated[str | None, Field(examples=[None])]
    readings: list[HeardReading]


class StrangerShown(Shape):
    """Hardware that the bridge named lately and that it speaks for no device of."""

    hardware_id: HardwareId
    last_at: Instant
    count: Annotated[int, Field(examples=[3])]
    readings: list[HeardReading]


class HeardShown(Shape):
    """In the order in which they came. `strangers`: the latest first."""

    items: list[HeardMessage]
    strangers: list[StrangerShown]
    next: Next


class NewDevice(Asked):
    """It stands at the storage point; without one, `place_id` says who answers for it (else the place at the top)."""

    device_id: Annotated[str, Field(max_length=32, examples=["pi-0142"])]
    kind: Annotated[Literal["logger", "agent", "bridge"], Field(examples=["agent"])] = "logger"
    place_id: Annotated[str | None, Field(max_length=64, examples=[None])] = None
    model: Annotated[str | None, Field(max_length=100, examples=["Raspberry Pi Zero 2 W"])] = None
    storage_point_id: Annotated[str | None, Field(examples=["0198c3a0-5a00-7abc-8def-0123456789ab"])] = None
    interval_s: Annotated[int | None, Field(ge=1, le=86_400, examples=[60])] = None
    speech: Annotated[SpeechAsked | None, Field(description="null: SenML on topics of its own name")] = None


class Credentials(Shape):
    """Shown once: only a hash of the password is kept."""

    device_id: DeviceId
    username: Annotated[str, Field(examples=["pi-0142"])]
    password: Annotated[str, Field(examples=["kTq…invented…"])]
    token: Annotated[str, Field(description="for `POST /api/v1/{token}/telemetry`", examples=["pi-0142.kTq…invented…"])]
    mqtt_url: Annotated[str, Field(examples=["mqtt://192.0.2.10:1883"])]
    topic: Annotated[str, Field(examples=["coldchain/v1/pi-0142/readings"])]
    toml: Annotated[str, Field(description="the agent's settings", examples=['device_id = "pi-0142"\n'])]
    qr_svg: Annotated[str, Field(description="the same as a QR code", examples=["<svg …></svg>"])]


class NewPlacement(Asked):
    storage_point_id: Id
    sensor: Annotated[str | None, Field(max_length=64, description="null: all of the device", examples=["tvc"])] = None
    role: Annotated[Role, Field(examples=["product"])] = "product"
    from_: Annotated[
        str | None,
        Field(
            alias="from",
            max_length=64,
            description="null: since it exists where it stood nowhere before, else now",
            examples=["2026-01-01T06:00:00Z"],
        ),
    ] = None

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class ReadingShown(Shape):
    """`celsius` is null where `fault` says why, and where the sensor measures something else (`value` in `unit`)."""

    sensor: Channel
    measured_at: Instant
    celsius: Annotated[float | None, Field(examples=[4.56])]
    fault: Annotated[str | None, Field(description="only where there is one", examples=[None])] = None
    unit: Annotated[str | None, Field(description="only where it is not Cel", examples=[None])] = None
    value: Annotated[float | None, Field(description="only where the unit is not Cel", examples=[None])] = None


class ReadingsShown(Shape):
    items: list[ReadingShown]
    next: Next


class Durable(Shape):
    """All sequence numbers of this outbox that are durable so far."""

    outbox: Annotated[str, Field(examples=["9f86d081884c7d65"])]
    durable: Annotated[list[list[int]], Field(examples=[[[1, 57], [60, 61]]])]
    at: Annotated[int, Field(description="the server's clock, ms UTC", examples=[1767225660000])]


class Taken(Shape):
    """A pack without numbers is durable, and cannot be acknowledged by its number."""

    accepted: Annotated[int, Field(examples=[2])]


# Refusals and rules


class Refusal(Shape):
    id: Annotated[int, Field(examples=[17])]
    device_id: DeviceId
    hardware_id: Annotated[str | None, Field(description="that nobody knows here", examples=[None])] = None
    topic: Annotated[str, Field(examples=["coldchain/v1/pi-0142/readings"])] = ""
    received_at: Instant
    reason: Annotated[str, Field(examples=["unreadable"])]
    detail: Annotated[str, Field(examples=["a text stands where a number belongs"])]
    count: Annotated[int, Field(description="how many equal ones came", examples=[1])]
    size: Annotated[int, Field(description="bytes", examples=[412])]
    excerpt: Annotated[str, Field(examples=['[{"bn":"pi-0142:","n":"tvc","v":"4.5"}]'])]
    released_by: Annotated[str | None, Field(examples=[None])]
    released_at: Annotated[str | None, Field(examples=[None])]


class Refusals(Shape):
    items: list[Refusal]
    next: Next


class Released(Shape):
    """Whether today's code believes it; if not, why not, and it stays."""

    released: Annotated[bool, Field(examples=[True])]
    reason: Annotated[str | None, Field(examples=[None])] = None
    detail: Annotated[str | None, Field(examples=[None])] = None


class RuleShown(Shape):
    """`limit_c` is of a temperature; `limit` of a door or of power: between its states, 1 open or there, 0 not."""

    code: Annotated[str, Field(examples=["HEAT"])]
    quantity: Annotated[str, Field(examples=["temperature"])]
    operator: Annotated[str, Field(examples=[">"])]
    limit_c: Annotated[float | None, Field(examples=[8.0])]
    limit: Annotated[float | None, Field(examples=[None])]
    mode: Annotated[str, Field(examples=["consecutive"])]
    duration_s: Annotated[float, Field(examples=[36000])]
    window_s: Annotated[float | None, Field(examples=[None])]
    severity: Annotated[str, Field(examples=["alarm"])]
    sensor: Annotated[str, Field(examples=["*"])]
    source: Annotated[str, Field(examples=["WHO PQS E003 / E006 DS01"])]
    verified: Annotated[str, Field(examples=["V"])]


class RuleSetShown(Shape):
    """One version: of a storage class, or of the storage point where that is given. It holds in [since, until)."""

    storage_class: StorageClass
    storage_point: PointRef | None
    name: Annotated[str, Field(examples=["refrigerator"])]
    version: Annotated[int, Field(examples=[1])]
    since: Annotated[str | None, Field(description="null: always", examples=[None])]
    until: Annotated[str | None, Field(description="null: until further notice", examples=[None])]
    in_force: Annotated[bool, Field(examples=[True])]
    is_class_again: Annotated[bool, Field(description="the point follows its class from then on", examples=[False])]
    known_at: Instant
    set_by: Annotated[str | None, Field(description="shown to who may edit; null for what ships", examples=["r.meena"])]
    may_edit: Annotated[bool, Field(description="whether you may put the next version in force", examples=[True])]
    rules: list[RuleShown]


class RuleSets(Shape):
    items: list[RuleSetShown]
    next: Next


class NewRule(Asked):
    """As in a rules file; `limit_c` of a temperature, `limit` of a door or of power."""

    code: Annotated[str, Field(min_length=1, max_length=40, examples=["HEAT"])]
    quantity: Annotated[str, Field(max_length=20, examples=["temperature"])] = "temperature"
    operator: Annotated[str, Field(max_length=2, examples=[">"])]
    limit_c: Annotated[float | None, Field(ge=-1000, le=1000, allow_inf_nan=False, examples=[8.0])] = None
    limit: Annotated[float | None, Field(ge=0, le=1, allow_inf_nan=False, examples=[None])] = None
    mode: Annotated[str, Field(max_length=20, examples=["consecutive"])] = "consecutive"
    duration_s: Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False, examples=[36000])]
    window_s: Annotated[float | None, Field(ge=0, le=1e9, allow_inf_nan=False, examples=[None])] = None
    severity: Annotated[str, Field(max_length=20, examples=["alarm"])] = "alarm"
    sensor: Annotated[str, Field(max_length=64, description="a channel, or `*` for all", examples=["*"])] = "*"
    source: Annotated[str, Field(max_length=500, examples=["order of the state store of 2 January"])] = ""
    verified: Annotated[str, Field(max_length=1, description="V read, R recalled, P proposed", examples=["P"])] = ""


Since = Annotated[
    str | None,
    Field(alias="from", max_length=64, description="null: from now on", examples=["2026-01-01T06:00:00Z"]),
]


class NewRules(Asked):
    rules: Annotated[list[NewRule], Field(min_length=1, max_length=40)]
    from_: Since = None

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class ClassAgain(Asked):
    from_: Since = None

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class ProposedRules(Asked):
    rules: Annotated[list[NewRule], Field(min_length=1, max_length=40)]


class PointProposal(Asked):
    """Without rules: what the point's class would give."""

    rules: Annotated[list[NewRule] | None, Field(min_length=1, max_length=40)] = None


class PreviewedInterval(Shape):
    device_id: DeviceId
    sensor: Channel
    rule: Annotated[str, Field(examples=["HEAT"])]
    kind: Annotated[Literal["heat", "frost", "door", "power"], Field(examples=["heat"])]
    severity: Annotated[str, Field(examples=["alarm"])]
    started_at: Instant
    alarmed_at: Instant
    ended_at: Annotated[str | None, Field(examples=["2026-01-01T17:45:00Z"])]
    extreme_c: Annotated[float | None, Field(examples=[10.4])]
    minutes_out: Annotated[float, Field(examples=[675.0])]
    minutes_unknown: Annotated[float, Field(examples=[0.0])]
    proven: Annotated[bool, Field(examples=[True])]


class PreviewedRules(Shape):
    """How many there would have been; `intervals` are the newest of them."""

    alarms: Annotated[int, Field(examples=[2])]
    warnings: Annotated[int, Field(examples=[3])]
    minutes_out: Annotated[float, Field(examples=[1350.0])]
    intervals: list[PreviewedInterval]


class PreviewedPoint(Shape):
    """One point under today's rules and under the proposed ones.

    With rules of its own the point does not change with its class.
    """

    storage_point: IncidentPoint
    has_own_rules: Annotated[bool, Field(examples=[False])]
    now: PreviewedRules
    proposed: PreviewedRules


class PreviewedSum(Shape):
    alarms: Annotated[int, Field(examples=[2])]
    warnings: Annotated[int, Field(examples=[3])]


class RulePreview(Shape):
    """What the time from `from` to `to` would have given; `left` points were not judged: it took too long."""

    from_: Annotated[Instant, Field(alias="from")]
    to: Instant
    now: PreviewedSum
    proposed: PreviewedSum
    items: list[PreviewedPoint]
    left: Annotated[int, Field(examples=[0])]

    model_config = ConfigDict(frozen=True, populate_by_name=True, serialize_by_alias=True)
