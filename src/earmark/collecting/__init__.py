"""From feeds, folders and known collections to lists of recordings, and from those to data sets.

collect_feed(url, folder)       the episodes of a podcast
collect_local(source, folder)   recordings that are on the disk, where they are
build(source, folder)           chunks, transcripts, keywords, splits: a manifest
read_manifest(folder)           its rows
write_shards(chunks, folder)    the same as WebDataset
"""

from earmark.collecting.assembly import DataSet, LeftOut
from earmark.collecting.build import BuildSettings, build
from earmark.collecting.episodes import Collected, collect_feed
from earmark.collecting.local import collect_local
from earmark.collecting.shards import write_shards
from earmark.collecting.web import WebSettings
from earmark.formats.manifest import Chunk, read_manifest, write_manifest

__all__ = [
    "BuildSettings",
    "Chunk",
    "Collected",
    "DataSet",
    "LeftOut",
    "WebSettings",
    "build",
    "collect_feed",
    "collect_local",
    "read_manifest",
    "write_manifest",
    "write_shards",
]
