"""Records without pictures: the experts' findings in words, a question, an answer they support."""
