"""Text in frames: PP-OCR through onnxruntime, rows and the order of reading."""
