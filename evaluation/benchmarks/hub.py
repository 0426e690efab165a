"""Data sets from the Hugging Face hub, as folders in their published layout: `run --hub`.

`datasets` downloads the files unchanged into the shared cache. Nothing is decoded or rewritten, so
readers and manifest hashes are the same as for folders filled by hand; tar files of videos are
unpacked beside them. This is the only module that imports `datasets`.
"""

import fnmatch
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from evaluation.benchmarks.base import Benchmark, Hub, Options
from evaluation.benchmarks.packed_media import unpack_tars

SNAPSHOT = re.compile(r"datasets--(.+?)--(.+?)/snapshots/([0-9a-f]{40})(?:/|$)")


def fetch(
    benchmark: Benchmark,
    options: Options,
    revision: str = "main",
    media: bool = True,
    notify: Callable[[str], None] = lambda sentence: None,
) -> Path:
    """Returns the folder with a benchmark's files after downloading those missing in the cache.

    Without a network, uses the cache; raises ValueError if files are missing there. `media`
    includes media files that are separate from the questions.
    """
    name, hub = benchmark.name, benchmark.hub
    if hub is None:
        raise ValueError(f"{name}: --hub cannot fetch it; required in a folder: {benchmark.needs}")
    try:
        import datasets
        from huggingface_hub import HfApi, constants, errors
    except ImportError as error:
        raise ValueError(
            '--hub needs `datasets`; install it with: pip install -e ".[hub]"'
        ) from error

    patterns = benchmark.hub_files(options, media)
    try:
        api = HfApi(endpoint=datasets.config.HF_ENDPOINT)
        about = api.dataset_info(hub.repo, revision=revision, files_metadata=True)
        sizes = {file.rfilename: file.size or 0 for file in about.siblings or ()}
        names = _matching(sorted(sizes), patterns, f"{name}: {hub.repo} at {revision} holds no")
        notify(
            f"{name}: {hub.repo} at {str(about.sha)[:12]}, {len(names):,} files,"
            f" {sum(sizes[one] for one in names) / 1e9:,.2f} GB; cached files are reused."
        )
        urls = [f"hf://datasets/{hub.repo}@{about.sha}/{one}" for one in names]
        paths = datasets.DownloadManager(dataset_name=name).download(urls)
        return _unpacked(hub, Path(str(paths[0]).removesuffix(names[0])), names, notify)
    except errors.GatedRepoError as error:
        raise ValueError(
            f"{name}: {hub.repo} requires agreeing to the terms on its page on the hub; do so, then"
            " log in with `hf auth login`."
        ) from error
    except (errors.RepositoryNotFoundError, errors.RevisionNotFoundError) as error:
        raise ValueError(f"{name}: the hub has no {hub.repo} at {revision!r}.") from error
    except (errors.HTTPError, ConnectionError) as error:
        cached = _cached(Path(constants.HF_HUB_CACHE), hub.repo, revision, patterns)
        if cached is None:
            first = str(error).strip().splitlines()[0]
            raise ValueError(
                f"{name}: the hub cannot be reached ({first}) and the cache does not hold"
                f" {hub.repo}; required in a folder: {benchmark.needs}"
            ) from error
        notify(f"{name}: the hub cannot be reached; using the cache: {cached}")
        names = [path.relative_to(cached).as_posix() for path in sorted(cached.rglob("*"))]
        names = [one for pattern in patterns for one in fnmatch.filter(names, pattern)]
        return _unpacked(hub, cached, names, notify)


def _unpacked(hub: Hub, folder: Path, names: Sequence[str], notify: Callable[[str], None]) -> Path:
    """Returns the folder once its tar files are unpacked. Raises ValueError for a damaged one."""
    tars = [folder / name for name in names if name.endswith((".tar", ".tar.gz"))]
    if tars and hub.unpacked:
        unpack_tars(tars, folder / hub.unpacked, notify)
    return folder


def _matching(names: Sequence[str], patterns: Sequence[str], complaint: str) -> list[str]:
    """Returns the names that match a pattern. Raises ValueError if a pattern matches none."""
    found: dict[str, None] = {}
    for pattern in patterns:
        matches = [name for name in names if fnmatch.fnmatchcase(name, pattern)]
        if not matches:
            raise ValueError(f"{complaint} {pattern}; try an older --revision.")
        found |= dict.fromkeys(matches)
    return list(found)


def _cached(cache: Path, repo: str, revision: str, patterns: Sequence[str]) -> Path | None:
    """Returns the latest complete snapshot, or that of the requested commit; None if missing."""
    copies = (cache / f"datasets--{repo.replace('/', '--')}" / "snapshots").glob("*")
    for copy in sorted(copies, key=os.path.getmtime, reverse=True):
        names = [path.relative_to(copy).as_posix() for path in copy.rglob("*")]
        requested = revision == "main" or copy.name.startswith(revision)
        if requested and all(fnmatch.filter(names, pattern) for pattern in patterns):
            return copy
    return None


def revision_of(folder: Path, files: Sequence[Path]) -> str | None:
    """Returns the commit of a folder's files, as far as the download tool recorded it."""
    found = SNAPSHOT.search(folder.resolve().as_posix())
    if found:
        return f"{found[1]}/{found[2]}@{found[3]}"
    for path in files:  # `hf download --local-dir` records it beside them
        if path.is_relative_to(folder):
            name = f"{path.relative_to(folder).as_posix()}.metadata"
            note = folder / ".cache/huggingface/download" / name
            if note.is_file():
                return note.read_text(encoding="utf-8").splitlines()[0]
    return None
