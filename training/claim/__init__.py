"""PVC's claim reproduced small: four tiny models that differ in what they leave out of PVC."""
