"""Features of clips by a video encoder alone: chosen, computed, stored.

    from vlm.features.choose import choose_encoder
    from vlm.features.clip import encode_clip
    from vlm.features.file import read_features, write_features

`python -m app encode` does the same for files and folders.
"""
