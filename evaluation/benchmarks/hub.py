"""Data sets from the Hugging Face hub, as folders in their published layout: `run --hub`.

`datasets` downloads the files as they are, into the cache that all programs share. Nothing is
decoded or written anew, so the readers, and the hashes in the manifest, are the same for these
folders as for those that somebody filled by hand. `datasets` is imported here and nowhere else.
"""

import fnmatch
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from evaluation.benchmarks.base import Benchmark, Options

SNAPSHOT = re.compile(r"datasets--(.+?)--(.+?)/snapshots/([0-9a-f]{40})(?:/|$)")


def fetch(
    benchmark: Benchmark,
    options: Options,
    revision: str = "main",
    media: bool = True,
    tell: Callable[[str], None] = lambda sentence: None,
) -> Path:
    """The folder with a benchmark's files; those that are not in the cache are downloaded.

    Without a network it is what the cache holds. ValueError, one sentence, where that is too
    little. `media`: with the films that lie beside the questions.
    """
    name, hub = benchmark.name, benchmark.hub
    if hub is None:
        raise ValueError(f"{name} cannot be taken from the hub; needed is: {benchmark.needs}")
    try:
        import datasets
        from huggingface_hub import HfApi, constants, errors
    except ImportError as error:
        raise ValueError(
            '--hub reads through `datasets`; install it with: pip install -e ".[hub]"'
        ) from error

    patterns = benchmark.hub_files(options, media)
    try:
        api = HfApi(endpoint=datasets.config.HF_ENDPOINT)
        about = api.dataset_info(hub.repo, revision=revision, files_metadata=True)
        sizes = {file.rfilename: file.size or 0 for file in about.siblings or ()}
        names = _matching(sorted(sizes), patterns, f"{name}: {hub.repo} at {revision} holds no")
        tell(
            f"{name}: {hub.repo} at {str(about.sha)[:12]}, {len(names):,} files,"
            f" {sum(sizes[one] for one in names) / 1e9:,.2f} GB; what the cache has is not fetched."
        )
        urls = [f"hf://datasets/{hub.repo}@{about.sha}/{one}" for one in names]
        paths = datasets.DownloadManager(dataset_name=name).download(urls)
        return Path(str(paths[0]).removesuffix(names[0]))
    except errors.GatedRepoError as error:
        raise ValueError(
            f"{name}: {hub.repo} is for those who agreed to the terms on its page on the hub; do"
            " so, then log in with `hf auth login`."
        ) from error
    except (errors.RepositoryNotFoundError, errors.RevisionNotFoundError) as error:
        raise ValueError(f"{name}: the hub has no {hub.repo} at {revision!r}.") from error
    except (errors.HTTPError, ConnectionError) as error:
        kept = _cached(Path(constants.HF_HUB_CACHE), hub.repo, revision, patterns)
        if kept is None:
            first = str(error).strip().splitlines()[0]
            raise ValueError(
                f"{name}: the hub cannot be reached ({first}) and the cache does not hold"
                f" {hub.repo}; needed in a folder is: {benchmark.needs}"
            ) from error
        tell(f"{name}: the hub cannot be reached; read from the cache: {kept}")
        return kept


def _matching(names: Sequence[str], patterns: Sequence[str], complaint: str) -> list[str]:
    """The names that fit one of the patterns. ValueError if a pattern fits none."""
    found: dict[str, None] = {}
    for pattern in patterns:
        fitting = [name for name in names if fnmatch.fnmatchcase(name, pattern)]
        if not fitting:
            raise ValueError(f"{complaint} {pattern}; try an older --revision.")
        found |= dict.fromkeys(fitting)
    return list(found)


def _cached(cache: Path, repo: str, revision: str, patterns: Sequence[str]) -> Path | None:
    """The latest copy that was downloaded whole enough, or the one of the wanted commit."""
    copies = (cache / f"datasets--{repo.replace('/', '--')}" / "snapshots").glob("*")
    for copy in sorted(copies, key=os.path.getmtime, reverse=True):
        names = [path.relative_to(copy).as_posix() for path in copy.rglob("*")]
        wanted = revision == "main" or copy.name.startswith(revision)
        if wanted and all(fnmatch.filter(names, pattern) for pattern in patterns):
            return copy
    return None


def revision_of(folder: Path, files: Sequence[Path]) -> str | None:
    """The commit that the files of a folder are of, if whoever downloaded them left it there."""
    found = SNAPSHOT.search(folder.resolve().as_posix())
    if found:
        return f"{found[1]}/{found[2]}@{found[3]}"
    for path in files:  # `hf download --local-dir` writes it beside them
        if path.is_relative_to(folder):
            name = f"{path.relative_to(folder).as_posix()}.metadata"
            note = folder / ".cache/huggingface/download" / name
            if note.is_file():
                return note.read_text(encoding="utf-8").splitlines()[0]
    return None
