"""Published image towers as towers of ours."""
