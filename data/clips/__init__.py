"""Labeled clips: folders of classes, lists of files, and a made set."""
