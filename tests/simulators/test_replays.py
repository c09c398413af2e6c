"""Where a replay goes, from what one writes on the command line."""

from pathlib import Path

import pytest

from coldchain.__main__ import main
from coldchain.clock import MINUTE
from coldchain.data_dir import DataDir
from coldchain.ids import DEVICE_ID
from simulators import replays


@pytest.mark.parametrize(
    ("file", "device"),
    [
        ("week.csv", "replay-week"),
        ("ILR 2 (Mai).CSV", "replay-ilr-2-mai"),
        ("तापमान.csv", "replay-file"),
        ("a-very-long-name-for-a-file-that-somebody-gave.csv", "replay-a-very-long-name-for-a-fi"),
    ],
)
def test_a_device_is_named_by_the_file(file, device):
    assert replays.name_for(Path(file)) == device
    assert DEVICE_ID.fullmatch(device)


def test_the_name_to_sign_in_as_goes_into_the_url():
    assert replays.with_user("mqtt://h:1", "a b") == "mqtt://a%20b@h:1"
    assert replays.with_user("mqtt://me@h:1", "you") == "mqtt://me@h:1"
    assert replays.with_user("mqtt://h:1", None) == "mqtt://h:1"


def test_a_zone_that_does_not_exist_is_told():
    with pytest.raises(replays.BadZone, match="'Mars/Olympus' is no zone"):
        replays.zone("Mars/Olympus")


def test_nothing_runs_there(tmp_path):
    with pytest.raises(replays.NothingRuns, match="start `coldchain up --data"):
        replays.account_at(DataDir(tmp_path), "dev-1", "", MINUTE)


def test_a_damaged_file_is_told_with_its_line(tmp_path, capsys):
    path = tmp_path / "week.csv"
    path.write_text("time,temp\n1767225600,4.5\n1767225660,warm\n")

    assert main(["replay", str(path), "--data", str(tmp_path)]) == 2
    assert f"{path}:3: 'warm' is no temperature" in capsys.readouterr().err


def test_a_broker_wants_a_device_and_its_password(tmp_path, capsys):
    path = tmp_path / "week.csv"
    path.write_text("time,temp\n1767225600,4.5\n")

    assert main(["replay", str(path), "--mqtt-url", "mqtt://127.0.0.1:1"]) == 2
    assert "--mqtt-url needs --device" in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["demo", "simulate", "replay"])
def test_each_verb_explains_itself(verb, capsys):
    with pytest.raises(SystemExit) as ended:
        main([verb, "--help"])

    assert ended.value.code == 0
    assert "--data" in capsys.readouterr().out


def test_a_simulation_without_accounts_is_refused(capsys):
    assert main(["simulate", "--mqtt-url", "mqtt://127.0.0.1:1"]) == 2
    assert "--mqtt-url needs --accounts" in capsys.readouterr().err


def test_a_simulation_where_nothing_runs_is_refused(tmp_path, capsys):
    assert main(["simulate", "--data", str(tmp_path)]) == 2
    assert "nothing runs on" in capsys.readouterr().err
