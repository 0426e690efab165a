"""Runs the claim's models in parallel: each in its own process, on its share of the cores."""

import multiprocessing
import signal
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import Any

import torch
from tqdm import tqdm
from transformers.utils import logging

from training.claim.run import folder_of, load_start, read_score, run
from training.recipe import Recipe
from training.run import keep_freed_memory
from training.watch.journal import BAR, JOURNAL, read_journal

Run = tuple[str, int]  # the name of a variant, and a seed


def run_in_parallel(runs: Sequence[Run], recipe: Recipe, jobs: int) -> list[dict[str, Any]]:
    """The scores of these models and seeds, in order; existing scores are not computed again.

    So small a model gains next to nothing from a second core, so `jobs` models train in parallel.
    """
    missing = [one for one in runs if read_score(*one, recipe) is None]
    if missing:
        logging.disable_progress_bar()
        load_start(recipe)
        jobs = min(jobs, len(missing))
        threads = max(1, torch.get_num_threads() // jobs)
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(jobs, context, _init_process, (threads,)) as pool:
            try:
                _watch(pool, missing, recipe)
            except BrokenProcessPool:
                raise ChildProcessError(
                    f"one of {jobs} processes was killed, perhaps out of memory: the same command "
                    "continues with the remaining models; try a smaller --jobs"
                ) from None
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                for process in multiprocessing.active_children():
                    process.terminate()
                raise
    return [scores for one in runs if (scores := read_score(*one, recipe)) is not None]


def _watch(pool: ProcessPoolExecutor, missing: Sequence[Run], recipe: Recipe) -> None:
    """Runs the models, with a progress bar read from their journals."""
    running = {}
    for one in missing:
        journal = folder_of(*one, recipe) / JOURNAL
        journal.unlink(missing_ok=True)
        running[pool.submit(run, *one, recipe)] = journal
    num = len(missing)
    with tqdm(total=num * recipe.steps, unit="step", dynamic_ncols=True, bar_format=BAR) as bar:
        while running:
            for future in wait(running, timeout=1).done:
                future.result()
                del running[future]
            ended = num - len(running)
            lines = [read_journal(path) for path in running.values() if path.is_file()]
            bar.n = ended * recipe.steps + int(sum(line[-1]["step"] for line in lines if line))
            bar.set_postfix_str(f"{ended} of {num} models trained and evaluated")


def _init_process(threads: int) -> None:
    """Initializes a process of the pool; on Ctrl-C its parent terminates it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(threads)
    logging.disable_progress_bar()
    keep_freed_memory()
