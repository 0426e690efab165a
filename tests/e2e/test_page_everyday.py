"""Everyday use in a real browser: documents, subtitles, settings, suggestions, formulas."""

from pathlib import Path

import pytest

pytest.importorskip("playwright", reason="playwright is not installed")
pytestmark = pytest.mark.browser

from page_driver import Server, ask, finished, visit  # noqa: E402
from PIL import Image  # noqa: E402
from playwright.sync_api import Page, expect  # noqa: E402


def test_the_pages_of_a_pdf_are_seen_as_pictures(
    page: Page, page_server: Server, tmp_path: Path
) -> None:
    pytest.importorskip("pypdfium2", reason="pypdfium2 is not installed")
    pages = [Image.new("RGB", (60, 80), color) for color in ("red", "blue")]
    pages[0].save(tmp_path / "two.pdf", save_all=True, append_images=pages[1:])
    ask(page, "What is on it?", tmp_path / "two.pdf")
    finished(page)
    expect(page.locator("#chat .user-row img")).to_have_count(2)
    assert page_server.assistant.asked[-1][1] == ("two, page 1.png", "two, page 2.png")
    ask(page, "and now?")
    finished(page, 2)


def test_subtitles_go_with_a_film(
    page: Page, page_server: Server, clip: Path, tmp_path: Path
) -> None:
    srt = tmp_path / "clip.srt"
    srt.write_text("1\n00:00:00,000 --> 00:00:01,000\nGood morning.\n")
    ask(page, "Who speaks?", clip, srt)
    finished(page)
    assert page_server.assistant.asked[-1][0].endswith("below:\nGood morning.\nWho speaks?")
    expect(page.locator("#chat .user-row")).not_to_contain_text("Good morning")
    expect(page.locator("#chat .user-row .file")).to_have_text("clip.srt")
    srt.write_text("none")
    ask(page, "And this?", srt)
    expect(page.locator("#chat .error")).to_contain_text('"clip.srt" cannot be used')


def test_settings_and_instructions_stay(page: Page, page_server: Server) -> None:
    page.get_by_role("button", name="Settings").click()
    page.get_by_label("Instructions for every chat").fill("Be brief.")
    page.get_by_label("Instructions for every chat").blur()
    page.wait_for_function("localStorage.getItem('revisit-settings')?.includes('Be brief.')")
    visit(page, page_server)
    page.get_by_role("button", name="Settings").click()
    expect(page.get_by_label("Instructions for every chat")).to_have_value("Be brief.")
    ask(page, "What?")
    finished(page)
    assert page_server.assistant.systems[-1] == "Be brief."


def test_a_suggested_question_is_asked_with_one_click(page: Page, photo: Path) -> None:
    ask(page, "read it", photo)
    finished(page)
    page.locator("#composer textarea").fill("typed meanwhile")
    page.get_by_role("button", name="What color is the bus?").click()
    finished(page, 2)
    expect(page.locator("#chat strong").last).to_have_text("What color is the bus?")
    expect(page.locator("#composer textarea")).to_have_value("typed meanwhile")
    expect(page.get_by_role("button", name="What color is the bus?")).to_have_count(0)


def test_formulas_are_set_without_a_request_outside_and_run_nothing(page: Page) -> None:
    ask(
        page,
        r"$$a < \frac{1}{2}$$ and \(x^2\), $5 and $6, $$\href{javascript:window.broken=1}{x}$$",
    )
    finished(page)
    expect(page.locator("#chat .bot-row .katex-html").first).to_be_visible()
    expect(page.locator("#chat .bot-row")).to_contain_text("$5 and $6")
    assert page.locator("#chat a[href^=javascript]").count() == 0


def test_what_an_answer_took_is_behind_a_button(page: Page) -> None:
    ask(page, "What?")
    finished(page)
    expect(page.locator("#chat .usage p")).to_be_hidden()
    page.get_by_label("What this answer took").click()
    expect(page.locator("#chat .usage p")).to_contain_text("7,900 left")
