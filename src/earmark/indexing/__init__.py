"""Listening ahead of time: media files in, a library that answers without them out.

A recording is listened to once. What is heard is stored as it goes, so that a run that is stopped,
killed or cut off from power goes on where it was.
"""

from earmark.indexing.run import Report, index

__all__ = ["Report", "index"]
