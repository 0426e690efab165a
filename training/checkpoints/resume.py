"""Finds the checkpoint that a run resumes from, and compares what it was trained with."""

from pathlib import Path
from typing import Any

from training.checkpoints import folders
from training.checkpoints.run_identity import keep_loop_version, records_content, refuse_changes
from training.loop.distributed import print_rank0


def find_resume_checkpoint(
    output: Path, identity: dict[str, Any], allow_changes: bool
) -> Path | None:
    """Returns the checkpoint to resume; None if missing.

    Raises ValueError if its recipe or data differs, unless `allow_changes`.
    """
    checkpoint = folders.newest_valid(output, print_rank0) if output.is_dir() else None
    if checkpoint is None:
        return None
    before = folders.read_json(checkpoint / folders.FINGERPRINT)
    keep_loop_version(before, identity)
    if not records_content(before):
        print_rank0(
            f"{checkpoint} is of an older version, which did not record the base weights and the "
            "media: they are not compared."
        )
    try:
        refuse_changes(before, identity, checkpoint)
    except ValueError as error:
        if not allow_changes:
            raise
        print_rank0(f"WARNING: resuming despite changes: {error}")
    print_rank0(f"Resuming from {checkpoint}.")
    return checkpoint
