"""Assets from public packages: named pictures, photographs for scoring, fonts, conversations."""
