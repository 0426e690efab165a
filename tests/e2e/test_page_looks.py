"""Seeing what the model saw: proportions, the film's bar, times as links, another look."""

import re
from pathlib import Path

import pytest

pytest.importorskip("playwright", reason="playwright is not installed")
pytestmark = pytest.mark.browser

from page_driver import ask, finished  # noqa: E402
from playwright.sync_api import Page, expect  # noqa: E402

NOW = "document.querySelector('#chat video').currentTime"


def test_frames_keep_their_proportions_and_move_the_film(page: Page, clip: Path) -> None:
    ask(page, "What happens at 0:01?", clip)
    finished(page)
    frame = page.locator("#chat a.frame").nth(1)
    box = frame.locator("img").bounding_box()
    assert box is not None
    assert box["width"] / box["height"] == pytest.approx(160 / 90, rel=0.02)
    expect(page.locator("#chat .marks i")).to_have_count(8)
    frame.click()
    page.wait_for_function(f"Math.abs({NOW} - 0.75) < 0.1")
    link = page.locator("#chat a[href^='#t=']")
    expect(link).to_have_attribute("href", "#t=1")
    page.locator("#chat video").hover(force=True)  # shows the player's controls
    page.locator("#chat .marks").click(position={"x": 2, "y": 10})
    page.wait_for_function(f"Math.abs({NOW} - 0.25) < 0.1")
    link.click()
    page.wait_for_function(f"Math.abs({NOW} - 1) < 0.1")
    page.get_by_label("Enlarge clip.mp4, at 0:00.8").click()
    page.get_by_role("button", name="As the model sees it").click()
    page.wait_for_function(
        """() => {
            const box = document.querySelector("#enlarged img").getBoundingClientRect();
            return box.width > 0 && Math.abs(box.width / box.height - 1) < 0.02;
        }"""
    )


def test_look_again_puts_its_answer_beside_the_former(page: Page, photo: Path) -> None:
    ask(page, "What is it?", photo)
    finished(page)
    page.get_by_role("button", name="Look again").click()
    expect(page.get_by_label("Version 2 of 2")).to_be_visible()
    expect(page.locator("#chat .facts")).to_contain_text("1 more look than at first")
    page.get_by_label("Earlier version").click()
    expect(page.locator("#chat .facts")).not_to_contain_text("more look")


def test_look_closer_asks_about_a_part_of_the_film(page: Page, clip: Path) -> None:
    ask(page, "What happens?", clip)
    finished(page)
    page.get_by_role("button", name="Look closer").click()
    box = page.locator("#composer textarea")
    expect(box).to_have_value(re.compile(r"^Look closer between 0:00 and 0:0\d: $"))
    box.fill("Look closer between 0:00 and 0:01: what moves?")
    page.keyboard.press("Enter")
    finished(page, 2)
    expect(page.locator("#chat strong").last).to_have_text("what moves?")
    expect(page.locator("#chat .facts").last).to_contain_text("Looked closer between")
    box.fill("look again")
    page.keyboard.press("Enter")
    expect(page.locator("#chat .error")).to_contain_text("no picture to look at again")
