"""The rules by which benchmarks select the subtitles of the sampled frames.

"clean" is ours (`vlm.media.subtitles.clean_rule`): captions come in chronological order, each once.
"official" follows the tool that Video-MME names: strictly between start and end, the first matching
caption, one line per frame, so that long captions repeat.
"""

from collections.abc import Callable, Sequence

from vlm.media.subtitles import Caption, clean_rule


def official_rule(captions: Sequence[Caption], times: Sequence[float]) -> tuple[str, ...]:
    """Returns, for each time strictly inside a caption, the text of the first such caption."""
    lines = []
    for time in times:
        now = round(time * 1000)
        inside = (c for c in captions if round(c.start * 1000) < now < round(c.end * 1000))
        caption = next(inside, None)
        if caption is not None and caption.written.strip():
            lines.append(caption.written)
    return tuple(lines)


Rule = Callable[[Sequence[Caption], Sequence[float]], tuple[str, ...]]
RULES: dict[str, Rule] = {"clean": clean_rule, "official": official_rule}
