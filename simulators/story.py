"""A story: what happens in a district, arranged around the instant at which somebody opens the page.

In the week before, some things went wrong and were mended. In the minutes after, five fridges need somebody: one has
been too warm for almost ten hours, one is freezing, one loses its current, one falls silent, one loses its probe.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from coldchain.clock import DAY, HOUR, MINUTE, SECOND
from simulators.district import District
from simulators.spans import Spans, spans
from simulators.stand import Mishap, MishapKind, Stand, Standing

WARM_UP = DAY
"""How long a fridge runs before its first reading, so that none begins from a guess."""

HORIZON = 30 * DAY
"""How far cuts and doors are laid out after the page was opened."""

TO_THE_ALARM = 3 * MINUTE
TO_THE_CUT = 45 * SECOND
HEAT_AFTER = 10 * HOUR
FREEZING_FOR = 35 * MINUTE

IsOut = Callable[[int], bool]


@dataclass(frozen=True, slots=True)
class Story:
    """From `begin` to `ready` is the past (ms UTC). `off`: when a device has no current itself, and measures nothing;
    `dies`: from when on it is silent for good.
    """

    begin: int
    ready: int
    stands: Mapping[str, Stand]
    off: Mapping[str, Spans]
    dies: Mapping[str, int]

    def standing(self, device_id: str) -> Standing:
        return Standing(self.stands[device_id], self.begin - WARM_UP, self.ready + HORIZON)

    def is_on(self, device_id: str, at: int) -> bool:
        off = self.off.get(device_id)
        return (off is None or at not in off) and at < self.dies.get(device_id, at + 1)


def uneventful(district: District, begin: int, ready: int) -> Story:
    """Nothing but weather, cuts and doors."""
    return Story(begin, ready, district.stands(), {}, {})


def of_the_demo(district: District, begin: int, ready: int) -> Story:
    """The shipped district's week. What it says of a device that the district does not have is left out."""
    stands = {device: stand.with_mishaps(*_past(ready).get(device, ())) for device, stand in district.stands().items()}
    for device, mishaps in _coming(ready).items():
        if device in stands:
            stands[device] = stands[device].with_mishaps(*mishaps)
    off = {device: spans([span]) for device, span in _off(ready).items() if device in stands}
    dies = {device: at for device, at in {"phc-kesarbagh-1": ready + 20 * SECOND}.items() if device in stands}
    story = Story(begin, ready, stands, off, dies)
    story = _with(story, "chc-neelkhera-1", _BROKEN, ready + TO_THE_ALARM - HEAT_AFTER, _is_warm)
    story = _with(story, "chc-phulmati-2", _TOO_COLD, ready - FREEZING_FOR, _is_freezing)
    return _warm_when_cut(story, "phc-chandrakhet-2")


_BROKEN: tuple[tuple[MishapKind, float], ...] = (("compressor", 0.0), ("packed", 230_000.0))
"""The compressor is dead, and warm vaccine was put in on top."""

_TOO_COLD: tuple[tuple[MishapKind, float], ...] = (("thermostat", -4.0), ("packed", -320_000.0))
"""The thermostat was turned down, and ice packs came straight from the freezer."""


def _past(ready: int) -> dict[str, tuple[Mishap, ...]]:
    """What went wrong in the week before, and was mended."""

    def ago(days: float, hours: float, kind: MishapKind, amount: float = 0.0) -> tuple[Mishap, ...]:
        since = ready - int(days * DAY)
        return (Mishap(kind, since, since + int(hours * HOUR), amount),)

    return {
        "phc-chandrakhet-2": (*ago(5.3, 0.9, "power"), *ago(3.8, 1.1, "power"), *ago(2.2, 0.8, "power")),
        "phc-ranighati-2": ago(3.1, 16, "power"),
        "chc-devtola-3": ago(1.6, 14, "power"),
        "store-wic-1": ago(6.2, 6, "power"),
        "chc-sonamarg-2": ago(2.3, 7, "power"),
        "phc-mohanpatti-2": ago(5.0, 9, "compressor"),
        "phc-nandighat-1": ago(4.4, 6, "thermostat", -4.0),
        "phc-baghnadi-1": ago(4.8, 1.5, "probe-out"),
        "phc-belwadi-1": ago(2.9, 6, "unplugged"),
    }


def _coming(ready: int) -> dict[str, tuple[Mishap, ...]]:
    """What goes wrong once somebody looks. The current goes for a whole centre, whose people carry vaccine over from
    the refrigerator that will not hold to the lined one that will.
    """
    cut = Mishap("power", ready + TO_THE_CUT, ready + 3 * HOUR)
    carrying = Mishap("lid", ready + 90 * SECOND, ready + 20 * MINUTE, amount=0.5)
    return {
        "phc-chandrakhet-1": (cut,),
        "phc-chandrakhet-2": (cut, carrying),
        "phc-amrawat-1": (Mishap("unplugged", ready + 100 * SECOND, ready + 2 * HOUR),),
    }


def _off(ready: int) -> dict[str, tuple[int, int]]:
    return {
        "phc-tilauni-1": (ready - 4 * DAY, ready - 4 * DAY + 26 * HOUR),
        "chc-gulmohar-2": (ready - 5 * DAY - 3 * HOUR, ready - 5 * DAY + 4 * HOUR),
        "phc-savarkhed-2": (ready - 20 * HOUR, ready - 17 * HOUR),
    }


def _is_warm(centidegrees: int) -> bool:
    return centidegrees > 800


def _is_freezing(centidegrees: int) -> bool:
    return centidegrees <= -50


def _with(story: Story, device: str, kinds: tuple[tuple[MishapKind, float], ...], target: int, is_out: IsOut) -> Story:
    """The story with mishaps of the device begun so that its readings have been out since `target`."""
    if device not in story.stands:
        return story
    stand = replace(story.stands[device], supply=None)  # a cut of chance would spoil it
    first = target - 40 * MINUTE
    before = replace(story, stands={device: stand}).standing(device)
    before.advance(first - MINUTE)

    def begun_at(since: int) -> tuple[tuple[Mishap, ...], int]:
        mishaps = tuple(Mishap(kind, since, story.ready + HORIZON, amount) for kind, amount in kinds)
        begun = out_since(before.branched(*mishaps), first, target + HOUR, is_out)
        return mishaps, target + DAY if begun is None else begun

    trials = map(begun_at, range(first, target + MINUTE, MINUTE))
    nearest, _ = min(trials, key=lambda trial: abs(trial[1] - target))
    return replace(story, stands={**story.stands, device: stand.with_mishaps(*nearest)})


def _warm_when_cut(story: Story, device: str) -> Story:
    """The story in which the device's compressor was just about to start when its current goes: a short cut earlier
    has moved its turns.
    """
    if device not in story.stands:
        return story
    stand = replace(story.stands[device], supply=None)  # a cut of chance would spoil it
    before = replace(story, stands={device: stand}).standing(device)
    earlier = story.ready - 3 * HOUR
    before.advance(earlier - MINUTE)

    def warmth(length: int) -> float:
        trial = before.branched(Mishap("power", earlier, earlier + length))
        trial.advance(story.ready + TO_THE_CUT)
        return trial.state.air

    best = max(range(0, 45 * MINUTE, 3 * MINUTE), key=warmth)
    return replace(story, stands={**story.stands, device: stand.with_mishaps(Mishap("power", earlier, earlier + best))})


def out_since(standing: Standing, since: int, until: int, is_out: IsOut, every: int = MINUTE) -> int | None:
    """When the readings began to be out that are still out at `until`; None where they are not."""
    begun = None
    for at in range(-(-since // every) * every, until, every):
        standing.advance(at)
        value = standing.measure(at).centidegrees
        if value is None or not is_out(value):
            begun = None
        elif begun is None:
            begun = at
    return begun
