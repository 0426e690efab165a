"""Stage 2: instruction tuning. Questions and answers, several turns, text-only chat among them.

python -m training.instruct [RECIPE] [--set KEY=VALUE ...]
"""

from training.command import main

if __name__ == "__main__":
    main("instruct", "training/recipes/embedded-instruct.yaml")
