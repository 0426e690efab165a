"""Files: uploaded ones, and the media of a request."""
