"""The page for everyone: axe-core finds nothing, targets are large, languages, keys, landscape."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("playwright", reason="playwright is not installed")
pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is not installed")
pytestmark = pytest.mark.browser

from axe_playwright_python.sync_playwright import Axe  # noqa: E402
from page_driver import Server, ask, finished, visit  # noqa: E402
from playwright.sync_api import Browser, Page, expect  # noqa: E402

WCAG = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}}


def violations(page: Page) -> list[str]:
    found = Axe().run(page, options=WCAG).response["violations"]
    return [
        f"{one['id']}: {node['html'][:200]} {node['failureSummary'][:300]}"
        for one in found
        for node in one["nodes"]
    ]


@pytest.fixture
def visitor(page_server: Server, browser: Browser) -> "Iterator[Any]":
    """Opens the page with a browser of given language and size."""
    contexts = []

    def open_page(**options: Any) -> Page:
        contexts.append(browser.new_context(**options))
        tab = contexts[-1].new_page()
        visit(tab, page_server)
        return tab

    yield open_page
    for context in contexts:
        context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(visitor: Any, clip: Path, photo: Path, scheme: str) -> None:
    page = visitor(viewport={"width": 1280, "height": 900}, color_scheme=scheme)
    page.get_by_role("button", name="Settings").click()
    assert violations(page) == []
    page.get_by_role("button", name="Settings").click()
    ask(page, "read it at 0:01", clip, photo)
    finished(page)
    page.get_by_label("What this answer took").click()
    page.locator("#chat details.read summary").first.click()
    page.get_by_label("More for").first.click()
    assert violations(page) == []


def test_targets_on_a_phone_are_44_pixels(visitor: Any, photo: Path) -> None:
    page = visitor(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    ask(page, "What is it?", photo)
    finished(page)
    for button in page.locator("#chat .tools button, #chat .suggestions button").all():
        box = button.bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) >= 44


def test_a_phone_on_its_side_has_room_for_an_answer(visitor: Any) -> None:
    page = visitor(viewport={"width": 844, "height": 390})
    ask(page, "What is it?")
    finished(page)
    page.wait_for_function("document.documentElement.scrollWidth <= 844")
    page.wait_for_function("document.querySelector('#chat').getBoundingClientRect().height >= 150")


def test_an_error_is_scrolled_into_view(visitor: Any) -> None:
    page = visitor(viewport={"width": 390, "height": 500})
    ask(page, "long answer")
    finished(page)
    ask(page, "break")
    expect(page.locator("#chat .error")).to_be_in_viewport()


@pytest.mark.parametrize(
    ("locale", "fresh", "copy", "settings"),
    [
        ("de-DE", "Neuer Chat", "Kopieren", "Einstellungen"),
        ("es-ES", "Nueva conversación", "Copiar", "Ajustes"),
        ("zh-CN", "新对话", "复制", "设置"),
    ],
)
def test_the_page_has_the_browser_s_language(
    visitor: Any, locale: str, fresh: str, copy: str, settings: str
) -> None:
    page = visitor(locale=locale, viewport={"width": 390, "height": 844})
    expect(page.locator("html")).to_have_attribute("lang", locale.split("-")[0])
    expect(page.get_by_role("button", name=fresh).first).to_be_visible()
    expect(page.get_by_role("button", name=settings)).to_be_visible()
    ask(page, "Copy")
    finished(page)
    expect(page.locator("#chat .tools").get_by_text(copy, exact=True)).to_be_visible()
    expect(page.locator("#chat strong")).to_have_text("Copy")


def test_questions_and_answers_are_announced_with_their_speaker(visitor: Any) -> None:
    page = visitor()
    ask(page, "Who speaks?")
    finished(page)
    expect(page.locator("#chat [role=log]")).to_have_count(1)
    expect(page.get_by_role("group", name="You", exact=True)).to_have_count(1)
    expect(page.get_by_role("group", name="Revisit", exact=True).first).to_be_visible()
