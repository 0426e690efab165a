"""Worlds that are drawn, so that every question about them has an exactly known answer."""
