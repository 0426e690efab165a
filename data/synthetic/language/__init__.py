"""The language of worlds: words, wording of questions, names of kinds."""
