"""Stage 2: instruction tuning. Questions and answers, several turns, text-only chat among them.

python -m training.instruct [RECIPE] [--set KEY=VALUE ...]
"""

from training.command import main
from vlm.ending import end

if __name__ == "__main__":
    end(lambda: main("instruct", "training/recipes/embedded-instruct.yaml"))
