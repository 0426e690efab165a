"""How people word their questions; a star keeps a phrasing for scoring."""
