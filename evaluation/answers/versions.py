"""The version of each published rule that the extraction modes follow.

Harnesses change their rules without changing a benchmark's name, so a result needs the version. The
list is printed by `python -m evaluation list` and stored in results.json.
"""

FOLLOWED = {
    "lmms-eval": "lmms-eval 0.7.3 (2026-08-28)",
    "vlmevalkit": "VLMEvalKit e8e78f05 (2026-08-18), which has pull request 1552",
    "official": "the authors' script; of Video-MME: parse_answer afd52cfe",
    "paper": "the paper's definition",
    "clean": "our own rule",
}
