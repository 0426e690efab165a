"""Language of worlds: words, wording of questions, ImageNet names."""
