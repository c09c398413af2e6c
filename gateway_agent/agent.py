"""The agent of one gateway: keeps what its sensors gave, watches its own limits, and sends until the server has it all.

Small steps with the clocks handed in: `coldchain agent` takes them as time passes (`live.py`), the rehearsal takes the
same ones at full speed. One thread calls them all.
"""

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from coldchain import crash
from coldchain.answers import (
    Acknowledgement,
    BadAnswer,
    Configuration,
    decode_acknowledgement,
    decode_configuration,
    decode_refused,
    encode_configuration,
)
from coldchain.clock import SECOND
from gateway_agent.alarm import Alarm, Ring
from gateway_agent.clocks import Moment, Moments, narrowed
from gateway_agent.lanes import Lanes
from gateway_agent.outbox import Beaten, Machine, Outbox, Room
from gateway_agent.outbox_file import OutboxFull
from gateway_agent.senses import read_safely
from gateway_agent.sensors import Sensed, Sensor
from gateway_agent.settings import Settings
from gateway_agent.status import Status, declared
from gateway_agent.uplink import ACK, CONFIG, READINGS, REFUSED, STATUS, Connected, Disconnected, FromUplink, Uplink
from gateway_agent.watch import Watch

log = logging.getLogger("agent")

SHORTEST_INTERVAL, LONGEST_INTERVAL = SECOND, 3_600 * SECOND
"""What a server may wish."""

CLOCK_STEP = 500
"""By how many ms the machine's trusted time must move against its uptime to count as set anew."""

WAITING_TOLD_EVERY_S = 60.0

BACKLOG = 10
"""From so many waiting readings on they are a backlog and not just on their way."""


class Agent:
    """`clock` gives the moments that readings are dated by; `steady` gives seconds, by which sending is patient."""

    def __init__(
        self,
        settings: Settings,
        sensors: Sequence[Sensor],
        clock: Moments,
        uplink: Uplink,
        *,
        outbox: Outbox | None = None,
        steady: Callable[[], float] = time.monotonic,
        ring: Ring | None = None,
        dice: Callable[[], float] | None = None,
    ) -> None:
        """Opens the outbox of the settings where none is handed in. Raises OutboxUnusable."""
        self.settings = settings
        self.sensors = tuple(sensors)
        self.outbox = outbox or open_outbox(settings)
        self.is_connected = False
        self._clock = clock
        self._uplink = uplink
        self._steady = steady
        self._ring = ring or _only_log
        jitter_s = settings.jitter / SECOND
        self._lanes = Lanes(settings.window, jitter_s, dice) if dice else Lanes(settings.window, jitter_s)
        self._is_sending = False
        self._unpacked_since: int | None = None
        self._fresh_from = self.outbox.next_seq
        self._question: int | None = None
        self._told: Status | None = None
        self._told_at = 0.0
        moment = clock()
        self._started = moment
        with self._despite_a_full_disk():
            self.outbox.begin_boot(moment.boot_id)
        facts = self.outbox.facts()
        self._wished = _wished(facts.get("wished", ""))
        self._declared = declared(facts.get("interval", ""), self.interval, moment)
        self._watch = Watch(
            settings.rules,
            {sensor.channel: sensor.rules for sensor in settings.sensors if sensor.rules is not None},
            [channel for sensor in sensors for channel in sensor.channels],
            self.interval,
            settings.wished_limits_after,
        )
        self._watch.judge_by(self.interval, self._wished)
        self._watch.resume(facts.get("watch", ""), moment)
        with self._despite_a_full_disk():
            self.outbox.note(interval=self._declared.as_text())
        for alarm in self._watch.alarms():
            self._ring(alarm)

    @property
    def interval(self) -> int:
        """Between two beats, in ms: as the server wishes, else as the settings say."""
        wished = self._wished.interval_s
        return self.settings.interval if wished is None else wished * SECOND

    # measuring

    def beat(self, moment: Moment | None = None) -> None:
        """Read every sensor, one after the other, and keep what they gave."""
        moment = moment or self._clock()
        self.keep(moment, [sensed for sensor in self.sensors for sensed in read_safely(sensor)])

    def keep(self, moment: Moment, readings: Sequence[Sensed]) -> None:
        """Keep what a beat gave; when this returns it is on the disk, or told as not kept."""
        self.keep_many([(moment, readings)])

    def keep_many(self, beats: Iterable[tuple[Moment, Sequence[Sensed]]]) -> None:
        """Keep many beats, in order of time, in one transaction."""
        beaten: list[Beaten] = []
        for moment, readings in beats:
            noted = self._watch.note(moment, readings)
            for alarm in noted.alarms:
                self._ring(alarm)
            beaten.append(Beaten(moment, readings, noted.is_urgent))
        if not beaten:
            return
        with self._despite_a_full_disk():
            self._note_time(beaten[-1].moment)
        if len(beaten) == 1 and self._is_pack_due(beaten[0].moment):
            beaten = [replace(beaten[0], is_urgent=True)]  # one transaction instead of two
        self.outbox.keep(beaten, self.settings.max_readings, self._watch.as_text)
        if self.outbox.unpacked <= len(beaten[-1].readings):
            self._unpacked_since = beaten[-1].moment.uptime if self.outbox.unpacked else None

    # sending

    def send(self) -> None:
        """Close what is due, send what the lanes let go, and tell the status where it changed."""
        if self._is_sending:
            return  # an uplink that answers at once; the loop below goes on by itself
        self._is_sending = True
        try:
            with self._despite_a_full_disk():
                self._prepare(self._clock())
                while self.is_connected and self._send_some():
                    pass
                if self.is_connected:
                    self._tell_status()
        finally:
            self._is_sending = False

    def _prepare(self, moment: Moment) -> None:
        self._note_time(moment)
        if self.outbox.close(self.settings.max_readings, of_this_boot=self._is_pack_due(moment)):
            log.info("packs are being closed: %d readings wait for one", self.outbox.unpacked)
        if not self.outbox.unpacked:
            self._unpacked_since = None
        if self.is_connected and self.outbox.offset is None and not self._is_question_open():
            self._question = self.outbox.close_question()

    def _is_pack_due(self, moment: Moment) -> bool:
        """By age a pack closes only while somebody listens: offline, full packs cost the link less later."""
        if self.outbox.unpacked >= self.settings.max_readings:
            return True
        longest = min(self.settings.max_age, 2 * self.interval)
        since = moment.uptime if self._unpacked_since is None else self._unpacked_since
        is_old = longest == 0 or moment.uptime - since >= longest
        is_left_over = self._unpacked_since is None and self.outbox.unpacked > 0
        return self.is_connected and (is_old or is_left_over)

    def _is_question_open(self) -> bool:
        return self._question is not None and self.outbox.pack(self._question) is not None

    def _send_some(self) -> bool:
        """Send what is due; False where nothing was, or nobody took it."""
        due = self._lanes.due(self.outbox.packs_after, self._steady())
        for seq in due:
            body = self.outbox.pack(seq)
            if body is None:  # acknowledged meanwhile, or dropped
                self._lanes.forget(seq)
                continue
            self._lanes.sent(seq, self._steady(), self._clock().uptime)
            if not self._uplink(READINGS, body, False):
                self._lanes.forget(seq)
                return False
            crash.point("agent.sent")
        return bool(due)

    # listening

    def hear(self, event: FromUplink) -> None:
        """Take what the uplink tells."""
        if isinstance(event, Connected):
            self.on_connected()
        elif isinstance(event, Disconnected):
            self.on_disconnected()
        elif event.leaf == ACK:
            self.on_acknowledgement(event.body)
        elif event.leaf == CONFIG:
            self.on_configuration(event.body)
        elif event.leaf == REFUSED:
            self.on_refused(event.body)

    def on_connected(self) -> None:
        self.is_connected = True
        self._told = None
        with self._despite_a_full_disk():
            moment = self._clock()
            self._note_time(moment)
            self.outbox.close(self.settings.max_readings, of_this_boot=self._is_pack_due(moment))
        self._begin_lanes()
        self.send()

    def on_disconnected(self) -> None:
        self.is_connected = False

    def on_acknowledgement(self, body: bytes) -> None:
        """The server's word: what it has on disk leaves the outbox. Another outbox's word is no business of ours."""
        try:
            told = decode_acknowledgement(body)
        except BadAnswer as why:
            log.warning("%s", why)
            return
        if told.outbox_id != self.outbox.outbox_id:
            log.info("an acknowledgement for outbox %s is left alone", told.outbox_id)
            return
        with self._despite_a_full_disk():
            if any(last >= self.outbox.next_seq for _, last in told.durable):
                self.outbox.renew("the server knows numbers that this file has yet to give: it is an older copy")
                self._begin_lanes()
            else:
                self._learn_time(told)
                self.outbox.acknowledge(told.durable)
                self._lanes.acknowledged(told.durable, self._steady())
        self.send()

    def on_refused(self, body: bytes) -> None:
        """A pack was kept by the server and not believed: nothing to send again, something to tell."""
        try:
            refused = decode_refused(body)
        except BadAnswer as why:
            log.warning("%s", why)
            return
        log.error("the server refuses pack %s of outbox %s: %s", refused.seq, refused.outbox_id, refused.reason)
        if refused.reason == "two-voices" and refused.outbox_id == self.outbox.outbox_id:
            with self._despite_a_full_disk():
                self.outbox.renew("the server has heard another voice under the same numbers")
                self._begin_lanes()
            self.send()

    def on_configuration(self, body: bytes) -> None:
        """What the server wishes, from the next beat on, and after a restart too. An empty body wishes nothing."""
        try:
            wished = _checked(decode_configuration(body)) if body else Configuration()
        except BadAnswer as why:
            log.warning("%s", why)
            return
        if wished == self._wished:
            return
        moment = self._clock()
        self._wished = wished
        self._declared = declared(self._declared.as_text(), self.interval, moment)
        self._watch.judge_by(self.interval, wished)
        with self._despite_a_full_disk():
            self.outbox.note(wished=encode_configuration(wished).decode(), interval=self._declared.as_text())
        self.send()

    def stop(self) -> None:
        self.outbox.shut()

    # time

    def _note_time(self, moment: Moment) -> None:
        """Date this boot by the machine's clock where that can be trusted."""
        if moment.boot_id != self.outbox.boot_id:
            self.outbox.begin_boot(moment.boot_id)
        known = self.outbox.offset
        if moment.is_trusted and (
            known is None or self.outbox.time_source == "server" or abs(moment.offset - known) > CLOCK_STEP
        ):
            self.outbox.know_time(moment.offset, "machine")
        dated = self._declared.dated_by(moment, self.outbox.offset)
        if dated != self._declared:
            self._declared = dated
            self.outbox.note(interval=dated.as_text())

    def _learn_time(self, told: Acknowledgement) -> None:
        """Date this boot by the server's clock, where the answer must be younger than something sent just now."""
        sent = self._lanes.first_sent(told.durable, self._fresh_from)
        if sent is None or self.outbox.time_source == "machine":
            return
        offset = narrowed(self.outbox.offset, told.at, sent, self._clock().uptime)
        if offset is not None and offset != self.outbox.offset:
            self.outbox.know_time(offset, "server")

    # telling

    def status(self) -> Status:
        offset = self.outbox.offset
        return Status(
            outbox_id=self.outbox.outbox_id,
            waiting=self.outbox.waiting(),
            lost=self.outbox.lost(),
            not_kept=self.outbox.not_kept,
            declared=self._declared,
            wished=self._wished,
            is_time_known=offset is not None,
            is_disk_full=self.outbox.is_full,
            started_at=None if offset is None else self._started.uptime + offset,
        )

    def _tell_status(self) -> None:
        """At once where something is new or a backlog is gone; how much waits, at most once a minute.

        The few readings that are just on their way are no news while nothing was told to wait.
        """
        now, status = self._steady(), self.status()
        if self._told is not None and not status.differs(self._told):
            told = self._told.waiting
            is_news = status.waiting != told and (told > 0 or status.waiting >= BACKLOG)
            is_backlog_gone = told >= BACKLOG > status.waiting
            if not is_news or (now - self._told_at < WAITING_TOLD_EVERY_S and not is_backlog_gone):
                return
        if self._uplink(STATUS, status.as_json(), True):
            self._told, self._told_at = status, now

    def _begin_lanes(self) -> None:
        self._fresh_from = self.outbox.next_seq
        self._question = None
        self._lanes.begin(self.outbox.next_seq - 1, self._steady())

    @contextmanager
    def _despite_a_full_disk(self) -> Iterator[None]:
        """Whatever cannot be written now is tried again at the next step; measuring and the local alarm go on."""
        try:
            yield
        except OutboxFull as why:
            self.outbox.is_full = True
            log.warning("%s", why)


def open_outbox(settings: Settings) -> Outbox:
    """The outbox where the settings want it. Raises OutboxUnusable."""
    machine = Machine(_first_line(settings.hardware_serial), _first_line(settings.machine_id))
    room = Room(settings.when_full, settings.min_free)
    units = {sensor.channel: sensor.unit for sensor in settings.sensors}
    return Outbox(settings.outbox, settings.device_id, machine, sync=settings.sync, room=room, units=units)


def _first_line(path: Path) -> str:
    """What the file says of the machine, nothing where there is no such file on this kind of machine."""
    try:
        return path.read_text("ascii", errors="replace").strip("\x00\n ")
    except OSError:
        return ""


def _wished(text: str) -> Configuration:
    """What the server wished before a restart."""
    return decode_configuration(text.encode()) if text else Configuration()


def _checked(wished: Configuration) -> Configuration:
    """Raises BadAnswer where an agent cannot do what is wished."""
    interval = wished.interval_s
    if interval is not None and not SHORTEST_INTERVAL <= interval * SECOND <= LONGEST_INTERVAL:
        raise BadAnswer(f"an interval of {interval} s is wished; from 1 to 3600 can be done")
    if wished.low_c is not None and wished.high_c is not None and wished.low_c >= wished.high_c:
        raise BadAnswer(f"limits of {wished.low_c} to {wished.high_c} °C are wished; that is no range")
    return wished


def _only_log(alarm: Alarm) -> None:
    log.warning("%s on %s: %s", alarm.code, alarm.channel, alarm.state)
