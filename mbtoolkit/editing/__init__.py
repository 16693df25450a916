"""Cells mended by hand: edits that can be undone, and had as code."""
