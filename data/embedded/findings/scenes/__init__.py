"""Things and people as the detector and the classifier find them, and questions about them."""
