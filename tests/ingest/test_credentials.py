"""Who a device is: the hash that mosquitto keeps, and nothing else."""

import base64
import hashlib
import shutil
import subprocess

import pytest

from coldchain.credentials import matches
from ingest.credentials import Admitted

SALT = b"twelve bytes"


def credential(password, iterations=101):
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), SALT, iterations)
    return f"$7${iterations}${base64.b64encode(SALT).decode()}${base64.b64encode(digest).decode()}"


def test_the_password_matches_and_another_does_not():
    assert matches(credential("s3cret"), "s3cret")
    assert not matches(credential("s3cret"), "s3cret ")
    assert not matches(credential("s3cret"), "")


def test_the_iterations_are_those_of_the_hash():
    assert matches(credential("s3cret", 1_000), "s3cret")
    assert not matches(credential("s3cret", 1_000).replace("$1000$", "$1001$"), "s3cret")


@pytest.mark.parametrize(
    "strange",
    [
        "",
        "s3cret",
        "$6$c2FsdA==$aGFzaA==",
        "$7$x$y$z",
        "$7$0$c2FsdA==$aGFzaA==",
        "$7$1$$",
        "$7$1$!$!",
        "$7$٣$YQ==$YQ==",
        "$7$1$YQ==$YQ==$",
    ],
)
def test_a_hash_of_another_kind_admits_nobody(strange):
    assert not matches(strange, "s3cret")
    assert not matches(strange, "")


@pytest.mark.skipif(shutil.which("mosquitto_passwd") is None, reason="mosquitto_passwd is not installed")
def test_what_mosquitto_wrote_is_understood(tmp_path):
    file = tmp_path / "passwd"
    subprocess.run(["mosquitto_passwd", "-b", "-c", str(file), "pi-0142", "s3cret"], check=True, capture_output=True)
    _, _, written = file.read_text().strip().partition(":")

    assert written.startswith("$7$")
    assert matches(written, "s3cret")
    assert not matches(written, "S3cret")


def test_whoever_was_admitted_is_known_until_the_password_changes():
    admitted = Admitted()
    admitted.remember("pi-0142", credential("s3cret"), "s3cret")

    assert admitted.knows("pi-0142", credential("s3cret"), "s3cret")
    assert not admitted.knows("pi-0142", credential("s3cret"), "other")
    assert not admitted.knows("pi-0142", credential("renewed"), "s3cret")
    assert not admitted.knows("pi-0143", credential("s3cret"), "s3cret")
    assert not Admitted().knows("pi-0142", credential("s3cret"), "s3cret")
