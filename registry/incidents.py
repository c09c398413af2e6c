"""An incident: what people act on: a stay in heat or frost, an open door, a power cut, a silence, a fault, two voices.

It gathers excursions that overlap or touch, of one storage point (or of a device that nobody has placed) and one side;
a power cut is one for all points of a facility.
Late readings revise it and it keeps every revision with `known_at`; what people write stays as written.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol, get_args

from coldchain.errors import NotFound, Refused
from coldchain.events import FOREVER, Verdict
from coldchain.ids import new_id
from coldchain.judgement import Interval
from coldchain.rules import Severity
from registry import excursions, placements, places
from registry.excursions import Changed, Excursion, RuleKey, Side
from registry.placements import Placement

Kind = Literal["heat", "frost", "door", "power", "silence", "fault", "clock", "two-voices", "platform"]
KINDS: tuple[Kind, ...] = get_args(Kind)

State = Literal["open", "acknowledged", "ended", "withdrawn", "merged"]
STATES: tuple[State, ...] = get_args(State)

NoteKind = Literal["seen", "acted", "reason", "closed"]
NOTE_KINDS: tuple[NoteKind, ...] = get_args(NoteKind)

LONGEST_NOTE = 4_000

MOST_AROUND = 10_000
"""How many excursions of a facility are looked through for those of one power cut."""


@dataclass(frozen=True, slots=True)
class Incident:
    """`place_id` decides who may see it. Instants in ms UTC; `known_at` when we first had it.

    `cause` names what brought it about where that is no excursion; `detail` is a code, such as the fault.
    """

    kind: Kind
    place_id: str
    started_at: int
    known_at: int
    severity: Severity = "alarm"
    cause: str | None = None
    detail: str = ""
    storage_point_ids: tuple[str, ...] = ()
    device_ids: tuple[str, ...] = ()
    ended_at: int | None = None
    acknowledged_at: int | None = None
    acknowledged_by: str | None = None
    closed_at: int | None = None
    withdrawn_at: int | None = None
    merged_into: str | None = None
    incident_id: str = field(default_factory=new_id)

    @property
    def state(self) -> State:
        if self.merged_into is not None:
            return "merged"
        if self.withdrawn_at is not None:
            return "withdrawn"
        if self.ended_at is not None:
            return "ended"
        return "open" if self.acknowledged_at is None else "acknowledged"


@dataclass(frozen=True, slots=True)
class Revision:
    """What we learned at `known_at`: of one excursion (`interval` as it was then), or of the incident as a whole."""

    incident_id: str
    known_at: int
    change: str
    excursion_id: str | None = None
    interval: Interval | None = None
    ended_at: int | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """What a person wrote; never changed. `client_id` is of the phone that may send it twice."""

    incident_id: str
    user_id: str
    kind: NoteKind
    text: str
    happened_at: int
    recorded_at: int
    client_id: str | None = None
    note_id: str = field(default_factory=new_id)


class NoSuchIncident(NotFound):
    """An incident was named that the books do not know."""


class CommentMissing(Refused):
    """Acknowledging means to say what was seen or done."""


class StillGoingOn(Refused):
    """An incident was to be closed of which a sensor that is heard is still out of range."""


class BadNote(Refused):
    """A note was written that nobody can keep."""


class Incidents(Protocol):
    def get(self, incident_id: str) -> Incident:
        """Raises NoSuchIncident."""
        ...

    def several(self, incident_ids: Sequence[str]) -> dict[str, Incident]:
        """Those there are of the ids, by id."""
        ...

    def caused_by(self, causes: Sequence[str]) -> dict[str, Incident]:
        """By cause; a cause without an incident is missing."""
        ...

    def of_kind(self, kind: Kind, device_id: str) -> list[Incident]:
        """In order of start."""
        ...

    def page(
        self,
        within: str,
        *,
        states: Sequence[State] = (),
        storage_point_id: str | None = None,
        after: tuple[int, str] | None = None,
        limit: int = 100,
    ) -> list[Incident]:
        """Those whose place lies in the subtree of the path, newest first, after the cursor (started_at, id).

        Without states all but the withdrawn and the merged.
        """
        ...

    def going_on(self, within: str) -> list[Incident]:
        """Those open or acknowledged, in order of start."""
        ...

    def changed_after(self, change: int, limit: int = 100) -> tuple[list[Incident], int]:
        """Those changed since the number was given out, in that order, and the number to ask with next."""
        ...

    def add(self, incidents: Sequence[Incident]) -> None: ...

    def save(self, incidents: Sequence[Incident]) -> None: ...

    def revisions(self, incident_id: str) -> list[Revision]:
        """In the order in which we learned them."""
        ...

    def add_revisions(self, revisions: Sequence[Revision]) -> None: ...

    def notes(self, incident_id: str) -> list[Note]:
        """In the order in which they were recorded."""
        ...

    def note_of_client(self, client_id: str) -> Note | None: ...

    def add_note(self, note: Note) -> None: ...


class Shelf(placements.Shelf, excursions.Shelf, Protocol):
    @property
    def incidents(self) -> Incidents: ...


# What the judge says


def take_verdicts(shelf: Shelf, verdicts: Sequence[Verdict], at: int) -> None:
    """Make the books say what the judge says. Heard again, in the order they came, verdicts change nothing."""
    had, truth = _had_and_true(shelf, verdicts)
    changed: list[Changed] = []
    new: list[tuple[RuleKey, Interval]] = []
    for key, intervals in truth.items():
        of_rule, begun = excursions.compare(had.get(key, []), intervals)
        changed += of_rule
        new += [(key, interval) for interval in begun]
    if not changed and not new:
        return
    before = {one.excursion_id: one for rows in had.values() for one in rows}
    stays = _stays(shelf, [*(one.excursion.interval for one in changed), *(interval for _, interval in new)])
    changed = [_placed(one, stays, at) for one in changed]
    changed += _opened(shelf, new, stays, at)
    told = [one for one in changed if _is_told(before.get(one.excursion.excursion_id), one)]
    told += _heard_again(shelf, [one for one in changed if one not in told])
    gathered = _gather(shelf, told, at) if told else Gathered()
    _save(shelf, before, changed, gathered)
    _save_revisions(shelf, told, gathered, at)


@dataclass(frozen=True, slots=True)
class Gathered:
    """Excursions that belong to another incident now than before, and what became of the incidents."""

    moved: Sequence[Excursion] = ()
    opened: Sequence[Incident] = ()
    changed: Sequence[Incident] = ()


def gather(
    told: Sequence[Excursion],
    around: Sequence[Excursion],
    incidents: Mapping[str, Incident],
    members: Sequence[Excursion],
    place_of: Mapping[str, str],
    at: int,
    site_of: Mapping[str, str] | None = None,
) -> Gathered:
    """Decide which incidents the excursions belong to, without a shelf.

    `told`: those that changed, as they are now; `around`: all others, not withdrawn, of the same subjects that may
    touch them; `incidents`: those that any of these belong to, and `members` all excursions of those as they are now.
    `place_of`: the place of each storage point and device. `site_of`: within what all points lose power together.
    """
    desk = _Desk({one.excursion_id: one for one in (*members, *around, *told)}, dict(incidents), site_of or {})
    for cluster in _clusters(desk, {one.excursion_id for one in told}):
        eligible = desk.eligible(cluster)
        if not eligible:
            begun = _begun_by(cluster, place_of, at)
            desk.incidents[begun.incident_id] = begun
            eligible = [begun]
        keeper, *others = eligible
        for one in cluster:
            desk.join(one.excursion_id, keeper.incident_id)
        for other in others:
            desk.merge(other, keeper.incident_id)
    for incident, swallower in desk.swallowed([one for one in told if one.withdrawn_at is not None]):
        desk.merge(incident, swallower)
    final = [summed(one, desk.members(one.incident_id), place_of, at) for one in desk.incidents.values()]
    before = {one.excursion_id: one.incident_id for one in (*members, *around, *told)}
    return Gathered(
        moved=[one for one in desk.excursions.values() if one.incident_id != before[one.excursion_id]],
        opened=[one for one in final if one.incident_id not in incidents],
        changed=[one for one in final if one.incident_id in incidents and one != incidents[one.incident_id]],
    )


def summed(incident: Incident, members: Iterable[Excursion], place_of: Mapping[str, str], at: int) -> Incident:
    """The incident as its excursions say: begun with the first, as severe as the worst, ended with the last.

    One that a move cut short ends when a person closes it, and so does one whose sensor is lost; a reading out that is
    newer than the closing opens it again. Without any left it is withdrawn.
    """
    if incident.merged_into is not None:
        return incident
    living = [one for one in members if one.withdrawn_at is None]
    if not living:
        return replace(incident, withdrawn_at=incident.withdrawn_at or at)
    lasting = [one for one in living if one.reaches == FOREVER]
    closed_at = incident.closed_at
    goes_on = any(closed_at is None or one.last_known_at > closed_at for one in lasting)
    is_cut = any(one.interval.cut for one in living)
    ended_at = closed_at if lasting else max(one.reaches for one in living)
    if goes_on or (is_cut and closed_at is None):
        ended_at = None
    points = sorted({one.storage_point_id for one in living if one.storage_point_id is not None})
    devices = sorted({one.device_id for one in living})
    return replace(
        incident,
        place_id=place_of[points[0] if points else devices[0]],
        started_at=min(one.interval.started_at for one in living),
        ended_at=ended_at,
        severity="alarm" if any(one.interval.severity == "alarm" for one in living) else "warning",
        storage_point_ids=tuple(points),
        device_ids=tuple(devices),
        closed_at=None if goes_on else closed_at,
        withdrawn_at=None,
    )


# What people do


def acknowledge(
    shelf: Shelf,
    incident_id: str,
    user_id: str,
    comment: str,
    at: int,
    *,
    happened_at: int | None = None,
    client_id: str | None = None,
) -> Incident:
    """Say that somebody has seen it, and what they saw. The first who does counts; others' words are kept too.

    Raises NoSuchIncident, CommentMissing, BadNote.
    """
    incident = shelf.incidents.get(incident_id)
    if not comment.strip():
        raise CommentMissing("to acknowledge an incident, write what you saw or did")
    if not _noted(shelf, incident_id, user_id, "seen", comment, at, happened_at, client_id):
        return incident
    if incident.acknowledged_at is None:
        incident = replace(incident, acknowledged_at=at, acknowledged_by=user_id)
        shelf.incidents.save([incident])
    return incident


def note(
    shelf: Shelf,
    incident_id: str,
    user_id: str,
    kind: str,
    text: str,
    at: int,
    *,
    happened_at: int | None = None,
    client_id: str | None = None,
) -> None:
    """Add a word to it; the same `client_id` twice is one. Raises NoSuchIncident, BadNote."""
    shelf.incidents.get(incident_id)
    if kind not in ("acted", "reason"):
        raise BadNote(f"{kind!r} is no note to add; there are acted and reason")
    _noted(shelf, incident_id, user_id, "acted" if kind == "acted" else "reason", text, at, happened_at, client_id)


def close(
    shelf: Shelf, incident_id: str, user_id: str, reason: str, at: int, *, client_id: str | None = None
) -> Incident:
    """Say that it is over, where no message will: a sensor is lost or moved, a clock set right, a copied card found.

    Raises NoSuchIncident, CommentMissing, BadNote, StillGoingOn.
    """
    incident = shelf.incidents.get(incident_id)
    if not reason.strip():
        raise CommentMissing("to close an incident, write why it is over")
    if not is_over_by_itself(shelf, incident_id):
        raise StillGoingOn(
            "it goes on: the last reading is still out of range; it ends with the first one back in range"
        )
    if not _noted(shelf, incident_id, user_id, "closed", reason, at, None, client_id):
        return incident
    if incident.state in ("open", "acknowledged"):
        incident = replace(incident, closed_at=at, ended_at=at)
        shelf.incidents.save([incident])
        shelf.incidents.add_revisions([Revision(incident_id, at, "closed", ended_at=at)])
    return incident


def is_over_by_itself(shelf: Shelf, incident_id: str) -> bool:
    """Whether no sensor that is heard is still out of range: then a person may close the incident."""
    return all(_is_lost(shelf, one) for one in _living(shelf, incident_id) if one.reaches == FOREVER)


def _is_lost(shelf: Shelf, excursion: Excursion) -> bool:
    """Nothing will end it: its device has ended or is silent, its probe is faulty, or it stands elsewhere now."""
    device = shelf.devices.several([excursion.device_id]).get(excursion.device_id)
    if device is None or device.ended_at is not None:
        return True
    stay = _stays(shelf, [excursion.interval]).get(excursion.interval.stay or "")
    if stay is not None and (stay.until is not None or stay.superseded_by is not None):
        return True
    probe = f"fault/{excursion.device_id}:{excursion.channel}/"
    silences = shelf.incidents.of_kind("silence", excursion.device_id)
    faults = [
        one for one in shelf.incidents.of_kind("fault", excursion.device_id) if (one.cause or "").startswith(probe)
    ]
    return any(one.ended_at is None for one in (*silences, *faults))


def _living(shelf: Shelf, incident_id: str) -> list[Excursion]:
    return [one for one in shelf.excursions.of_incidents([incident_id]) if one.withdrawn_at is None]


def _noted(
    shelf: Shelf,
    incident_id: str,
    user_id: str,
    kind: NoteKind,
    text: str,
    at: int,
    happened_at: int | None,
    client_id: str | None,
) -> bool:
    """False where the client's note was there already. Raises BadNote."""
    text = text.strip()
    if not text or len(text) > LONGEST_NOTE:
        raise BadNote(f"a note has 1 to {LONGEST_NOTE} characters")
    if client_id is not None and shelf.incidents.note_of_client(client_id) is not None:
        return False
    happened_at = at if happened_at is None else min(happened_at, at)
    shelf.incidents.add_note(Note(incident_id, user_id, kind, text, happened_at, at, client_id))
    return True


# How verdicts become incidents


def _had_and_true(
    shelf: Shelf, verdicts: Sequence[Verdict]
) -> tuple[dict[RuleKey, list[Excursion]], dict[RuleKey, list[Interval]]]:
    """By rule and sensor: what the books have from the first span on, and what is true there."""
    by_key: dict[RuleKey, list[Verdict]] = {}
    for verdict in verdicts:
        by_key.setdefault((verdict.device_id, verdict.channel, verdict.code), []).append(verdict)
    had: dict[RuleKey, list[Excursion]] = {}
    if verdicts:
        first = min(verdict.since for verdict in verdicts)
        for one in shelf.excursions.reaching(sorted({verdict.device_id for verdict in verdicts}), first):
            had.setdefault(one.rule_key, []).append(one)
    truth = {
        key: excursions.after_verdicts([one.interval for one in had.get(key, [])], said) for key, said in by_key.items()
    }
    return had, truth


def _stays(shelf: Shelf, intervals: Iterable[Interval]) -> dict[str, Placement]:
    return shelf.placements.several(sorted({one.stay for one in intervals if one.stay is not None}))


def _point(interval: Interval, stays: Mapping[str, Placement]) -> str | None:
    stay = stays.get(interval.stay) if interval.stay is not None else None
    return None if stay is None else stay.storage_point_id


def _placed(changed: Changed, stays: Mapping[str, Placement], at: int) -> Changed:
    excursion = replace(
        changed.excursion,
        storage_point_id=_point(changed.excursion.interval, stays),
        known_at=at,
        withdrawn_at=at if changed.change == "withdrawn" else None,
    )
    return replace(changed, excursion=excursion)


def _opened(
    shelf: Shelf, new: Sequence[tuple[RuleKey, Interval]], stays: Mapping[str, Placement], at: int
) -> list[Changed]:
    """Excursions for intervals that the books do not have; one that had been withdrawn comes back as it was."""
    if not new:
        return []
    sides = {key: _side(shelf, interval) for key, interval in new}
    again = shelf.excursions.withdrawn_starts(
        sorted({key for key, _ in new}), sorted({interval.started_at for _, interval in new})
    )
    by_start = {(one.rule_key, one.interval.started_at): one for one in again}
    opened = []
    for key, interval in new:
        point = _point(interval, stays)
        excursion = Excursion(key[0], key[1], sides[key], point, interval, at)
        before = by_start.pop((key, interval.started_at), None)
        if before is not None:
            excursion = replace(before, storage_point_id=point, interval=interval, known_at=at, withdrawn_at=None)
        opened.append(Changed("opened", excursion))
    return opened


def _side(shelf: Shelf, interval: Interval) -> Side:
    rule = shelf.rule_sets.rule(interval.rule_set, interval.rule_version, interval.code)
    return excursions.side_of(rule, interval.code)


def _is_told(before: Excursion | None, changed: Changed) -> bool:
    if before is None or changed.change in ("opened", "withdrawn"):
        return True
    after = changed.excursion
    return before.storage_point_id != after.storage_point_id or excursions.is_told(before.interval, after.interval)


def _heard_again(shelf: Shelf, quiet: Sequence[Changed]) -> list[Changed]:
    """Of stays that merely go on, those whose incident a person had closed: the sensor is not lost after all."""
    lasting = [one for one in quiet if one.excursion.reaches == FOREVER and one.excursion.incident_id is not None]
    if not lasting:
        return []
    incidents = shelf.incidents.several(sorted({str(one.excursion.incident_id) for one in lasting}))
    return [one for one in lasting if incidents[str(one.excursion.incident_id)].closed_at is not None]


def _gather(shelf: Shelf, told: Sequence[Changed], at: int) -> Gathered:
    now = {one.excursion.excursion_id: one.excursion for one in told}
    subjects = sorted({one.subject for one in now.values()})
    first = min(one.interval.started_at for one in now.values())
    around = [one for one in shelf.excursions.of_subjects(subjects, first) if one.excursion_id not in now]
    around += _without_power_around(shelf, now, around, first)
    incident_ids = {one.incident_id for one in (*now.values(), *around) if one.incident_id is not None}
    incidents = shelf.incidents.several(sorted(incident_ids))
    members = [now.get(one.excursion_id, one) for one in shelf.excursions.of_incidents(sorted(incidents))]
    place_of = _places(shelf, [*now.values(), *around, *members])
    return gather(list(now.values()), around, incidents, members, place_of, at, _sites(shelf, place_of))


def _without_power_around(
    shelf: Shelf, now: Mapping[str, Excursion], around: Sequence[Excursion], first: int
) -> list[Excursion]:
    """The power cuts that touch these at other points of the same facilities."""
    cuts = [one for one in now.values() if one.side == "power"]
    if not cuts:
        return []
    known = now.keys() | {one.excursion_id for one in around}
    facilities = _facilities(shelf, set(_places(shelf, cuts).values()))
    return [
        one
        for place in facilities.values()
        for one in shelf.excursions.page(place.path, since=first - 1, limit=MOST_AROUND)
        if one.side == "power" and one.excursion_id not in known
    ]


def _sites(shelf: Shelf, place_of: Mapping[str, str]) -> dict[str, str]:
    """The facility in which a storage point or device stands; elsewhere nobody knows what shares a line."""
    facilities = _facilities(shelf, set(place_of.values()))
    return {subject: place_id for subject, place_id in place_of.items() if place_id in facilities}


def _facilities(shelf: Shelf, place_ids: Iterable[str]) -> dict[str, places.Place]:
    known = shelf.places.several(sorted(place_ids))
    return {place_id: place for place_id, place in known.items() if place.kind == "facility"}


def _places(shelf: Shelf, concerned: Iterable[Excursion]) -> dict[str, str]:
    """The place of each storage point, and of each device that nobody had placed."""
    points = {one.storage_point_id for one in concerned if one.storage_point_id is not None}
    devices = {one.device_id for one in concerned if one.storage_point_id is None}
    place_of = {key: point.place_id for key, point in shelf.storage_points.several(sorted(points)).items()}
    place_of |= {key: device.place_id for key, device in shelf.devices.several(sorted(devices)).items()}
    missing = (points | devices) - place_of.keys()
    if missing:
        top = places.top(shelf).place_id
        place_of |= dict.fromkeys(missing, top)
    return place_of


def _clusters(desk: "_Desk", told: set[str]) -> list[list[Excursion]]:
    """Excursions of one subject and side that overlap or touch, each cluster with one that changed in it."""
    by_subject: dict[tuple[str, Side], list[Excursion]] = {}
    for one in desk.excursions.values():
        if one.withdrawn_at is None:
            by_subject.setdefault(desk.about(one), []).append(one)
    clusters: list[list[Excursion]] = []
    for rows in by_subject.values():
        reached: int | None = None
        for one in sorted(rows, key=lambda row: (row.interval.started_at, row.excursion_id)):
            if reached is None or one.interval.started_at > reached:
                clusters.append([])
                reached = one.reaches
            clusters[-1].append(one)
            reached = max(reached, one.reaches)
    return [cluster for cluster in clusters if any(one.excursion_id in told for one in cluster)]


class _Desk:
    """What lies on the table while excursions are gathered."""

    def __init__(
        self, excursions_: dict[str, Excursion], incidents: dict[str, Incident], site_of: Mapping[str, str]
    ) -> None:
        self.excursions = excursions_
        self.incidents = incidents
        self._site_of = site_of
        self._members: dict[str, set[str]] = {}
        for one in excursions_.values():
            if one.incident_id is not None:
                self._members.setdefault(one.incident_id, set()).add(one.excursion_id)

    def about(self, one: Excursion) -> tuple[str, Side]:
        """What can be one incident: a side of a subject; where the power is gone, of all that shares the line."""
        return (self._site_of.get(one.subject, one.subject) if one.side == "power" else one.subject, one.side)

    def members(self, incident_id: str) -> list[Excursion]:
        return [self.excursions[excursion_id] for excursion_id in sorted(self._members.get(incident_id, ()))]

    def eligible(self, cluster: Sequence[Excursion]) -> list[Incident]:
        """The cluster's incidents that have nothing elsewhere, so that they may grow, move or be merged with it.

        The one that was there first comes first.
        """
        here = self.about(cluster[0])
        candidates = [self.incidents[key] for key in {one.incident_id for one in cluster} if key is not None]
        fitting = [
            incident
            for incident in candidates
            if all(self.about(one) == here for one in self.members(incident.incident_id) if _lives(one))
        ]
        return sorted(fitting, key=lambda one: (one.known_at, one.started_at, one.incident_id))

    def swallowed(self, withdrawn: Sequence[Excursion]) -> list[tuple[Incident, str]]:
        """Incidents whose last stay turned out to be part of another one's; and that other incident."""
        living: dict[tuple[str, Side], list[Excursion]] = {}
        for one in self.excursions.values():
            if _lives(one) and one.incident_id is not None:
                living.setdefault(self.about(one), []).append(one)
        found: dict[str, str] = {}
        for gone in withdrawn:
            incident_id = gone.incident_id
            if incident_id is None or any(_lives(one) for one in self.members(incident_id)):
                continue
            for one in living.get(self.about(gone), ()):
                if excursions.overlap(one.interval, gone.interval):
                    found.setdefault(incident_id, str(one.incident_id))
        return [(self.incidents[key], into) for key, into in found.items()]

    def join(self, excursion_id: str, incident_id: str) -> None:
        one = self.excursions[excursion_id]
        if one.incident_id is not None:
            self._members[one.incident_id].discard(excursion_id)
        self._members.setdefault(incident_id, set()).add(excursion_id)
        self.excursions[excursion_id] = replace(one, incident_id=incident_id)

    def merge(self, incident: Incident, into: str) -> None:
        for one in self.members(incident.incident_id):
            self.join(one.excursion_id, into)
        self.incidents[incident.incident_id] = replace(incident, merged_into=into)


def _lives(excursion: Excursion) -> bool:
    return excursion.withdrawn_at is None


def _begun_by(cluster: Sequence[Excursion], place_of: Mapping[str, str], at: int) -> Incident:
    first = cluster[0]
    return Incident(first.side, place_of[first.subject], first.interval.started_at, at)


def _save(shelf: Shelf, before: Mapping[str, Excursion], changed: Sequence[Changed], gathered: Gathered) -> None:
    shelf.incidents.add(gathered.opened)
    shelf.incidents.save(gathered.changed)
    written = {one.excursion.excursion_id: one.excursion for one in changed}
    # An excursion that is new has no incident yet; one that came back kept its own.
    new = {key for key, one in written.items() if key not in before and one.incident_id is None}
    written |= {one.excursion_id: one for one in gathered.moved}
    shelf.excursions.add([one for key, one in written.items() if key in new])
    shelf.excursions.save([one for key, one in written.items() if key not in new])


def _save_revisions(shelf: Shelf, told: Sequence[Changed], gathered: Gathered, at: int) -> None:
    moved = {one.excursion_id: one.incident_id for one in gathered.moved}
    revisions = []
    for one in told:
        excursion = one.excursion
        incident_id = moved.get(excursion.excursion_id, excursion.incident_id)
        if incident_id is not None:
            revisions.append(Revision(incident_id, at, one.change, excursion.excursion_id, excursion.interval))
    revisions += [
        Revision(incident.incident_id, at, incident.state)
        for incident in gathered.changed
        if incident.state in ("merged", "withdrawn")
    ]
    shelf.incidents.add_revisions(revisions)
