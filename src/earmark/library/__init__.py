"""The library: what earmark has heard, kept so that it need not be heard again.

`Library` writes, `Catalogue` reads; `Hearing`, `Passage` and `Summary` are what passes between them and the jobs.
"""

from earmark.library.catalogue import Catalogue
from earmark.library.folder import default_folder
from earmark.library.schema import Chunked, Gist, Hearing, Passage, StoredChunk, StoredKeyword, Summary
from earmark.library.store import Library
from earmark.library.tracks import TrackHeader, read_track, track_path

__all__ = [
    "Catalogue",
    "Chunked",
    "Gist",
    "Hearing",
    "Library",
    "Passage",
    "StoredChunk",
    "StoredKeyword",
    "Summary",
    "TrackHeader",
    "default_folder",
    "read_track",
    "track_path",
]
