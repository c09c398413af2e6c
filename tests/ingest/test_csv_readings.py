"""Readings in a file: what is read, what is damaged, and that `coldchain judge` says what the platform would."""

import io
import json
import sys

import pytest

from coldchain.__main__ import main
from coldchain.clock import MINUTE, iso
from coldchain.judgement.interval import as_shown
from tests.tales import HEAT, QUARTER, every, hour, judge, minute, story

HEADER = "sensor,measured_at,celsius\n"


@pytest.fixture
def told(tmp_path, capsys):
    """Judges texts as files; gives exit code, the JSON lines, and what was said on stderr."""

    def judged(*texts, **options):
        files = []
        for number, text in enumerate(texts):
            path = tmp_path / f"{number}.csv"
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
            files.append(str(path))
        arguments = [f"--{name}={value}" for name, value in options.items()]
        code = main(["judge", *files, "--json", *arguments])
        said = capsys.readouterr()
        return code, [json.loads(line) for line in said.out.splitlines()], said.err.replace(f"{tmp_path}/", "")

    return judged


def rows(readings, sensor="tvc"):
    return "".join(f"{sensor},{iso(at)},{celsius}\n" for at, celsius in readings)


def hot_day(sensor="tvc", celsius=9.1):
    """Twelve hours out of range, then back."""
    return rows([*every(QUARTER, hour(0), hour(12), celsius), (hour(12.25), 5.0)], sensor)


def only(told_lines, rule="HEAT"):
    [line] = [one for one in told_lines if one["rule"] == rule]
    return line


def started(result):
    code, lines, error = result
    assert (code, error) == (0, "")
    return [(one["sensor"], one["rule"], one["started_at"], one["ended_at"]) for one in lines]


def test_an_interval_has_the_fields_of_the_excursions(told):
    code, lines, _ = told(HEADER + hot_day())

    assert code == 0
    assert only(lines) == {
        "sensor": "tvc",
        "rule": "HEAT",
        "severity": "alarm",
        "started_at": "2026-01-01T00:00:00Z",
        "alarmed_at": "2026-01-01T10:00:00Z",
        "ended_at": "2026-01-01T12:15:00Z",
        "extreme_c": 9.1,
        "minutes_out": 735.0,
        "minutes_unknown": 0.0,
        "proven": True,
    }


def test_a_file_is_judged_as_the_platform_judges(told):
    readings = [*every(QUARTER, hour(0), hour(30), 9.0), (hour(31), 5.0), *every(QUARTER, hour(50), hour(61), 8.4)]
    [first, second] = judge(story(*readings), HEAT)

    _, lines, _ = told(HEADER + rows(readings), interval=900)

    assert [one for one in lines if one["rule"] == "HEAT"] == [
        {"sensor": "tvc", **as_shown(first)},
        {"sensor": "tvc", **as_shown(second)},
    ]


def test_still_out_has_no_end(told):
    _, lines, _ = told(HEADER + rows(every(QUARTER, hour(0), hour(12), 9.1)))

    assert only(lines)["ended_at"] is None


def test_intervals_come_by_sensor_then_start_then_code(told):
    _, lines, _ = told(HEADER + hot_day("b") + hot_day("a") + rows(every(QUARTER, hour(20), hour(32), 9.1), "a"))

    assert [(one["sensor"], one["started_at"][11:13], one["rule"]) for one in lines] == [
        ("a", "00", "HEAT"),
        ("a", "00", "HEAT-WARN"),
        ("a", "20", "HEAT"),
        ("a", "20", "HEAT-WARN"),
        ("b", "00", "HEAT"),
        ("b", "00", "HEAT-WARN"),
    ]


def test_order_and_repeats_change_nothing(told):
    lines = hot_day().splitlines(keepends=True)

    assert told(HEADER + "".join(reversed(lines + lines))) == told(HEADER + hot_day())


def test_a_sensor_that_goes_on_in_the_next_file_is_one_story(told):
    readings = every(QUARTER, hour(0), hour(12), 9.1)

    assert told(HEADER + rows(readings[25:]), HEADER + rows(readings[:25])) == told(HEADER + rows(readings))


def test_columns_stand_in_any_order_and_further_ones_are_left_alone(told):
    text = "Celsius , battery,measured_at,sensor\n"
    text += "".join(f"9.1,ok,{iso(at)},tvc\n" for at in range(hour(0), hour(12) + 1, QUARTER))

    assert len(told(text)[1]) == 2


@pytest.mark.parametrize("change", ["\r\n", "\ufeff", "\n\n", "# made by a logger\n", '"quoted"'])
def test_what_spreadsheets_do_to_a_file_does_no_harm(told, change):
    text = HEADER + hot_day()
    changed = {
        "\r\n": text.replace("\n", "\r\n"),
        "\ufeff": "\ufeff" + text,
        "\n\n": text.replace("\n", "\n\n"),
        "# made by a logger\n": "# made by a logger\n" + text,
        '"quoted"': text.replace("tvc", '"tvc"'),
    }[change]

    assert told(changed) == told(text)


def test_semicolons_and_decimal_commas_are_understood(told):
    text = (HEADER + hot_day(celsius=9.15)).replace(",", ";").replace(".", ",")

    assert only(told(text)[1])["extreme_c"] == 9.15


def test_unix_seconds_are_instants_too(told):
    text = HEADER + "".join(f"tvc,{at // 1000},9.1\n" for at in range(hour(0), hour(12) + 1, QUARTER))

    assert only(told(text)[1])["started_at"] == "2026-01-01T00:00:00Z"


def test_a_time_that_names_no_zone_is_in_the_zone_that_is_meant(told):
    text = HEADER + hot_day().replace("Z", "")

    assert only(told(text)[1])["started_at"] == "2026-01-01T00:00:00Z"
    assert only(told(text, zone="Asia/Kolkata")[1])["started_at"] == "2025-12-31T18:30:00Z"
    assert only(told(HEADER + hot_day(), zone="Asia/Kolkata")[1])["started_at"] == "2026-01-01T00:00:00Z"


def test_a_fault_is_no_temperature_and_ends_nothing(told):
    hot = every(QUARTER, hour(0), hour(12), 9.1)
    faults = f"tvc,{iso(minute(1))},\ntvc,{iso(minute(2))},fault:unplugged\ntvc,{iso(minute(3))},-127\n"
    faults += f"tvc,{iso(minute(4))},1e9\n"

    assert started(told(HEADER + faults + rows(hot), interval=900)) == started(told(HEADER + rows(hot), interval=900))


def test_digits_are_read_half_away_from_zero(told):
    at_limit = HEADER + rows([(at, "8.004999") for at, _ in every(QUARTER, hour(0), hour(12), 0)])
    above = at_limit.replace("8.004999", "8.005")

    assert (told(at_limit)[1], only(told(above)[1])["extreme_c"]) == ([], 8.01)


# The interval


def gap_of_50_minutes(tell="", column=""):
    hot = [at for at, _ in every(QUARTER, hour(0), hour(12), 0) if not hour(5) < at < hour(5) + 50 * MINUTE]
    header = f"{tell}sensor,measured_at,celsius{column and ',interval_s'}\n"
    return header + "".join(f"tvc,{iso(at)},9.1{column and ',' + column}\n" for at in hot)


@pytest.mark.parametrize(
    ("text", "options", "unknown"),
    [
        (gap_of_50_minutes(), {}, 60),  # the median spacing is a quarter of an hour
        (gap_of_50_minutes(), {"interval": 1800}, 0),
        (gap_of_50_minutes(), {"interval": 1799.5}, 60),
        (gap_of_50_minutes("# interval_s: 1800\n"), {}, 0),
        (gap_of_50_minutes(column="1800"), {}, 0),
        (gap_of_50_minutes("# interval_s: 1800\n"), {"interval": 900}, 60),
        (gap_of_50_minutes(column="1800"), {"interval": 900}, 60),
    ],
)
def test_the_interval_is_the_one_told_else_the_files_own_else_how_it_looks(told, text, options, unknown):
    assert only(told(text, **options)[1])["minutes_unknown"] == unknown


def test_each_sensor_has_its_own_spacing(told):
    slow = [(at, 9.1) for at, _ in every(2 * QUARTER, hour(0), hour(12), 0)]

    _, lines, _ = told(HEADER + hot_day("quick") + rows(slow, "slow"))

    assert [one["minutes_unknown"] for one in lines] == [0, 0, 0, 0]


def test_a_file_may_state_another_interval_from_an_instant_on(told):
    before = [f"tvc,{iso(at)},9.1,900\n" for at in range(hour(0), hour(6), QUARTER)]
    after = [f"tvc,{iso(at)},9.1,3600\n" for at in range(hour(6), hour(13), 4 * QUARTER)]

    assert only(told("sensor,measured_at,celsius,interval_s\n" + "".join(before + after))[1])["minutes_unknown"] == 0


# Damaged


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("", 1, "no header"),
        ("\n\n", 1, "no header"),
        ("sensor,measured_at\n", 1, "celsius"),
        ("a,b,c\ntvc,2026-01-01T00:00:00Z,5\n", 1, "sensor, measured_at, celsius"),
        (HEADER.replace("sensor", "celsius,sensor"), 1, "twice"),
        (HEADER + "tvc,2026-01-01T00:00:00Z,5\ntvc,2026-01-01T00:15:00Z,NaN\n", 3, "'NaN'"),
        (HEADER + "tvc,2026-01-01T00:00:00Z,inf\n", 2, "'inf'"),
        (HEADER + "tvc,2026-01-01T00:00:00Z,warm\n", 2, "'warm'"),
        (HEADER + "tvc,2026-01-01T00:00:00Z,1_0\n", 2, "'1_0'"),
        (HEADER + "tvc,2026-01-01T00:00:00Z,٤\n", 2, "no temperature"),
        (HEADER + "tvc,2026-01-01T00:00:00Z,0x10\n", 2, "'0x10'"),
        (HEADER + "tvc,yesterday,5\n", 2, "'yesterday'"),
        (HEADER + "tvc,,5\n", 2, "no instant"),
        (HEADER + "tvc,2026-02-30T00:00:00Z,5\n", 2, "no instant"),
        (HEADER + "tvc,1e300,5\n", 2, "no instant"),
        (HEADER + "tvc,nan,5\n", 2, "no instant"),
        (HEADER + "tvc,0001-01-01T00:00:00,5\n", 2, "no instant"),
        (HEADER + "tvc,1767225600000,5\n", 2, "no instant"),
        (HEADER + "tvc,2026-01-01T00:00:00Z\n", 2, "2 fields"),
        (HEADER + "tvc,2026-01-01T00:00:00Z,4,56\n", 2, "4 fields"),
        (HEADER + ",2026-01-01T00:00:00Z,5\n", 2, "no sensor"),
        (HEADER + 'tvc,"2026-01-01T00:00:00Z,5\n', 2, ""),
        (HEADER.encode() + b"tvc,2026-01-01T00:00:00Z,5\n\xff\xfe\n", 3, "UTF-8"),
        ("\ufeff".encode("utf-16") + HEADER.encode("utf-16"), 1, "UTF-8"),
        ("# interval_s: soon\n" + HEADER, 1, "'soon'"),
        ("sensor,measured_at,celsius,interval_s\ntvc,2026-01-01T00:00:00Z,5,-1\n", 2, "'-1'"),
    ],
)
def test_a_damaged_file_is_told_by_file_and_line_and_not_judged(told, text, line, reason):
    code, lines, error = told(text)

    assert (code, lines) == (3, [])
    assert error.startswith(f"0.csv:{line}: ")
    assert reason in error
    assert error.count("\n") == 1


def test_beside_a_damaged_file_the_others_are_judged_and_the_exit_code_tells(told):
    code, lines, error = told(HEADER + "tvc,now,5\n", HEADER + hot_day())

    assert (code, len(lines)) == (3, 2)
    assert error.startswith("0.csv:2: ")


def test_a_file_without_rows_has_nothing_to_judge(told):
    assert told(HEADER) == (0, [], "")


# The command


def test_standard_input_is_a_file_too(capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO((HEADER + hot_day()).encode())))

    assert main(["judge", "-", "--json"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_people_read_a_table(tmp_path, capsys):
    path = tmp_path / "a.csv"
    path.write_text(HEADER + hot_day())
    main(["judge", str(path)])
    table = capsys.readouterr().out.splitlines()
    path.write_text(HEADER)
    main(["judge", str(path)])

    assert table[0].split()[:3] == ["sensor", "rule", "severity"]
    assert table[1].split()[:2] == ["tvc", "HEAT"]
    assert "no interval" in capsys.readouterr().out


def test_rules_may_come_from_a_file(told, tmp_path):
    rules = tmp_path / "own.toml"
    rules.write_text(
        '[[rule]]\ncode = "WARM"\noperator = ">="\nlimit_c = 9.1\nmode = "cumulative"\nduration_s = 1800\n'
        'window_s = 86400\nseverity = "warning"\nsensor = "tv*"\n'
    )

    _, lines, _ = told(HEADER + hot_day() + hot_day("ambient"), rules=rules)

    assert [(one["sensor"], one["rule"], one["severity"]) for one in lines] == [("tvc", "WARM", "warning")]


def test_the_sets_that_ship_are_known_by_name(told):
    _, lines, _ = told(HEADER + hot_day(celsius=-14.0), rules="freezer")

    assert {one["rule"] for one in lines} == {"HEAT", "HEAT-WARN"}


@pytest.mark.parametrize(
    "options", [{"rules": "nonesuch"}, {"zone": "Mars/Base"}, {"zone": "/etc"}, {"interval": 0}, {"interval": "nan"}]
)
def test_an_argument_that_cannot_be_used_is_told_before_anything_is_judged(told, options):
    code, lines, error = told(HEADER + hot_day(), **options)

    assert (code, lines) == (2, [])
    assert error.startswith("coldchain judge: ")


def test_a_file_that_is_not_there_is_told(capsys):
    assert main(["judge", "/nonesuch.csv"]) == 2
    assert "No such file" in capsys.readouterr().err


def test_a_ds18b20_that_has_not_measured_is_no_hot_fridge(told):
    rows = "".join(f"tvc,2026-01-01T{hour:02}:00:00Z,{'85.0' if hour else '4.5'}\n" for hour in range(24))

    assert told("sensor,measured_at,celsius\n" + rows, interval="3600") == (0, [], "")
