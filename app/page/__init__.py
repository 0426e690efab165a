"""The chat page: its server, its guard, and what happens when something is clicked."""
