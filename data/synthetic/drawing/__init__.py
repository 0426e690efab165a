"""Drawing worlds: canvas, shapes, the assets of pictures, films, files."""
