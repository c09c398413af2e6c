"""One TOML file says it all, and what is wrong in it is told with its file and key."""

import re
from pathlib import Path

import pytest

from coldchain.clock import SECOND
from gateway_agent.settings import NO_RULES, BadSettings, SensorSettings, load, parse

LEAST = """
device_id = "pi-0142"
[broker]
url = "mqtt://broker.example.org"
[[sensor]]
channel = "tvc"
kind = "ds18b20"
rom = "28-0316a2795aff"
"""
FILE = Path("/etc/coldchain/agent.toml")


def parsed(text):
    return parse(text, FILE)


def with_line(table, line):
    """The least settings, with one line more in a table."""
    if table == "":
        return line + "\n" + LEAST
    if f"[{table}]" in LEAST:
        return LEAST.replace(f"[{table}]\n", f"[{table}]\n{line}\n")
    return f"{LEAST}\n[{table}]\n{line}\n"


def test_little_is_needed():
    settings = parsed(LEAST)

    assert settings.device_id == "pi-0142"
    assert (settings.broker.host, settings.broker.port, settings.broker.is_tls) == ("broker.example.org", 1883, False)
    assert settings.broker.username == "pi-0142"
    assert settings.sensors == (SensorSettings("tvc", "ds18b20", rom="28-0316a2795aff"),)
    assert settings.rules.name == "refrigerator"
    assert (settings.interval, settings.max_readings, settings.max_age) == (60 * SECOND, 60, 0)
    assert (settings.when_full, settings.sync, settings.has_rtc) == ("drop-oldest", "full", False)


def test_everything_can_be_said(tmp_path):
    (tmp_path / "ca.pem").write_text("an authority")
    (tmp_path / "password").write_text("secret word\n")
    file = tmp_path / "agent.toml"
    file.write_text(
        """
        device_id = "pi-0142"
        [broker]
        url = "mqtts://broker.example.org"
        username = "somebody"
        password_file = "password"
        tls_ca = "ca.pem"
        [outbox]
        path = "data/outbox.db"
        when_full = "stop"
        min_free_mb = 5
        sync = "off"
        [beat]
        interval_s = 300
        [packs]
        max_readings = 30
        max_age_s = 600
        window = 5
        jitter_s = 0
        [clock]
        has_rtc = true
        [machine]
        hardware_serial = "serial"
        machine_id = "/etc/machine-id"
        [alarm]
        rules = "freezer"
        command = ["/usr/local/bin/siren", "--loud"]
        warnings = true
        wished_limits_after_s = 0
        [[sensor]]
        channel = "tvc"
        kind = "ds18b20"
        rom = "28-0316a2795aff"
        base = "w1"
        [[sensor]]
        channel = "room"
        kind = "simulated"
        mean_c = 31.25
        swing_c = 2
        period_s = 60
        rules = "none"
        """
    )
    settings = load(file)

    assert (settings.broker.port, settings.broker.is_tls, settings.broker.tls_ca) == (8883, True, tmp_path / "ca.pem")
    assert (settings.broker.username, settings.broker.password) == ("somebody", "secret word")
    assert (settings.outbox, settings.when_full, settings.sync) == (tmp_path / "data/outbox.db", "stop", "off")
    assert (settings.min_free, settings.interval, settings.max_age) == (5_000_000, 300 * SECOND, 600 * SECOND)
    assert (settings.max_readings, settings.window, settings.jitter, settings.has_rtc) == (30, 5, 0, True)
    assert settings.hardware_serial == tmp_path / "serial"
    assert settings.rules.name == "freezer"
    assert settings.alarm_command == ("/usr/local/bin/siren", "--loud")
    assert (settings.rings_on_warnings, settings.wished_limits_after) == (True, 0)
    assert settings.sensors[0].base == tmp_path / "w1"
    assert settings.sensors[1] == SensorSettings(
        "room", "simulated", mean=3125, swing=200, period=60 * SECOND, rules=NO_RULES
    )


def test_ones_own_rules_can_stand_in_the_file():
    settings = parsed(LEAST + '[[rule]]\ncode = "HOT"\noperator = ">"\nlimit_c = 7.5\nduration_s = 60\n')

    assert [(rule.code, rule.limit) for rule in settings.rules.rules] == [("HOT", 750)]


def test_ones_own_rules_can_stand_in_another_file(tmp_path):
    (tmp_path / "rules.toml").write_text('[[rule]]\ncode = "HOT"\noperator = ">"\nlimit_c = 7.5\nduration_s = 60\n')

    assert parse(with_line("alarm", 'rules = "rules.toml"'), tmp_path / "agent.toml").rules.rules[0].limit == 750


def test_name_and_password_can_stand_in_the_url():
    broker = parsed(LEAST.replace("mqtt://", "mqtt://some%20body:pass%2Fword@")).broker

    assert (broker.username, broker.password) == ("some body", "pass/word")


def test_a_password_is_not_shown():
    assert "secret" not in repr(parsed(with_line("broker", 'password = "secret"')))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (LEAST.replace('device_id = "pi-0142"', ""), "device_id is missing"),
        (LEAST.replace('"pi-0142"', '"Pi 0142"'), "device_id is refused: 'Pi 0142' is no device id"),
        (LEAST.replace('"pi-0142"', "142"), "device_id must be a text"),
        (LEAST.replace("url", "uri"), "broker.url is missing"),
        (LEAST.replace("mqtt://", "http://"), "broker.url must be mqtt://HOST:PORT"),
        (LEAST.replace(".org", ".org:port"), "broker.url has no port"),
        (with_line("broker", 'tls_ca = "ca.pem"'), "broker.tls_ca belongs to TLS"),
        (with_line("broker", 'password_file = "/no/such"'), "broker.password_file cannot be read"),
        (with_line("broker", 'password = "a"\npassword_file = "b"'), "broker.password stands beside password_file"),
        (with_line("broker", 'pasword = "a"'), "broker.pasword is unknown; known here: password, password_file"),
        (with_line("", 'devise_id = "a"'), "devise_id is unknown"),
        (with_line("", "outbox = 3"), "outbox must be a table"),
        (with_line("outbox", 'when_full = "explode"'), "when_full must be 'drop-oldest' or 'stop', not 'explode'"),
        (with_line("outbox", 'sync = "perhaps"'), "outbox.sync must be 'full' or 'off'"),
        (with_line("outbox", "min_free_mb = -1"), "outbox.min_free_mb must be a whole number from 0"),
        (with_line("beat", "interval_s = 0"), "beat.interval_s must be a whole number from 1 to 3600, not 0"),
        (with_line("beat", "interval_s = 1.5"), "beat.interval_s must be a whole number from 1 to 3600, not 1.5"),
        (with_line("beat", "interval_s = true"), "beat.interval_s must be a whole number"),
        (with_line("packs", "max_readings = 0"), "packs.max_readings must be"),
        (with_line("packs", "max_age_s = 121"), "packs.max_age_s must be at most twice beat.interval_s, 120 here"),
        (with_line("clock", 'has_rtc = "yes"'), "clock.has_rtc must be true or false"),
        (with_line("alarm", 'rules = "refridgerator"'), "alarm.rules is refused: no rule set is called"),
        (with_line("alarm", 'rules = "/no/such.toml"'), "alarm.rules cannot be read"),
        (with_line("alarm", 'command = "siren"'), "alarm.command must be a list of texts"),
        (with_line("alarm", 'rules = "freezer"') + "[[rule]]\n", "alarm.rules stands beside [[rule]]"),
        (LEAST + '[[rule]]\ncode = "X"\n', "rule is refused"),
        (LEAST[: LEAST.index("[[sensor]]")], "sensor is missing: write at least one [[sensor]] table"),
        (LEAST.replace('"ds18b20"', '"thermocouple"'), "sensor 1, kind must be 'ds18b20' or 'simulated'"),
        (LEAST.replace("rom", "room"), "sensor 1, rom is missing"),
        (LEAST.replace("28-0316a2795aff", "../28"), "sensor 1, rom is the name of a folder"),
        (LEAST.replace('"tvc"', '"my fridge"'), "sensor 1, channel 'my fridge' is no name"),
        (LEAST.replace('"tvc"', '"seq"'), "sensor 1, channel 'seq' is no name"),
        (LEAST + LEAST[LEAST.index("[[sensor]]") :], "sensor 2, channel 'tvc' stands twice"),
        (LEAST + '[[sensor]]\nchannel = "a"\nkind = "simulated"\nmean_c = "x"\n', "sensor 2, mean_c must be degrees"),
        (LEAST + '[[sensor]]\nchannel = "a"\nkind = "simulated"\nmean_c = nan\n', "sensor 2, mean_c must be degrees"),
        ("device_id = ", "is no TOML"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_file_and_key(text, told):
    with pytest.raises(BadSettings, match=f"^{re.escape(str(FILE))}.*{re.escape(told)}"):
        parsed(text)


def test_a_missing_authority_is_told():
    text = with_line("broker", 'tls_ca = "no-such.pem"').replace("mqtt://", "mqtts://")

    with pytest.raises(BadSettings, match=r"broker\.tls_ca names /etc/coldchain/no-such\.pem"):
        parsed(text)


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(BadSettings, match=r"none\.toml cannot be read"):
        load(tmp_path / "none.toml")
