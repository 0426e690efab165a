"""PVC's claim on a small scale: four tiny models that differ in what they leave out of PVC."""
