"""Conversations on the page: stored in the browser, versions, export, what a restart leaves."""

import json
import re
from pathlib import Path

import pytest

pytest.importorskip("playwright", reason="playwright is not installed")
pytestmark = pytest.mark.browser

from page_driver import Server, ask, finished, restart, visit  # noqa: E402
from playwright.sync_api import Page, expect  # noqa: E402


def open_list(page: Page) -> None:
    page.get_by_role("button", name="Chats").click()
    expect(page.get_by_label("Search all chats")).to_be_focused()


def listed(page: Page, *titles: str) -> None:
    """Waits until the list has these chats, in this order."""
    expect(page.locator("#chats .chat span")).to_have_text(titles)


def stored(page: Page, count: int) -> None:
    """Waits until the browser holds that many files and frames."""
    page.evaluate(
        """async (count) => {
            const { chats: { store } } = await revisit;
            const end = Date.now() + 30_000;
            while ((await store.fileKeys()).length !== count) {
                if (Date.now() > end) throw new Error(`not ${count}: ${await store.fileKeys()}`);
                await new Promise((resolve) => { setTimeout(resolve, 20); });
            }
        }""",
        count,
    )


def choose(page: Page, title: str, command: str) -> None:
    page.get_by_label(f"More for {title}").click()
    page.get_by_role("menuitem", name=command).click()


def test_chats_are_listed_searched_renamed_and_opened_again(page: Page) -> None:
    ask(page, "about bridges")
    finished(page)
    page.locator("#composer textarea").fill("half a sentence")
    page.get_by_role("button", name="New chat").first.click()
    expect(page.locator("#chat .example").first).to_be_visible()
    expect(page.locator("#composer textarea")).to_have_value("")
    ask(page, "about tunnels")
    finished(page)
    open_list(page)
    listed(page, "about tunnels", "about bridges")
    page.get_by_label("Search all chats").fill("asked BRIDGES")
    expect(page.locator("#chats .chat")).to_have_count(1)
    choose(page, "about bridges", "Rename")
    page.get_by_label("Title of the chat").fill("<b>Bridges</b>")
    page.keyboard.press("Enter")
    page.get_by_label("Search all chats").fill("")
    expect(page.locator("#chats .chat span").nth(1)).to_have_text("<b>Bridges</b>")
    page.locator("#chats .chat").nth(1).click()
    expect(page.locator("#chat strong")).to_have_text("about bridges")
    expect(page.locator("#composer textarea")).to_have_value("half a sentence")
    ask(page, "and?")
    finished(page, 2)
    expect(page.locator("#chat")).to_contain_text("(1 turns before)")


def test_a_deleted_chat_comes_back_with_undo(page: Page) -> None:
    ask(page, "keep me")
    finished(page)
    open_list(page)
    choose(page, "keep me", "Delete")
    expect(page.locator("#chats .chat")).to_have_count(0)
    expect(page.locator("#chat .example").first).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#chats .chat")).to_have_count(1)
    expect(page.locator("#chat strong")).to_have_text("keep me")


def test_every_question_is_editable_and_every_version_stays(
    page: Page, page_server: Server
) -> None:
    ask(page, "first")
    finished(page)
    ask(page, "second")
    finished(page, 2)
    page.locator("#composer textarea").fill("a draft")
    page.get_by_role("button", name="Edit").first.click()
    expect(page.locator("#composer textarea")).to_have_value("first")
    expect(page.locator("#edit-bar")).to_be_visible()
    expect(page.locator("#chat .facts")).to_have_count(2)
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#composer textarea")).to_have_value("a draft")
    page.get_by_role("button", name="Edit").first.click()
    expect(page.locator("#composer textarea")).to_have_value("first")
    ask(page, "first, better")
    finished(page, 1)
    expect(page.locator("#composer textarea")).to_have_value("a draft")
    expect(page.get_by_label("Version 2 of 2")).to_be_visible()
    page.get_by_label("Earlier version").click()
    finished(page, 2)
    expect(page.locator("#chat strong")).to_have_text(["first", "second"])
    before = len(page_server.assistant.asked)
    page.get_by_role("button", name="Try again").last.click()
    expect(page.get_by_label("Version 2 of 2")).to_be_visible()
    finished(page, 2)
    assert [asked for asked, *_ in page_server.assistant.asked[before:]] == ["second"]
    expect(page.locator("#chat .facts").last).to_contain_text("temperature 0.8")
    visit(page, page_server)
    finished(page, 2)
    page.get_by_label("Later version").first.click()
    expect(page.locator("#chat strong")).to_have_text(["first, better"])


def test_after_a_restart_files_frames_and_memory_come_back(
    page: Page, page_server: Server, photo: Path, clip: Path
) -> None:
    ask(page, "remember this", photo, clip)
    finished(page)
    expect(page.locator("#chat a.frame")).to_have_count(9)
    stored(page, 11)
    restart(page_server)
    visit(page, page_server)
    expect(page.locator("#chat .note")).to_contain_text("reads the messages above again")
    expect(page.locator("#chat video")).to_have_count(1)
    frame = page.locator("#chat a.frame img").last
    expect(frame).to_have_attribute("src", re.compile("^blob:"))
    assert frame.evaluate("image => image.decode().then(() => image.naturalWidth)") == 128
    ask(page, "and?")
    finished(page, 2)
    expect(page.locator("#chat")).to_contain_text("(1 turns before)")
    expect(page.locator("#chat .note")).to_have_count(0)


def test_each_chat_shows_its_own_frames_after_a_restart(
    page: Page, page_server: Server, photo: Path, clip: Path
) -> None:
    for number, file, held in ((1, photo, 2), (2, clip, 11), (3, photo, 12)):
        ask(page, f"chat {number}", file)
        finished(page)
        stored(page, held)
        page.keyboard.press("Control+k")
        expect(page.locator("#chat .facts")).to_have_count(0)
    restart(page_server)
    visit(page, page_server)
    for number, count in ((3, 1), (2, 8), (1, 1)):
        open_list(page)
        page.locator("#chats .chat", has_text=f"chat {number}").click()
        expect(page.locator("#chat strong")).to_have_text(f"chat {number}")
        expect(page.locator("#chat a.frame[href^=blob]")).to_have_count(count)
        image = page.locator("#chat a.frame img").first
        assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") == 128


def test_what_the_browser_lost_is_named_and_a_question_starts_afresh(
    page: Page, page_server: Server, photo: Path
) -> None:
    ask(page, "remember this", photo)
    finished(page)
    stored(page, 2)
    page.evaluate(
        "revisit.then(async ({ chats: { store } }) => {"
        " for (const key of await store.fileKeys()) await store.removeFile(key); })"
    )
    restart(page_server)
    visit(page, page_server)
    expect(page.locator("#chat .note")).to_contain_text("has no memory")
    expect(page.locator("#chat .file")).to_have_text("photo.png")
    ask(page, "afresh")
    expect(page.locator("#chat")).to_contain_text("(0 turns before)")


@pytest.mark.parametrize("kind", ["Markdown", "JSON", "web page"])
def test_a_chat_is_exported(page: Page, photo: Path, kind: str) -> None:
    ask(page, "hostile <b>", photo)
    finished(page)
    stored(page, 2)
    open_list(page)
    with page.expect_download() as download:
        choose(page, "hostile <b>", f"Export as {kind}")
    text = Path(download.value.path()).read_text()
    if kind == "Markdown":
        assert text.startswith("# hostile <b>\n\n## hostile <b>\n\n*photo.png*\n")
    elif kind == "JSON":
        exported = json.loads(text)
        assert len(exported["stored"]) == 2
        assert all(url.startswith("data:image/") for url in exported["stored"].values())
        assert "path" not in text.split('"stored"')[0]
    else:
        assert "<script" not in text
        assert "<b>" not in text
        assert text.count('<img style="aspect-ratio:') == 1
        other = page.context.new_page()
        other.set_content(text)
        image = other.locator("img")
        assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") == 128
        other.close()


def test_an_export_is_imported_and_hostile_files_are_refused(
    page: Page, photo: Path, tmp_path: Path, troubles: list[str]
) -> None:
    ask(page, "hostile", photo)
    finished(page)
    stored(page, 2)
    open_list(page)
    with page.expect_download() as download:
        choose(page, "hostile", "Export as JSON")
    exported = json.loads(Path(download.value.path()).read_text())
    exported["title"] = '<img src="http://example.org/e.png">'
    exported["turns"][0]["files"][0]["path"] = "/etc/passwd"
    exported["stored"]["evil/page.html"] = "data:text/html;base64,PHNjcmlwdD4="
    exported["turns"][0]["files"].append({"key": "evil/page.html", "name": "page.html"})
    path = tmp_path / "hostile.json"
    path.write_text(json.dumps(exported))
    page.locator("#chats input[type=file]").set_input_files(str(path))
    expect(page.locator("body")).not_to_have_class(re.compile("with-chats"))  # it is opened
    open_list(page)
    expect(page.locator("#chats .chat[aria-current] span")).to_have_text(exported["title"])
    expect(page.locator("#chat")).to_contain_text("<script>window.broken = 1</script>")
    expect(page.locator("#chat .facts")).to_have_count(1)
    assert page.evaluate("window.broken") is None
    for text, sentence in (
        ("{", "is not JSON"),
        ("{}", "is not a conversation of this page"),
        (json.dumps(exported | {"turns": [{"parent": 7}]}), "is damaged"),
    ):
        path.write_text(text)
        page.locator("#chats input[type=file]").set_input_files(str(path))
        expect(page.locator("#toast")).to_contain_text(f"hostile.json {sentence}")


def test_stored_records_are_not_trusted(page: Page, page_server: Server) -> None:
    ask(page, "one")
    finished(page)
    page.evaluate(
        """revisit.then(async ({ chats: { store } }) => {
            const [record] = await store.chats();
            record.turns[0].answer = '<img src="http://example.org/f.png">';
            record.title = "<script>window.broken = 1</script>";
            record.session = "";
            await store.putChat(record);
            await store.putChat({ id: "broken", turns: [{ parent: 5 }], updated: 1 });
            await store.putChat({ id: "empty", turns: "<b>", title: {} });
        })"""
    )
    visit(page, page_server)
    expect(page.locator("#chat")).to_contain_text('<img src="http://example.org/f.png">')
    assert page.locator("#chat .bot img").count() == 0
    open_list(page)
    expect(page.locator("#chats .chat")).to_have_count(1)
    assert page.evaluate("window.broken") is None


def test_two_tabs_on_one_chat_both_keep_what_was_said(page: Page, page_server: Server) -> None:
    ask(page, "shared")
    finished(page)
    with page.context.new_page() as other:
        visit(other, page_server)
        open_list(other)
        other.locator("#chats .chat").click()
        finished(other)
        ask(other, "from the other tab")
        finished(other, 2)
    ask(page, "from this tab")
    finished(page, 2)
    open_list(page)
    listed(page, "shared (copy)", "shared")


def test_leaving_a_chat_while_it_answers_keeps_the_part(page: Page) -> None:
    ask(page, "slow please")
    expect(page.locator("#chat")).to_contain_text("word3")
    page.get_by_role("button", name="New chat").first.click()
    expect(page.locator("#chat .example").first).to_be_visible()
    open_list(page)
    page.locator("#chats .chat").click()
    expect(page.locator("#chat .facts")).to_contain_text("Stopped before the end")
    expect(page.locator("#chat")).to_contain_text("word3")


def test_keys_stop_edit_and_begin_anew(page: Page) -> None:
    ask(page, "slow please")
    expect(page.locator("#chat")).to_contain_text("word3")
    page.keyboard.press("Escape")
    expect(page.locator("#chat .facts")).to_contain_text("Stopped before the end")
    page.locator("#composer textarea").press("ArrowUp")
    expect(page.locator("#composer textarea")).to_have_value("slow please")
    page.locator("#composer textarea").press("Escape")
    expect(page.locator("#composer textarea")).to_have_value("")
    page.keyboard.press("Control+k")
    expect(page.locator("#chat .example").first).to_be_visible()
