"""The live picture in a real browser, with Chromium's fake camera."""

import re

import pytest

pytest.importorskip("playwright", reason="playwright is not installed")
pytestmark = pytest.mark.browser

from page_driver import ask, finished  # noqa: E402
from playwright.sync_api import Page, expect  # noqa: E402


def test_a_camera_is_followed_asked_about_watched_paused_and_stopped(page: Page) -> None:
    page.get_by_role("button", name="Camera").click()
    page.get_by_role("tab", name="Live").click()
    page.get_by_role("button", name="Camera live").click()
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
