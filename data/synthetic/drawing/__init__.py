"""Drawing of worlds: canvas, shapes, objects and fonts, clips."""
