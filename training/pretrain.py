"""Stage 1: pre-training. Captions of pictures and clips; the layers between tower and words learn.

python -m training.pretrain [RECIPE] [--set KEY=VALUE ...]
"""

from training.command import main

if __name__ == "__main__":
    main("pretrain", "training/recipes/embedded-pretrain.yaml")
