"""Forms keep what was typed through a reload, a lost line and a sign-out; and each does what it says."""

import re

import pytest
from playwright.sync_api import expect

from tests.dashboards.conftest import DESK, Window, until
from tests.dashboards.stage import PASSWORD, TOKEN, USER, Stage, row

pytestmark = pytest.mark.browser


def test_signing_in_shows_the_wall_and_stays_through_a_reload(window: Window) -> None:
    page = window.open("/", signed_in=False)
    page.get_by_label("Name").fill(USER)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()

    expect(page.locator("h1")).to_have_text("Narmadapur district")
    page.reload()
    expect(page.locator("h1")).to_have_text("Narmadapur district")


def test_a_wrong_password_is_told_and_the_name_stays(window: Window) -> None:
    page = window.open("/", signed_in=False)
    page.get_by_label("Name").fill(USER)
    page.get_by_label("Password", exact=True).fill("guess")
    page.get_by_role("button", name="Sign in").click()

    expect(page.get_by_role("alert")).to_contain_text("do not belong together")
    page.reload()
    expect(page.get_by_label("Name")).to_have_value(USER)
    expect(page.get_by_label("Password", exact=True)).to_have_value("")


def test_too_many_attempts_say_how_long_to_wait(window: Window, stage: Stage) -> None:
    stage.problems["/sign-in"] = (429, {"detail": "slowly"})
    page = window.open("/", signed_in=False)
    page.get_by_label("Name").fill(USER)
    page.get_by_label("Password", exact=True).fill("guess")
    page.get_by_role("button", name="Sign in").click()

    expect(page.get_by_role("alert")).to_contain_text("Try again in 2 min")


def test_a_password_is_never_kept(window: Window) -> None:
    page = window.open("/", signed_in=False)
    page.get_by_label("Name").fill(USER)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("h1")).to_have_text("Narmadapur district")

    assert PASSWORD not in page.evaluate("JSON.stringify({...localStorage})")


def test_a_comment_that_was_not_sent_is_there_after_a_reload(window: Window) -> None:
    page = window.open("/incidents/incident-0")
    page.get_by_label("What did you see? What did you do?").fill("The plug was out")
    page.reload()

    expect(page.get_by_label("What did you see? What did you do?")).to_have_value("The plug was out")


def test_a_comment_outlives_a_lost_line_and_is_sent_when_it_is_back(window: Window, stage: Stage) -> None:
    page = window.open("/incidents/incident-0")
    page.get_by_label("What did you see? What did you do?").fill("The plug was out")
    stage.deaf = True
    page.locator(".answer").get_by_role("button", name="Acknowledge").click()
    expect(page.get_by_role("alert")).to_contain_text("What you typed is kept")

    stage.deaf = False
    page.locator(".answer").get_by_role("button", name="Acknowledge").click()
    until(page, "!Object.keys(localStorage).some((name) => name.includes('acknowledge.'))")

    assert stage.told("POST", "/incidents/incident-0/acknowledge") == {"comment": "The plug was out"}


def test_what_was_typed_outlives_a_sign_in_that_ended(window: Window, stage: Stage) -> None:
    page = window.open("/incidents/incident-0")
    page.get_by_label("Add what you did").fill("Moved 620 doses to ILR 1")
    stage.signed_out = True
    page.get_by_role("button", name="Write it down").click()
    expect(page.get_by_role("status")).to_contain_text("Your sign-in has ended")

    page.get_by_label("Name").fill(USER)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()

    expect(page.get_by_label("Add what you did")).to_have_value("Moved 620 doses to ILR 1")


def test_another_person_at_the_same_phone_sees_nothing_of_it(window: Window, stage: Stage) -> None:
    context = window.context()
    page = window.open("/devices/new", within=context)
    page.locator("#device-id").fill("pi-0500")
    until(page, "Object.keys(localStorage).some((name) => name.endsWith('.enrol'))")
    page.goto(window.address + "/more")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_selector("#password")

    assert page.evaluate("localStorage.getItem('coldchain.wall')") is None
    assert page.evaluate("localStorage.getItem('coldchain.session')") is None
    stage.username = "s.rao"
    someone = {"token": TOKEN, "me": stage.me()}
    page.evaluate("(kept) => localStorage.setItem('coldchain.session', JSON.stringify(kept))", someone)
    page.goto(window.address + "/devices/new")
    expect(page.locator("#device-id")).to_have_value("")


def test_enrolling_shows_the_password_once_with_a_code_and_a_file(window: Window, stage: Stage) -> None:
    page = window.open("/devices/new", size=DESK)
    page.get_by_role("button", name="pi-0116").click()
    page.get_by_label("Stands at").select_option("point-90")
    page.get_by_role("button", name="5 min", exact=True).click()
    page.get_by_role("button", name="Enrol it").click()

    expect(page.locator("h1")).to_have_text("pi-0116 is enrolled")
    expect(page.locator(".qr")).to_be_visible()
    assert page.locator(".qr").evaluate("(image) => image.decode().then(() => image.naturalWidth > 0)")
    expect(page.locator("main")).to_contain_text("kTq-invented-8w")
    sent = stage.told("POST", "/devices")
    assert sent == {"device_id": "pi-0116", "kind": "agent", "interval_s": 300, "storage_point_id": "point-90"}
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save as a file").click()
    assert saved.value.suggested_filename == "pi-0116.toml"
    assert "kTq-invented-8w" not in page.evaluate("JSON.stringify({...localStorage})")

    stage.tell("row", {**row(90, "ok", "ILR 4"), "celsius": 4.4, "device_id": "pi-0116"})
    expect(page.locator("main")).to_contain_text("It speaks: 4.4 °C.")


def test_a_bad_device_name_is_told_before_anything_is_sent(window: Window, stage: Stage) -> None:
    page = window.open("/devices/new")
    page.locator("#device-id").fill("Fridge 7")
    page.get_by_role("button", name="Enrol it").click()

    expect(page.get_by_role("alert")).to_contain_text("3 to 32 small letters")
    assert not [1 for method, path, _ in stage.asked if (method, path) == ("POST", "/devices")]


def test_a_name_that_was_given_before_is_told(window: Window, stage: Stage) -> None:
    page = window.open("/devices/new")
    stage.problems["/devices"] = (409, {"detail": "pi-0100 exists"})
    page.locator("#device-id").fill("pi-0100")
    page.get_by_role("button", name="Enrol it").click()

    expect(page.get_by_role("alert")).to_contain_text("given before")
    expect(page.locator("#device-id")).to_have_value("pi-0100")


def test_placing_a_device_wants_a_storage_point(window: Window, stage: Stage) -> None:
    page = window.open("/devices/pi-0112")
    page.get_by_role("button", name="Place it there").click()
    expect(page.get_by_role("alert")).to_contain_text("Pick a storage point first")
    page.get_by_label("Storage point").select_option("point-90")
    page.get_by_role("button", name="Place it there").click()

    expect(page.get_by_role("status")).to_contain_text("Placed.")
    assert stage.told("POST", "/devices/pi-0112/placements") == {"storage_point_id": "point-90", "role": "product"}


def test_ending_a_device_asks_once_and_says_what_follows(window: Window, stage: Stage) -> None:
    page = window.open("/devices/pi-0105")
    page.get_by_role("button", name="End this device").click()
    expect(page.locator("main")).to_contain_text("pi-0105 may no longer send. Its readings stay.")
    page.get_by_role("button", name="Not now").click()
    assert not [1 for _, path, _ in stage.asked if path.endswith("/end")]
    page.get_by_role("button", name="End this device").click()
    page.get_by_role("button", name="Yes, end it").click()
    until(page, "!document.querySelector('.btn.danger')")

    assert [1 for _, path, _ in stage.asked if path == "/devices/pi-0105/end"]


def test_a_refused_message_is_read_again_on_a_persons_word(window: Window, stage: Stage) -> None:
    page = window.open("/refusals")
    first = page.locator(".cards > li").first
    expect(first).to_contain_text("It cannot be read.")
    expect(first).to_contain_text("came 41 times")
    first.get_by_role("button", name="Read it again").click()
    first.get_by_role("button", name="Yes, read it again").click()
    expect(first.get_by_role("status")).to_contain_text("It was believed now.")

    second = page.locator(".cards > li").nth(1)
    second.get_by_role("button", name="Read it again").click()
    second.get_by_role("button", name="Yes, read it again").click()
    expect(second.get_by_role("status")).to_contain_text("It still cannot be believed.")


def test_lines_that_were_not_taken_in_come_back_as_a_file(window: Window) -> None:
    page = window.open("/imports")
    table = "\ufeffname,storage_class,place\nILR 9,refrigerator,PHC Nowhere\n"
    file = {"name": "points.csv", "mimeType": "text/csv", "buffer": table.encode()}
    page.locator("input[type=file]").set_input_files(file)  # type: ignore[arg-type]  # a typed dict, spelt out
    expect(page.locator("textarea")).to_have_value(re.compile("^name,storage_class"))
    page.get_by_role("button", name="Import", exact=True).click()

    expect(page.locator(".result")).to_contain_text("39 new, 2 changed.")
    expect(page.locator(".result")).to_contain_text("2 lines were not taken in")
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save these lines with their reasons").click()
    text = saved.value.path().read_text("utf-8-sig")
    head, first, *_ = text.splitlines()
    assert head == "name,storage_class,place,reason"
    assert first == "ILR 9,refrigerator,PHC Nowhere,no place is called 'PHC Nowhere'"


def test_a_storage_point_is_added_by_hand(window: Window, stage: Stage) -> None:
    page = window.open("/storage-points")
    page.get_by_label("Name").fill("ILR 7")
    page.get_by_role("button", name="Freezer", exact=True).click()
    page.get_by_label("Where").select_option("place-5")
    page.get_by_role("button", name="Add it").click()

    expect(page.get_by_role("status")).to_contain_text("ILR 7 was added.")
    assert stage.told("POST", "/storage-points") == {"name": "ILR 7", "storage_class": "freezer", "place_id": "place-5"}


@pytest.mark.parametrize(
    ("status", "said"), [(403, "You may not"), (404, "No such incident"), (500, "could not do this")]
)
def test_a_refused_page_says_so_in_words(window: Window, stage: Stage, status: int, said: str) -> None:
    stage.problems["/incidents/incident-0"] = (status, {"detail": "-"})
    page = window.open("/incidents/incident-0")

    expect(page.get_by_role("alert")).to_contain_text(said)


def test_an_import_of_devices_shows_their_passwords_once_and_saves_them(window: Window) -> None:
    page = window.open("/imports")
    page.get_by_role("button", name="Devices").click()
    page.locator("textarea").fill("device_id\npi-0300")
    page.get_by_role("button", name="Import", exact=True).click()

    expect(page.locator(".result")).to_contain_text("kTq-invented-9x")
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save the passwords").click()
    assert saved.value.path().read_text("utf-8-sig").splitlines() == ["device_id,password", "pi-0300,kTq-invented-9x"]


def test_a_device_gets_a_new_password_after_a_warning(window: Window) -> None:
    page = window.open("/devices/pi-0105")
    page.get_by_role("button", name="Give it a new password").click()
    expect(page.locator("main")).to_contain_text("The old password is worth nothing")
    page.get_by_role("button", name="Yes, a new password").click()

    expect(page.locator("main")).to_contain_text("kTq-invented-8w")


def test_an_incident_that_no_message_ends_is_closed_with_a_reason(window: Window, stage: Stage) -> None:
    page = window.open("/incidents/incident-5")
    page.get_by_role("button", name="Close the incident").click()
    expect(page.get_by_role("alert")).to_contain_text("Write what you did first")
    page.get_by_label("Add what you did").fill("One of the two has a new name")
    page.get_by_role("button", name="Close the incident").click()

    expect(page.locator(".lead")).to_contain_text("nded")
    assert stage.told("POST", "/incidents/incident-5/close") == {"reason": "One of the two has a new name"}
