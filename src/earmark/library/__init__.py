"""The library: what earmark has heard, kept so that it need not be heard again.

`Library` writes, `Catalogue` reads, `Hearing` and `Passage` are what passes between them and the jobs.
"""

from earmark.library.catalogue import Catalogue
from earmark.library.folder import default_folder
from earmark.library.schema import Hearing, Passage
from earmark.library.store import Library
from earmark.library.tracks import TrackHeader, read_track, track_path

__all__ = [
    "Catalogue",
    "Hearing",
    "Library",
    "Passage",
    "TrackHeader",
    "default_folder",
    "read_track",
    "track_path",
]
