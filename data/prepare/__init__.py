"""Materials from public packages: pictures with names, photographs for scoring, fonts, conversations."""
