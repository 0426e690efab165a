"""The version of each published rule that the extraction modes follow.

Harnesses change their rules without changing a benchmark's name, so a result needs the version. The
list is printed by `python -m evaluation list` and stored in results.json.
"""

FOLLOWED = {
    "lmms-eval": "lmms-eval 0.7.3 (2026-08-28)",
    "vlmevalkit": "VLMEvalKit e8e78f05 (2026-08-18), which has pull request 1552",
    "official": "the authors' script; of Video-MME: parse_answer afd52cfe; of Video-MME-v2:"
    " 013b6c92; of MotionBench: 8c131ac7; of TempCompass: c2ec41ed; of LVBench: 1dd4612d; of"
    " TimeLens: as in lmms-eval 269b8810; of OVO-Bench: 19677d28",
    "paper": "the paper's definition",
    "clean": "our own rule",
}
