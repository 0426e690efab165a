"""Writes worlds to files that look like anybody's: PNG and JPEG pictures, H.264 clips."""

from pathlib import Path

import av
import numpy as np
from PIL import Image

from data.synthetic.world import Clip


def save_picture(picture: Image.Image, path: Path) -> None:
    """PNG or JPEG by the ending of the path; quick rather than small."""
    if path.suffix == ".png":
        picture.save(path, compress_level=1)
    else:
        picture.save(path, quality=92)


def save_clip(clip: Clip, path: Path) -> None:
    """H.264 in MP4. One thread, so that the bytes depend on the frames alone."""
    width, height = clip.frames[0].size
    with av.open(str(path), "w") as container:
        stream = container.add_stream(
            "libx264", rate=clip.fps, options={"preset": "ultrafast", "crf": "20"}
        )
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.thread_count = 1
        for picture in clip.frames:
            frame = av.VideoFrame.from_ndarray(np.asarray(picture), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
