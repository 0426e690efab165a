"""The first question of a record as a conversation, for checks that ask models about records."""

from data.records import MediaFile, Record, RecordText
from vlm.conversation import Conversation, Image, Message, Part, Text, Video
from vlm.media.decode import read_image, read_video


def first_question(record: Record, num_frames: int, looks: int | None = None) -> Conversation:
    """Reads the first user turn, `num_frames` frames of a video, after the system message if any.

    Files are read in this process: they come from this repository's own generators, or from a data
    set that somebody trusts enough to train on. Raises ValueError if a part has no file.
    """
    message = next(message for message in record.messages if message.role == "user")
    parts: list[Part] = []
    for part in message.parts:
        if isinstance(part, RecordText):
            parts.append(Text(part.text))
        elif isinstance(part, MediaFile) and part.kind == "video":
            video = read_video(part.path, num_frames=num_frames, isolated=False)
            parts.append(Video(video.frames, video.times, part.words))
        elif isinstance(part, MediaFile):
            words = part.words if looks is None else part.words[:looks]
            parts.append(Image(read_image(part.path, isolated=False).pixels, looks, words=words))
        else:
            raise ValueError(f"record {record.id} has a picture without a file")
    first = record.messages[0]
    system = (Message("system", (Text(first.text),)),) if first.role == "system" else ()
    return Conversation((*system, Message("user", tuple(parts))))
