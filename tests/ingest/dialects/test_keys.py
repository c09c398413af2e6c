"""Which words mean a temperature of the store, in which unit and of which probe, and which do not."""

import pytest

from ingest.dialects import Sent, decode
from ingest.dialects.keys import AMBIENT, names_temperature, temperature_key
from tests.helpers_ingest import ARRIVED

FOREIGN = """device_temperature cpu_temp ESP32Temperature internal_temperature target_temperature temperature_setpoint
temp_max minTemperature temperature_alarm temperature_unit temperature_calibration color_temp dew_point
temperatureOffset outdoorTemperature board_temp temp_ok average_temperature_24h_C temperature_C_last humidity
attempt template tp temporary contemp status"""


@pytest.mark.parametrize(
    ("key", "unit"),
    [
        ("temperature", None),
        ("Temp", None),
        ("T", None),
        ("tempc", "C"),
        ("tempF", "F"),
        ("temperature_C", "C"),
        ("temperature_1_F", "F"),
        ("TempC_DS", "C"),
        ("temperatureCelsius", "C"),
        ("temp-C", "C"),
        ("ext_temperature", None),
        ("externalTemperature", None),
        ("fridge_temp", None),
        ("Temp_White", None),
        ("tvc", None),
    ],
)
def test_a_temperature_of_the_store(key, unit):
    told = temperature_key(key)

    assert told is not None
    assert told.unit == unit


@pytest.mark.parametrize(
    "key",
    FOREIGN.split(),
)
def test_no_temperature_of_the_store(key):
    assert temperature_key(key) is None


def told_of(key):
    told = temperature_key(key)
    assert told is not None
    return told


def test_one_probe_in_two_units_is_one_probe():
    assert told_of("tempc_1").probe == told_of("temperature_1_F").probe
    assert told_of("tempc_1").probe != told_of("tempc_2").probe
    assert told_of("ptemperature_C").probe != told_of("temperature_C").probe


@pytest.mark.parametrize("name", ["ambient_temperature", "tamb", "roomTemp"])
def test_a_probe_outside_the_store_is_told_by_its_name(name):
    assert told_of(name).role == AMBIENT


@pytest.mark.parametrize("name", ["probe_1", "ds18b20_2", "fridge", "ILR", "freezer-left", "dallas"])
def test_a_sensor_that_bears_the_name_of_a_probe_measures_a_temperature(name):
    assert names_temperature(name) is not None


@pytest.mark.parametrize("name", ["fridge_humidity", "fridge_door", "wifi_signal", "uptime", "fridge_power", "ilr_set"])
def test_a_sensor_beside_it_measures_something_else(name):
    assert names_temperature(name) is None


def read(payload, topic="loggers/142", **more):
    readings = decode("json", Sent(topic, payload.encode(), ARRIVED, **more))
    return {one.sensor: (one.value, one.unit) for one in readings}


def test_a_time_called_t_is_no_temperature():
    assert read('{"t":1772366400,"temp":4.5}') == {"temp": (450, "Cel")}
    assert read('{"t":4.5}') == {"t": (450, "Cel")}
    assert read('{"t":1772366400}') == {}


def test_numbered_ts_are_temperatures_where_nothing_else_is_one():
    assert read('{"t1":4.5,"T2":5.5}') == {"t1": (450, "Cel"), "T2": (550, "Cel")}
    assert read('{"t1":4.5,"temp":5.5}') == {"temp": (550, "Cel")}
    assert read('{"t1":1772366400}') == {}


def test_one_temperature_in_an_object_of_units():
    assert read('{"temperature":{"fahrenheit":40.1,"celsius":4.5}}') == {"temperature": (450, "Cel")}
    assert read('{"temperature":{"F":40.1}}') == {"temperature": (450, "Cel")}
    assert read('{"temperature":{"value":40.1,"unit":"°F"}}') == {"temperature": (450, "Cel")}
    assert read('{"temperature":{"top":40.1,"unit":"F"}}') == {"temperature/top": (450, "Cel")}


def test_what_stands_beside_a_temperature_is_kept_in_its_unit():
    assert read('{"temp":4.5,"rh":61,"batV":3.6,"battery":97,"door":"open","mains":true}') == {
        "temp": (450, "Cel"),
        "rh": (6100, "%RH"),
        "batV": (360, "V"),
        "battery": (9700, "%EL"),
        "door": (100, "bool"),
        "mains": (100, "bool"),
    }


def test_a_contact_that_is_made_is_a_closed_door_and_millivolts_are_volts():
    assert read('{"contact":true,"voltage":2995}') == {"door": (0, "bool"), "voltage": (299, "V")}


def test_the_watts_of_a_plug_are_no_power_cut():
    assert read('{"power":0,"state":"OFF"}') == {}


def test_rubbish_beside_a_temperature_does_not_spoil_it():
    assert read('{"temp":4.5,"humidity":"wet","door":7,"battery":400}') == {"temp": (450, "Cel")}
