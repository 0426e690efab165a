"""Drawing worlds: canvas, shapes, the stock of pictures, films, files."""
