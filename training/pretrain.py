"""Stage 1, pre-training: captions of images and clips train the layers between tower and words.

python -m training.pretrain [RECIPE] [--set KEY=VALUE ...]
"""

from training.command import main
from vlm.ending import end

if __name__ == "__main__":
    end(lambda: main("pretrain", "training/recipes/embedded-pretrain.yaml"))
