"""What a request asks for: its body, read field by field, bounded."""
