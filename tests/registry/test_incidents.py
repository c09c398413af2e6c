"""What incidents promise."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coldchain.clock import HOUR
from coldchain.events import Fault, Silence, Verdict
from coldchain.judgement import Interval
from registry import enrolment, incidents, placements, places, troubles, users
from registry.books import Books, Shelf, open_books
from registry.incidents import BadNote, CommentMissing, Incident, NoSuchIncident, StillGoingOn
from registry.places import Place
from tests.helpers_registry import (
    EVERYTHING,
    START,
    at_stay,
    block,
    district,
    fridge,
    hear,
    interval,
    known,
    logger,
    stay_of,
    verdict,
)
from tests.tales import hour


@pytest.fixture
def stay(books: Books) -> str:
    """The stay of logger-1 and logger-2 … in ILR 1 of Rampur: of the first."""
    with books.begin() as shelf:
        point = fridge(shelf, "ILR 1", block(shelf, "Rampur"))
        logger(shelf, "logger-1", point)
        logger(shelf, "logger-2", point)
        return stay_of(shelf, "logger-1")


def second_stay(books: Books) -> str:
    with books.read() as shelf:
        return stay_of(shelf, "logger-2")


# How excursions become incidents


def test_an_excursion_opens_an_incident_of_its_storage_point(books: Books, stay: str):
    hear(books, verdict(at_stay(interval(1), stay)), at=hour(2))
    [excursion], [incident] = known(books)

    with books.read() as shelf:
        point = places.find(shelf, "Rampur"), shelf.storage_points.called("ILR 1")[0]
    assert excursion.incident_id == incident.incident_id
    assert (incident.kind, incident.state, incident.severity) == ("heat", "open", "alarm")
    assert (incident.started_at, incident.ended_at, incident.known_at) == (hour(1), None, hour(2))
    assert (incident.place_id, incident.storage_point_ids) == (point[0].place_id, (point[1].storage_point_id,))
    assert incident.device_ids == ("logger-1",)


def test_a_sensor_that_nobody_placed_has_an_incident_without_a_point(books: Books):
    with books.begin() as shelf:
        logger(shelf)
    hear(books, verdict(interval(1)))
    _, [incident] = known(books)

    with books.read() as shelf:
        assert incident.place_id == district(shelf).place_id
    assert (incident.storage_point_ids, incident.device_ids) == ((), ("logger-1",))


def test_the_last_reading_back_in_range_ends_it(books: Books, stay: str):
    hear(books, verdict(at_stay(interval(1), stay)))
    hear(books, verdict(at_stay(interval(1, 14), stay)), at=hour(14))
    _, [incident] = known(books)

    assert (incident.state, incident.ended_at) == ("ended", hour(14))


def test_warning_and_alarm_are_one_incident_as_severe_as_the_worst(books: Books, stay: str):
    hear(books, verdict(at_stay(interval(1, code="HEAT-WARN"), stay)))
    _, [warned] = known(books)
    hear(books, verdict(at_stay(interval(1), stay)))
    _, [alarmed] = known(books)

    assert (warned.severity, alarmed.severity) == ("warning", "alarm")
    assert warned.incident_id == alarmed.incident_id


def test_heat_and_frost_are_two_incidents(books: Books, stay: str):
    hear(books, verdict(at_stay(interval(1, 5), stay)), verdict(at_stay(interval(3, 6, code="FRZE"), stay)))
    _, found = known(books)

    assert [incident.kind for incident in found] == ["heat", "frost"]


def test_two_probes_of_one_point_that_are_hot_together_are_one_incident(books: Books, stay: str):
    hear(books, verdict(at_stay(interval(1, 5), stay)))
    hear(books, verdict(at_stay(interval(4, 9), second_stay(books)), device="logger-2"))
    _, [incident] = known(books)

    assert incident.device_ids == ("logger-1", "logger-2")
    assert (incident.started_at, incident.ended_at) == (hour(1), hour(9))


def test_two_stays_with_time_between_them_are_two_incidents(books: Books, stay: str):
    hear(books, verdict(at_stay(interval(1, 5), stay), at_stay(interval(8, 12), stay)))
    _, found = known(books)

    assert [incident.started_at for incident in found] == [hour(1), hour(8)]


def test_late_readings_that_join_two_stays_merge_their_incidents(books: Books, stay: str):
    hear(books, verdict(at_stay(interval(1, 5), stay), at_stay(interval(8, 12), stay)), at=hour(12))
    _, [first, second] = known(books)
    hear(books, verdict(at_stay(interval(1, 12), stay)), at=hour(13))
    [_], [merged] = known(books)

    assert (merged.incident_id, merged.ended_at) == (first.incident_id, hour(12))
    with books.read() as shelf:
        other = shelf.incidents.get(second.incident_id)
    assert (other.state, other.merged_into) == ("merged", first.incident_id)


def test_another_probe_that_bridges_two_incidents_merges_them(books: Books, stay: str):
    hear(books, verdict(at_stay(interval(1, 5), stay), at_stay(interval(8, 12), stay)))
    hear(books, verdict(at_stay(interval(4, 9), second_stay(books)), device="logger-2"))
    excursions, [incident] = known(books)

    assert {one.incident_id for one in excursions} == {incident.incident_id}
    assert len(excursions) == 3


def test_an_incident_without_a_stay_left_is_withdrawn(books: Books, stay: str):
    hear(books, verdict(at_stay(interval(1, 5), stay)))
    hear(books, verdict(), at=hour(9))

    assert known(books) == ([], [])
    with books.read() as shelf:
        [incident] = shelf.incidents.page(EVERYTHING, states=["withdrawn"])
        [excursion] = shelf.excursions.page(EVERYTHING, withdrawn=True)
    assert (incident.withdrawn_at, excursion.withdrawn_at) == (hour(9), hour(9))
    assert excursion.incident_id == incident.incident_id


def test_one_stay_that_is_withdrawn_leaves_the_incident_to_the_others(books: Books, stay: str):
    hear(books, verdict(at_stay(interval(1, 5), stay)))
    hear(books, verdict(at_stay(interval(4, 9), second_stay(books)), device="logger-2"))
    hear(books, verdict())
    _, [incident] = known(books)

    assert (incident.started_at, incident.device_ids) == (hour(4), ("logger-2",))


def test_what_was_withdrawn_and_turns_out_true_after_all_is_the_same_again(books: Books, stay: str):
    hear(books, verdict(at_stay(interval(1, 5), stay)))
    [before], [incident] = known(books)
    hear(books, verdict())
    hear(books, verdict(at_stay(interval(1, 7), stay)))
    [after], [again] = known(books)

    assert (before.excursion_id, incident.incident_id) == (after.excursion_id, again.incident_id)
    assert (again.state, again.ended_at) == ("ended", hour(7))


def test_an_ended_incident_that_turns_out_to_go_on_is_open_again(books: Books, stay: str):
    hear(books, verdict(at_stay(interval(1, 5), stay)))
    hear(books, verdict(at_stay(interval(1), stay)))
    _, [incident] = known(books)

    assert (incident.state, incident.ended_at) == ("open", None)


def test_placing_the_sensor_afterwards_brings_its_incident_to_the_point(books: Books, asha: str):
    with books.begin() as shelf:
        logger(shelf)
    hear(books, verdict(interval(1)))
    _, [before] = known(books)
    with books.begin() as shelf:
        incidents.acknowledge(shelf, before.incident_id, asha, "door was open", hour(2))
        point = fridge(shelf, "ILR 1", block(shelf, "Rampur"))
        placed = placements.place(shelf, "logger-1", point.storage_point_id, hour(3))
    hear(books, verdict(at_stay(interval(1), placed.placement_id)), at=hour(3))
    _, [after] = known(books)

    assert (after.incident_id, after.state) == (before.incident_id, "acknowledged")
    assert (after.storage_point_ids, after.place_id) == ((point.storage_point_id,), point.place_id)


def test_a_stay_that_belongs_elsewhere_leaves_an_incident_that_others_keep(books: Books, stay: str):
    hear(books, verdict(at_stay(interval(1, 5), stay)))
    hear(books, verdict(at_stay(interval(2, 6), second_stay(books)), device="logger-2"))
    with books.begin() as shelf:
        other = fridge(shelf, "ILR 2")
        right = placements.correct(shelf, stay, hour(9), storage_point_id=other.storage_point_id)
    hear(books, verdict(at_stay(interval(1, 5), right.placement_id)))
    _, found = known(books)

    assert {incident.device_ids for incident in found} == {("logger-1",), ("logger-2",)}
    assert {incident.storage_point_ids for incident in found} >= {(other.storage_point_id,)}


def test_a_sensor_that_was_moved_while_hot_leaves_an_incident_for_a_person_to_close(books: Books, stay: str, asha: str):
    cut = replace(at_stay(interval(1), stay), cut=True)
    hear(books, verdict(cut))
    _, [incident] = known(books)
    with books.begin() as shelf:
        closed = incidents.close(shelf, incident.incident_id, asha, "vaccine moved to ILR 2", hour(9))

    assert (incident.state, closed.state, closed.ended_at) == ("open", "ended", hour(9))


# Doors and power


def facility(shelf: Shelf, name: str) -> Place:
    return places.add(shelf, "facility", {"en": name}, district(shelf).place_id)


def in_two_fridges(books: Books, place: Callable[[Shelf], Place]) -> dict[str, str]:
    """Loggers in a fridge each of one place; the stay of each."""
    with books.begin() as shelf:
        here = place(shelf)
        for number in (1, 2):
            logger(shelf, f"logger-{number}", fridge(shelf, f"ILR {number}", here))
        return {device: stay_of(shelf, device) for device in ("logger-1", "logger-2")}


def test_an_open_door_and_a_power_cut_are_incidents_of_their_own(books: Books, stay: str):
    hear(books, verdict(at_stay(interval(1, code="DOOR"), stay), channel="door"))
    hear(books, verdict(at_stay(interval(1, code="POWR"), stay), channel="mains"))
    hear(books, verdict(at_stay(interval(1, code="POWR-WARN"), stay), channel="mains"))
    excursions, found = known(books)

    assert sorted((one.kind, one.severity) for one in found) == [("door", "alarm"), ("power", "alarm")]
    assert sorted(one.side for one in excursions) == ["door", "power", "power"]


def test_a_power_cut_over_the_points_of_a_facility_is_one_incident(books: Books):
    stays = in_two_fridges(books, lambda shelf: facility(shelf, "PHC Rampur"))
    for device, stay in stays.items():
        hear(books, verdict(at_stay(interval(1, code="POWR-WARN"), stay), device=device, channel="mains"))
        hear(books, verdict(at_stay(interval(1), stay), device=device))
    _, found = known(books)

    assert sorted((one.kind, len(one.storage_point_ids)) for one in found) == [("heat", 1), ("heat", 1), ("power", 2)]


def test_it_ends_when_the_last_of_them_has_power_again(books: Books):
    stays = in_two_fridges(books, lambda shelf: facility(shelf, "PHC Rampur"))

    def said(device: str, end: float | None) -> Verdict:
        return verdict(at_stay(interval(1, end, "POWR-WARN"), stays[device]), device=device, channel="mains")

    hear(books, said("logger-1", None), said("logger-2", None))
    hear(books, said("logger-1", 3))
    _, [half_over] = known(books)
    hear(books, said("logger-2", 4))
    _, [over] = known(books)

    assert (half_over.state, over.state, over.ended_at) == ("open", "ended", hour(4))


def test_power_cuts_with_time_between_them_are_two(books: Books):
    stays = in_two_fridges(books, lambda shelf: facility(shelf, "PHC Rampur"))
    hear(books, verdict(at_stay(interval(1, 3, "POWR-WARN"), stays["logger-1"]), channel="mains"))
    hear(books, verdict(at_stay(interval(5, 8, "POWR-WARN"), stays["logger-2"]), device="logger-2", channel="mains"))
    _, found = known(books)

    assert [len(one.storage_point_ids) for one in found] == [1, 1]


def test_points_that_share_no_facility_lose_power_each_by_itself(books: Books):
    stays = in_two_fridges(books, lambda shelf: block(shelf, "Rampur"))
    for device, stay in stays.items():
        hear(books, verdict(at_stay(interval(1, code="POWR-WARN"), stay), device=device, channel="mains"))
    _, found = known(books)

    assert [(one.kind, len(one.storage_point_ids)) for one in found] == [("power", 1), ("power", 1)]


# A sensor that is lost, or was moved


def lose_device(shelf: Shelf) -> None:
    enrolment.retire(shelf, "logger-1", hour(4))


def lose_contact(shelf: Shelf) -> None:
    troubles.take_silences(shelf, [Silence("logger-1", hour(3), hour(4))], hour(4))


def lose_probe(shelf: Shelf) -> None:
    troubles.take_silences(shelf, [Fault("logger-1", "tvc", "unplugged", hour(4))], hour(4))


def move(shelf: Shelf) -> None:
    other = fridge(shelf, "ILR 9")
    placements.place(shelf, "logger-1", other.storage_point_id, hour(4))


LOSSES = [lose_device, lose_contact, lose_probe, move]


def lost_and_closed(books: Books, lose: Callable[[Shelf], None], stay: str, asha: str) -> Incident:
    """Hot from hour 1, known until hour 6; closed by a person in hour 9."""
    hear(books, verdict(at_stay(interval(1), stay)))
    [excursion] = known(books)[0]
    incident_id = str(excursion.incident_id)
    with books.begin() as shelf:
        assert not incidents.is_over_by_itself(shelf, incident_id)
        lose(shelf)
        assert shelf.incidents.get(incident_id).state == "open"  # nothing closes it by itself
        assert incidents.is_over_by_itself(shelf, incident_id)
        return incidents.close(shelf, incident_id, asha, "the vaccine was moved to ILR 2", hour(9))


@pytest.mark.parametrize("lose", LOSSES)
def test_a_person_closes_what_a_lost_sensor_left_open_and_says_why(
    books: Books, stay: str, asha: str, lose: Callable[[Shelf], None]
):
    closed = lost_and_closed(books, lose, stay, asha)
    with books.read() as shelf:
        [note] = shelf.incidents.notes(closed.incident_id)
        revisions = shelf.incidents.revisions(closed.incident_id)

    assert (closed.state, closed.closed_at, closed.ended_at) == ("ended", hour(9), hour(9))
    assert (note.kind, note.user_id, note.text) == ("closed", asha, "the vaccine was moved to ILR 2")
    assert (revisions[-1].change, revisions[-1].known_at) == ("closed", hour(9))


def test_another_probes_fault_does_not_make_it_lost(books: Books, stay: str, asha: str):
    hear(books, verdict(at_stay(interval(1), stay)))
    [excursion] = known(books)[0]
    with books.begin() as shelf:
        troubles.take_silences(shelf, [Fault("logger-1", "tamb", "unplugged", hour(4))], hour(4))
        with pytest.raises(StillGoingOn):
            incidents.close(shelf, str(excursion.incident_id), asha, "enough", hour(9))


def test_one_sensor_that_is_heard_keeps_the_incident_open(books: Books, stay: str, asha: str):
    hear(books, verdict(at_stay(interval(1), stay)))
    hear(books, verdict(at_stay(interval(2), second_stay(books)), device="logger-2"))
    _, [incident] = known(books)
    with books.begin() as shelf:
        lose_device(shelf)
        with pytest.raises(StillGoingOn):
            incidents.close(shelf, incident.incident_id, asha, "enough", hour(9))


def test_a_reading_out_that_is_newer_than_the_closing_opens_it_again(books: Books, stay: str, asha: str):
    closed = lost_and_closed(books, lose_contact, stay, asha)
    hear(books, verdict(replace(at_stay(interval(1), stay), out=9 * HOUR)), at=hour(11))
    [again] = [one for one in known(books)[1] if one.incident_id == closed.incident_id]

    assert (again.state, again.closed_at, again.ended_at) == ("open", None, None)


def test_late_readings_from_before_the_closing_do_not_open_it_again(books: Books, stay: str, asha: str):
    closed = lost_and_closed(books, lose_contact, stay, asha)
    hear(books, verdict(replace(at_stay(interval(1), stay), out=7 * HOUR)), at=hour(11))
    [still] = [one for one in known(books)[1] if one.incident_id == closed.incident_id]

    assert (still.state, still.closed_at) == ("ended", hour(9))


def test_late_readings_that_tell_the_true_end_of_it_count(books: Books, stay: str, asha: str):
    closed = lost_and_closed(books, lose_contact, stay, asha)
    hear(books, verdict(at_stay(interval(1, 8), stay)), at=hour(11))
    [ended] = [one for one in known(books)[1] if one.incident_id == closed.incident_id]

    assert (ended.state, ended.ended_at) == ("ended", hour(8))


# What is kept of it


def test_each_thing_we_learned_is_kept_with_the_instant_when_we_did(books: Books, stay: str):
    hear(books, verdict(at_stay(interval(1), stay)), at=hour(2))
    hear(books, verdict(replace(at_stay(interval(1), stay), out=99, extreme=1500)), at=hour(3))
    hear(books, verdict(at_stay(interval(1, 5), stay)), at=hour(5))
    hear(books, verdict(), at=hour(8))
    with books.read() as shelf:
        [incident] = shelf.incidents.page(EVERYTHING, states=["withdrawn"])
        revisions = shelf.incidents.revisions(incident.incident_id)

    told = [(one.change, one.known_at, one.interval.ended_at if one.interval else None) for one in revisions]
    assert told == [
        ("opened", hour(2), None),
        ("closed", hour(5), hour(5)),
        ("withdrawn", hour(8), hour(5)),
        ("withdrawn", hour(8), None),
    ]


def test_the_worst_of_a_stay_that_goes_on_is_known_without_a_revision(books: Books, stay: str):
    hear(books, verdict(at_stay(interval(1), stay)))
    hear(books, verdict(replace(at_stay(interval(1), stay), out=99, extreme=1500)), at=hour(3))
    [excursion], _ = known(books)

    assert (excursion.interval.out, excursion.interval.extreme, excursion.known_at) == (99, 1500, hour(3))


def test_who_asks_what_has_changed_is_told_once(books: Books, stay: str):
    with books.read() as shelf:
        none, start = shelf.incidents.changed_after(0)
    hear(books, verdict(at_stay(interval(1), stay)))
    with books.read() as shelf:
        [opened], opened_at = shelf.incidents.changed_after(start)
        nothing = shelf.incidents.changed_after(opened_at)
    hear(books, verdict(at_stay(interval(1, 5), stay)))
    with books.read() as shelf:
        [closed], _ = shelf.incidents.changed_after(opened_at)

    assert (none, nothing) == ([], ([], opened_at))
    assert (opened.state, closed.state) == ("open", "ended")


# What people do


@pytest.fixture
def asha(books: Books) -> str:
    with books.begin() as shelf:
        user = users.add(shelf, "asha", "not a hash", "cold-chain-handler", district(shelf).place_id, START)
    return user.user_id


@pytest.fixture
def incident_id(books: Books, stay: str) -> str:
    hear(books, verdict(at_stay(interval(1), stay)))
    return known(books)[1][0].incident_id


def test_acknowledging_wants_a_comment(books: Books, incident_id: str, asha: str):
    with books.begin() as shelf:
        for comment in ("", "  \n"):
            with pytest.raises(CommentMissing):
                incidents.acknowledge(shelf, incident_id, asha, comment, hour(2))
        incident = incidents.acknowledge(shelf, incident_id, asha, " Vaccine moved. ", hour(2))
        [note] = shelf.incidents.notes(incident_id)

    assert (incident.state, incident.acknowledged_by, incident.acknowledged_at) == ("acknowledged", asha, hour(2))
    assert (note.kind, note.text, note.user_id, note.recorded_at) == ("seen", "Vaccine moved.", asha, hour(2))


def test_the_first_to_acknowledge_counts_and_the_others_words_are_kept(books: Books, incident_id: str, asha: str):
    with books.begin() as shelf:
        incidents.acknowledge(shelf, incident_id, asha, "seen", hour(2))
        incident = incidents.acknowledge(shelf, incident_id, asha, "seen too", hour(3))

        assert incident.acknowledged_at == hour(2)
        assert [note.text for note in shelf.incidents.notes(incident_id)] == ["seen", "seen too"]


def test_what_a_phone_sends_twice_is_one(books: Books, incident_id: str, asha: str):
    with books.begin() as shelf:
        for at in (2, 3):
            incidents.acknowledge(shelf, incident_id, asha, "seen", hour(at), client_id="phone-1")
            incidents.note(
                shelf, incident_id, asha, "acted", "moved", hour(at), happened_at=hour(1), client_id="phone-2"
            )
        notes = shelf.incidents.notes(incident_id)

    assert [(note.kind, note.recorded_at, note.happened_at) for note in notes] == [
        ("seen", hour(2), hour(2)),
        ("acted", hour(2), hour(1)),
    ]


def test_an_incident_that_ends_stays_acknowledged(books: Books, incident_id: str, asha: str, stay: str):
    with books.begin() as shelf:
        incidents.acknowledge(shelf, incident_id, asha, "seen", hour(2))
    hear(books, verdict(at_stay(interval(1, 5), stay)))
    _, [incident] = known(books)

    assert (incident.state, incident.acknowledged_at) == ("ended", hour(2))


def test_what_still_goes_on_is_not_closed(books: Books, incident_id: str, asha: str):
    with books.begin() as shelf:
        with pytest.raises(StillGoingOn):
            incidents.close(shelf, incident_id, asha, "enough", hour(2))
        with pytest.raises(CommentMissing):
            incidents.close(shelf, incident_id, asha, " ", hour(2))


def test_what_is_no_note_is_refused(books: Books, incident_id: str, asha: str):
    attempts: list[Callable[[], object]] = []
    with books.begin() as shelf:
        attempts = [
            lambda: incidents.note(shelf, incident_id, asha, "seen", "a backdoor", hour(2)),
            lambda: incidents.note(shelf, incident_id, asha, "acted", " ", hour(2)),
            lambda: incidents.note(shelf, incident_id, asha, "acted", "x" * 4001, hour(2)),
        ]
        for attempt in attempts:
            with pytest.raises(BadNote):
                attempt()
        with pytest.raises(NoSuchIncident):
            incidents.note(shelf, "none", asha, "acted", "moved", hour(2))


# Who sees what


def test_incidents_and_excursions_are_listed_by_place_newest_incident_first(books: Books, stay: str):
    with books.begin() as shelf:
        logger(shelf, "unplaced")
        rampur, sitapur = places.find(shelf, "Rampur").path, block(shelf, "Sitapur").path
    hear(books, verdict(at_stay(interval(1, 3), stay), at_stay(interval(5, 7), stay)))
    hear(books, verdict(interval(2, 4), device="unplaced"))

    with books.read() as shelf:
        assert [one.started_at for one in shelf.incidents.page(EVERYTHING)] == [hour(5), hour(2), hour(1)]
        assert [one.started_at for one in shelf.incidents.page(rampur)] == [hour(5), hour(1)]
        assert shelf.incidents.page(sitapur) == []
        assert [one.interval.started_at for one in shelf.excursions.page(rampur)] == [hour(1), hour(5)]
        assert [one.device_id for one in shelf.excursions.page(EVERYTHING, device_ids=["unplaced"])] == ["unplaced"]
        assert shelf.excursions.page(sitapur) == []
        point = shelf.storage_points.called("ILR 1")[0].storage_point_id
        assert len(shelf.excursions.page(EVERYTHING, storage_point_ids=[point])) == 2
        assert len(shelf.incidents.page(EVERYTHING, storage_point_id=point)) == 2
        assert shelf.incidents.page(EVERYTHING, states=["open"]) == shelf.incidents.going_on(EVERYTHING) == []


def test_a_window_holds_what_reaches_into_it(books: Books, stay: str):
    hear(books, verdict(at_stay(interval(1, 3), stay), at_stay(interval(5), stay)))

    def found(since: float, until: float) -> list[int]:
        with books.read() as shelf:
            page = shelf.excursions.page(EVERYTHING, since=hour(since), until=hour(until))
        return [one.interval.started_at for one in page]

    assert found(0, 1) == []
    assert found(2, 2.5) == [hour(1)]
    assert found(3, 5) == []
    assert found(3, 5.1) == [hour(5)]
    assert found(90, 91) == [hour(5)]


def test_lists_come_in_pages(books: Books, stay: str):
    hear(books, verdict(*(at_stay(interval(number * 2, number * 2 + 1), stay) for number in range(7))))
    starts, ends = [], []
    with books.read() as shelf:
        after = None
        while page := shelf.excursions.page(EVERYTHING, after=after, limit=3):
            starts += [one.interval.started_at for one in page]
            after = (page[-1].interval.started_at, page[-1].excursion_id)
        after = None
        while found := shelf.incidents.page(EVERYTHING, after=after, limit=3):
            ends += [one.started_at for one in found]
            after = (found[-1].started_at, found[-1].incident_id)

    assert starts == list(reversed(ends)) == [hour(number * 2) for number in range(7)]


# Whatever is repeated


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[list[Verdict]], dict[tuple[str, str], list[Interval]]]:
    """A judge that learns: batches of verdicts, some said again; and what is true at the end."""
    truth: dict[tuple[str, str], list[Interval]] = {}
    batches: list[list[Verdict]] = []
    for _ in range(draw(st.integers(1, 6))):
        batch: list[Verdict] = []
        for _ in range(draw(st.integers(1, 4))):
            device = draw(st.sampled_from(["logger-1", "logger-2"]))
            code = draw(st.sampled_from(["HEAT", "HEAT-WARN", "FRZE"]))
            edges = sorted(draw(st.lists(st.integers(0, 30), unique=True, max_size=6)))
            since, until = sorted(draw(st.lists(st.integers(0, 31), min_size=2, max_size=2, unique=True)))
            ends = [*edges[1::2], None] if draw(st.booleans()) else edges[1::2]
            fresh = [interval(a, b, code) for a, b in zip(edges[::2], ends, strict=False)]
            inside = tuple(one for one in fresh if hour(since) <= one.started_at < hour(until))
            before = truth.get((device, code), [])
            outside = [one for one in before if not hour(since) <= one.started_at < hour(until)]
            truth[device, code] = sorted([*outside, *inside], key=lambda one: one.started_at)
            said = verdict(*inside, device=device, code=code, since=since, until=until)
            batch += [said] * draw(st.integers(1, 2))
        batches.append(batch)
    return batches, truth


@pytest.fixture(scope="module")
def scribbled(laid_out: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Books]:
    """Fresh books with two placed loggers, as often as asked for."""
    directory = tmp_path_factory.mktemp("scribbled")
    made = 0

    def fresh() -> Books:
        nonlocal made
        made += 1
        path = directory / f"books-{made}.db"
        path.write_bytes(laid_out.read_bytes())
        books = open_books(f"sqlite:///{path}", lambda: START)
        with books.begin() as shelf:
            point = fridge(shelf)
            logger(shelf, "logger-1", point)
            logger(shelf, "logger-2", point)
        return books

    return fresh


def standing(books: Books, batch: list[Verdict]) -> list[Verdict]:
    """The verdicts as of the loggers where they stand; of frost as if nobody had placed them."""
    with books.read() as shelf:
        stays = {device: stay_of(shelf, device) for device in ("logger-1", "logger-2")}
    return [
        one
        if one.code == "FRZE"
        else msgspec.structs.replace(
            one, intervals=tuple(at_stay(inside, stays[one.device_id]) for inside in one.intervals)
        )
        for one in batch
    ]


def everything(books: Books) -> object:
    """All that the books say of excursions and incidents, to the last revision."""
    with books.read() as shelf:
        found = shelf.incidents.page(EVERYTHING, states=incidents.STATES, limit=10_000)
        return (
            shelf.excursions.page(EVERYTHING, withdrawn=True, limit=10_000),
            found,
            [shelf.incidents.revisions(one.incident_id) for one in found],
            shelf.incidents.changed_after(0, 10_000),
        )


@given(histories())
def test_the_books_end_with_what_the_judge_said_last(
    scribbled: Callable[[], Books], history: tuple[list[list[Verdict]], dict[tuple[str, str], list[Interval]]]
):
    batches, truth = history
    books = scribbled()
    for number, batch in enumerate(batches):
        hear(books, *standing(books, batch), at=hour(100 + number))
    excursions, found = known(books)

    assert sorted((one.device_id, one.interval.code, one.interval.started_at) for one in excursions) == sorted(
        (device, code, one.started_at) for (device, code), intervals in truth.items() for one in intervals
    )
    by_id = {one.incident_id: one for one in found}
    for one in excursions:  # each belongs to an incident that is there, of its side, and covers it
        incident = by_id[str(one.incident_id)]
        assert incident.kind == one.side
        assert incident.started_at <= one.interval.started_at
        assert incident.ended_at is None or one.reaches <= incident.ended_at
        for other in excursions:
            same = (other.subject, other.side) == (one.subject, one.side)
            if same and one.interval.started_at <= other.interval.started_at <= one.reaches:
                assert other.incident_id == one.incident_id
    assert {one.incident_id for one in excursions} == set(by_id)
    books.close()


@given(histories())
def test_hearing_the_last_batch_again_changes_nothing_at_all(
    scribbled: Callable[[], Books], history: tuple[list[list[Verdict]], dict[tuple[str, str], list[Interval]]]
):
    batches, _ = history
    books = scribbled()
    for batch in batches:
        hear(books, *standing(books, batch))
    before = everything(books)
    hear(books, *standing(books, batches[-1]), at=hour(500))

    assert everything(books) == before
    books.close()
