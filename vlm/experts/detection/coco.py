"""The eighty classes of COCO in the order of the detector's outputs, and what they are in words."""

CLASSES = (
    *("person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat"),
    *("traffic light", "fire hydrant", "stop sign", "parking meter", "bench"),
    *("bird", "cat", "dog", "horse", "sheep", "cow", "elephant", "bear", "zebra", "giraffe"),
    *("backpack", "umbrella", "handbag", "tie", "suitcase"),
    *("frisbee", "skis", "snowboard", "sports ball", "kite", "baseball bat", "baseball glove"),
    *("skateboard", "surfboard", "tennis racket"),
    *("bottle", "wine glass", "cup", "fork", "knife", "spoon", "bowl"),
    *("banana", "apple", "sandwich", "orange", "broccoli", "carrot", "hot dog", "pizza"),
    *("donut", "cake"),
    *("chair", "couch", "potted plant", "bed", "dining table", "toilet"),
    *("tv", "laptop", "mouse", "remote", "keyboard", "cell phone"),
    *("microwave", "oven", "toaster", "sink", "refrigerator"),
    *("book", "clock", "vase", "scissors", "teddy bear", "hair drier", "toothbrush"),
)

# Classes that a detector confuses. Of two boxes around the same pixels only the more certain stays.
GROUPS = (
    ("cat", "dog", "horse", "sheep", "cow", "elephant", "bear", "zebra", "giraffe", "teddy bear"),
    ("bicycle", "motorcycle"),
    ("car", "bus", "train", "truck"),
    ("airplane", "bird", "kite"),
    ("skateboard", "surfboard", "snowboard", "skis"),
    ("chair", "couch", "bench", "bed"),
    ("tv", "laptop", "microwave", "oven"),
    ("remote", "cell phone", "keyboard", "mouse"),
    ("bottle", "wine glass", "cup", "vase", "bowl"),
    ("fork", "knife", "spoon", "scissors", "toothbrush"),
    ("backpack", "handbag", "suitcase"),
    ("banana", "apple", "orange", "broccoli", "carrot", "sandwich", "hot dog", "pizza", "donut")
    + ("cake",),
)

# The number of each class's group; classes outside the groups have one of their own.
GROUP_OF_NAME = {
    name: next((g for g, names in enumerate(GROUPS) if name in names), len(GROUPS) + index)
    for index, name in enumerate(CLASSES)
}
