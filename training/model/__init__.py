"""The model of a run: where it starts, which parts are trained, its card."""
