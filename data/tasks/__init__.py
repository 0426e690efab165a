"""Data sets of video encoders' tasks: readers of public annotation formats, and toy sets."""
