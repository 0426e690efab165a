"""The live picture in a real browser, with Chromium's fake camera."""

import re

import pytest

pytest.importorskip("playwright", reason="playwright is not installed")
pytestmark = pytest.mark.browser

from page_driver import ask, finished  # noqa: E402
from playwright.sync_api import Page, expect  # noqa: E402


def start(page: Page, what: str) -> None:
    page.get_by_role("button", name="Camera").click()
    page.get_by_role("tab", name="Live").click()
    page.get_by_role("button", name=what).click()


def test_a_camera_is_followed_asked_about_watched_paused_and_stopped(page: Page) -> None:
    start(page, "Camera live")
    status = page.locator("#live [role=status]")
    expect(page.locator("#live .light")).to_be_visible()
    expect(status).to_contain_text("2 seen; the last 2 are kept")
    ask(page, "What is there now?")
    finished(page)
    expect(page.locator("#chat .strip")).to_contain_text("seen of live picture")
    expect(page.locator("#chat .facts")).to_contain_text(re.compile(r"Live: \d+ seen so far"))
    page.get_by_label("Tell me when").fill("yes, a person?")
    page.get_by_role("button", name="Watch").click()
    expect(page.locator("#toast")).to_contain_text("Now: yes, a person? (90 %)")
    page.get_by_role("button", name="Pause").click()
    expect(status).to_contain_text("Paused")
    page.get_by_role("button", name="Resume").click()
    expect(status).to_contain_text("seen; the last")
    page.locator("#live").get_by_role("button", name="Stop").click()
    expect(page.locator("#live")).to_be_hidden()
    ask(page, "and now?")
    finished(page, 2)
    expect(page.locator("#chat .strip")).to_have_count(1)


def test_a_screen_is_followed_until_the_browser_ends_it(page: Page) -> None:
    start(page, "Screen live")
    expect(page.locator("#live [role=status]")).to_contain_text("2 seen")
    ask(page, "What is on the screen?")
    finished(page)
    expect(page.locator("#chat .strip")).to_contain_text("seen of live picture")
    # The browser's own "Stop sharing" ends the track.
    page.evaluate(
        """() => {
          const [track] = document.querySelector("#live video").srcObject.getTracks();
          track.dispatchEvent(new Event("ended"));
        }"""
    )
    expect(page.locator("#live")).to_be_hidden()


def test_without_permission_there_is_a_sentence_and_no_light(page: Page) -> None:
    refuse = "async () => { throw new Error(); }"
    page.evaluate(f"() => {{ navigator.mediaDevices.getDisplayMedia = {refuse}; }}")
    start(page, "Screen live")
    expect(page.locator("#toast")).to_contain_text("Your browser gave no picture.")
    expect(page.locator("#live")).to_be_hidden()
