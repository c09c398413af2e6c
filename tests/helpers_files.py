"""Invented files of invented loggers, as theirs are written: every line can be spoilt."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

SERIAL = "990100000071"
JOURNEY = "ZZQT00031"
KEY = "a1b2c3d4e5f60718" * 8
END = f"Cert:\n Vers: 1.0\n Lot: 0000_00_00\n Issuer: Example & Co.\n Public Key: {KEY}\nSig Cert: {KEY}\nSig: {KEY}\n"

Row = tuple[datetime, str]
NEW_YEARS_DAY = date(2026, 1, 1)


def day(
    number: int,
    of: date,
    low: str = "+3.1",
    high: str = "+6.4",
    mean: str = "+4.5",
    *,
    cold: str = "0",
    hot: str = "0",
    lost: int = 0,
    outer: bool = False,
) -> str:
    """One day; `cold` and `hot` are minutes, and what follows them where an alarm sounded."""
    probe = f"  Ext Sensor timeout:\n   t AccST: {lost}\n" if outer else ""
    return (
        f" {number}:\n  Date: {of}\n  Min T: {low}, TS Min T: 05:20\n  Max T: {high}, TS Max T: 14:45\n"
        f"  Avrg T: {mean}\n  Alarm:\n   0:\n    t Acc: {cold}\n   1:\n    t Acc: {hot}\n{probe}"
        f"  Int Sensor timeout:\n   t AccST: {0 if outer else lost}\n  Events: 0\n  Checked:\n   TS AM: 08:55\n"
    )


def fridge_tag(
    days: Sequence[str],
    rows: Sequence[Row] | None = None,
    *,
    model: str = "Q-tag Fridge-tag 2",
    serial: str = SERIAL,
    created: str = "2026-01-03 10:30",
    low: str = "-0.5, t AL: 60",
    high: str = "+8.0, t AL: 600",
    interval: int | None = None,
    outer: bool = False,
    unit: str = "C",
) -> str:
    """A Fridge-tag; with `rows` one that keeps a reading every few minutes."""
    if rows is not None and interval is None:
        interval = 5
    conf = (
        f"Device: {model}\nVers: 0.5\nFw Vers: 9.0p0o\nSensor: 1\nConf:\n Serial: {serial}\n PCB: ZZ0000000001\n"
        f" CID: 1\n Lot: 0000_00_00\n Zone: 0.00\n Measurement delay: 10\n Moving Avrg: 1\n Temp unit: {unit}\n"
        f" Alarm:\n  0:\n   T AL: {low}\n  1:\n   T AL: {high}\n"
    )
    if outer:
        conf += " Ext Sensor:\n  Timeout: 10, Offset: +0.0\n"
    conf += " Int Sensor:\n  Timeout: 1, Offset: +0.0\n Report history length: 60\n"
    if interval is not None:
        conf += f" Logging Interval: {interval}\n"
    conf += " Test Res: 1, Test TS: 2025-10-02 09:30\n"
    errors = "Errors:\n 19:\n  Err Count: 1, Err TS: 2025-12-24 15:30\n"
    history = f"Hist:\n TS Actv: 2025-12-20 08:00\n TS Report Creation: {created}\n{''.join(days)}"
    return conf + errors + history + ("" if rows is None else data(rows)) + END


def data(rows: Sequence[Row], limits: tuple[float, float] = (2.0, 8.0)) -> str:
    lines = ["Data:", "\tyyyy-MM-dd hh:mm\tT\tOut of limits"]
    for at, celsius in rows:
        is_out = celsius[-1].isdigit() and not limits[0] <= float(celsius) <= limits[1]
        lines.append(f"\t{at:%Y-%m-%d %H:%M}\t{celsius}" + ("\tx" if is_out else ""))
    return "\n".join(lines) + "\n"


def every_five_minutes(begin: datetime, count: int, celsius: str, minutes: int = 5) -> list[Row]:
    return [(begin + timedelta(minutes=minutes * number), celsius) for number in range(count)]


def three_days(*, hot: bool = False) -> list[str]:
    """Newest first; on the second the fridge was hot for as long as its alarm needs."""
    heat = "702, TS A: 18:10, C A: 0" if hot else "0"
    return [
        day(1, date(2026, 1, 3)),
        day(2, date(2026, 1, 2), high="+11.2" if hot else "+6.4", hot=heat),
        day(3, date(2026, 1, 1)),
    ]


def q_tag(rows: Sequence[Row], *, serial: str = JOURNEY, fired: str | None = None, interval: int = 10) -> str:
    """A Q-tag CLm doc; `fired` is the line of an alarm of its first limit."""
    alarm = "" if fired is None else f"   {fired}\n"
    return (
        f"Device: Q-tag CLm doc LR\nVers: 1.9\nFw Vers: 9.7.04o\nDevice ID: 80\nSensor: 1\nConf:\n Serial: {serial}\n"
        f" PCB: 00000000000001\n Zone: 0.00\n Start Delay: 30\n MKT Energy: 83.0\n User String 1: to Rampur, by van\n"
        f" User String 2:\n Logging Interval: {interval}\n Expired: 0\n Alarm:\n"
        "  1:\n   Type: 2, T AL: 8.0, t AL: 30\n  2:\n   Type: 4, T AL: 8.0, t AL: 60\n  3:\n   Type: 0\n"
        "  4:\n   Type: 3, T AL: 2.0, t AL: 60\n  5:\n   Type: 1, T AL: 2.0, t AL: 30\n"
        "Res:\n TS Actv: 2025-12-30 08:00\n TS Start: 2026-01-01 06:00\n TS Stop: 2026-01-01 12:00\n TS Batt Temp:\n"
        f" Min T: 3.0, TS Min T: 2026-01-01 06:10\n MKT: 5.0\n Alarm:\n  1:\n{alarm}  2:\n  4:\n  5:\n"
        f"Marker:\n\tNumber\tT\tyyyy-MM-dd hh:mm\t\n{data(rows)}{END}"
    )
