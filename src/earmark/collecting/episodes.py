"""From a feed to a folder of episodes that are whole, with a list of what is known about each.

    feed.xml            the feed as last fetched, so that "not changed" is an answer
    feed.json           its address, ETag and date
    recordings.jsonl    one line an episode that is here and decodes
    2024-05-01_The-title_3fa9c1.mp3

What is listed and still there is not asked for again. File names are made here, from date and title;
nothing the feed or the server says becomes part of a path.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import threading
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path

from earmark.collecting.feeds import Episode, Feed, parse_feed
from earmark.collecting.lock import locked
from earmark.collecting.recordings import Entry, append_entry, read_entries, write_entries
from earmark.collecting.web import Page, Web, WebSettings, unfinished_name
from earmark.errors import EarmarkError, MediaError
from earmark.media.discover import MEDIA_EXTENSIONS
from earmark.media.files import atomic_write
from earmark.media.probe import inspect
from earmark.progress import Progress, ignore

__all__ = ["Collected", "collect_feed", "episode_name"]

FEED_NAME = "feed.xml"
FEED_NOTE = "feed.json"


@dataclass
class Collected:
    """What came of a run.

    Attributes:
        folder: where the recordings are listed.
        wanted: the entries asked for, as many as `since` and `limit` leave.
        here: those that are in the folder now.
        fetched: how many of them this run brought, or checked for the first time.
        planned: with `dry_run`, the episodes that would be fetched, and under which names.
        failed: what could not be had, and why.
        notes: what was odd.
    """

    folder: Path
    wanted: int = 0
    here: list[Entry] = field(default_factory=list)
    fetched: int = 0
    planned: list[tuple[Episode, str]] = field(default_factory=list)
    failed: list[tuple[str, EarmarkError]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def collect_feed(
    url: str,
    folder: Path | None = None,
    *,
    since: datetime | None = None,
    limit: int | None = None,
    dry_run: bool = False,
    settings: WebSettings | None = None,
    on_progress: Progress = ignore,
) -> Collected:
    """Fetches the episodes of a podcast feed that are not in `folder` yet, newest first.

    Args:
        folder: where to; None makes one named after the feed in the current folder.
        since: leaves out episodes published before, and those without a date.
        limit: so many of the newest, counting those that are here.
        dry_run: says what would be fetched; writes nothing.
        on_progress: called from several threads with a file's name, its bytes so far, and all of them.

    Raises:
        MediaError: if the feed cannot be had; an episode that cannot be had is in `Collected.failed`.
        FormatError: if it is no feed, or `folder` cannot be used.
    """
    web = Web(settings)
    if folder is None or dry_run:
        body, page = _fetch_feed(web, url, folder)
        feed = parse_feed(body, page.url)
        if folder is None:
            folder = Path(safe_name(feed.title, 80) or "feed")
        if dry_run:
            return _collect(feed, folder, web, since, limit, True, on_progress)
        with locked(folder):
            _keep_feed(folder, url, page)
            return _collect(feed, folder, web, since, limit, False, on_progress)
    with locked(folder):
        body, page = _fetch_feed(web, url, folder)
        feed = parse_feed(body, page.url)
        _keep_feed(folder, url, page)
        return _collect(feed, folder, web, since, limit, False, on_progress)


def _fetch_feed(web: Web, url: str, folder: Path | None) -> tuple[bytes, Page]:
    """The feed, from the folder where the server says that it has not changed."""
    if folder is not None:
        with suppress(OSError, ValueError, KeyError, TypeError):
            note = json.loads((folder / FEED_NOTE).read_text(encoding="utf-8"))
            kept = (folder / FEED_NAME).read_bytes()
            if note["url"] == url and note["blake2b"] == _digest(kept):
                page = web.fetch(url, str(note["etag"]), str(note["last_modified"]))
                if page.body is None:
                    return kept, page
                return page.body, page
    page = web.fetch(url)
    return page.body or b"", page


def _keep_feed(folder: Path, url: str, page: Page) -> None:
    if page.body is None:
        return
    with atomic_write(folder / FEED_NAME, force=True, binary=True) as file:
        file.write(page.body)
    note = {
        "url": url,
        "etag": page.etag,
        "last_modified": page.last_modified,
        "blake2b": _digest(page.body),
    }
    with atomic_write(folder / FEED_NOTE, force=True) as file:
        file.write(json.dumps(note, indent=1) + "\n")


def _collect(
    feed: Feed,
    folder: Path,
    web: Web,
    since: datetime | None,
    limit: int | None,
    dry_run: bool,
    on_progress: Progress,
) -> Collected:
    wanted, notes = _choose(feed, since, limit)
    result = Collected(folder, len(wanted), notes=notes)
    listed = {entry.id: entry for entry in read_entries(folder) if entry.id}
    missing = []
    for episode in wanted:
        entry = listed.get(episode.id)
        if entry is not None and _is_there(entry):
            result.here.append(entry)
        else:
            missing.append(episode)
    names = {episode.id: episode_name(episode) for episode in missing}
    if dry_run:
        result.planned = [(episode, names[episode.id]) for episode in missing]
        return result
    try:
        _fetch_all(missing, names, feed, folder, web, result, on_progress)
    finally:
        entries = read_entries(folder)
        if entries:
            write_entries(folder, entries)
    return result


def _choose(feed: Feed, since: datetime | None, limit: int | None) -> tuple[list[Episode], list[str]]:
    notes = [feed.note] if feed.note else []
    if feed.silent_entries:
        notes.append(f"{feed.silent_entries} of the feed's entries have nothing to hear")
    wanted = list(feed.episodes)
    if since is not None:
        begin = since if since.tzinfo is not None else since.replace(tzinfo=timezone.utc)
        undated = sum(episode.published is None for episode in wanted)
        if undated:
            notes.append(f"{undated} episodes without a date are left out with --since")
        wanted = [each for each in wanted if each.published is not None and each.published >= begin]
    return wanted if limit is None else wanted[:limit], notes


def _fetch_all(
    episodes: list[Episode],
    names: dict[str, str],
    feed: Feed,
    folder: Path,
    web: Web,
    result: Collected,
    on_progress: Progress,
) -> None:
    """A few at a time; the list is written by this thread only."""
    stopped = threading.Event()
    waiting = iter(episodes)
    under_way: dict[Future[tuple[Entry, str]], Episode] = {}
    pool = ThreadPoolExecutor(web.settings.concurrency, thread_name_prefix="collecting")

    def start() -> bool:
        episode = next(waiting, None)
        if episode is None:
            return False
        path = folder / names[episode.id]
        job = pool.submit(_fetch, web, feed, episode, path, on_progress, lambda: not stopped.is_set())
        under_way[job] = episode
        return True

    try:
        for _ in range(web.settings.concurrency):
            start()
        while under_way:
            done, _ = wait(under_way, return_when=FIRST_COMPLETED)
            for job in done:
                episode = under_way.pop(job)
                try:
                    entry, note = job.result()
                except EarmarkError as exc:
                    result.failed.append((episode.title or episode.url, exc))
                else:
                    append_entry(folder, entry)
                    result.here.append(entry)
                    result.fetched += 1
                    result.notes.extend([note] if note else [])
                start()
    finally:
        stopped.set()
        pool.shutdown(wait=True, cancel_futures=True)


def _fetch(
    web: Web, feed: Feed, episode: Episode, path: Path, on_progress: Progress, go_on: Callable[[], bool]
) -> tuple[Entry, str]:
    """One episode, checked: it has all its bytes, and its audio decodes; and what is odd about it."""
    part = unfinished_name(path)
    web.download(episode.url, path, lambda done, total: on_progress(path.name, done, total), go_on)
    try:
        info = inspect(part)
    except MediaError as exc:
        part.unlink(missing_ok=True)
        raise MediaError(
            episode.url, expected=exc.expected, found=exc.found, hint="Look at the episode in a browser."
        ) from exc
    os.replace(part, path)
    stat = path.stat()
    note = f"{path.name}: it is cut off at its source" if info.cut_off else ""
    entry = Entry(
        path=path,
        language=feed.language,
        title=episode.title,
        description=episode.description,
        published=episode.published.isoformat() if episode.published is not None else "",
        duration_seconds=info.audio_streams[0].duration_seconds,
        id=episode.id,
        url=episode.url,
        rights=feed.rights,
        feed=feed.title,
        num_bytes=stat.st_size,
        modified_ns=stat.st_mtime_ns,
    )
    return entry, note


def _is_there(entry: Entry) -> bool:
    try:
        return entry.path.stat().st_size == entry.num_bytes
    except OSError:
        return False


def episode_name(episode: Episode) -> str:
    """A file name of date, title and a hash of the id, which keeps apart episodes of one title.

    ``2024-05-01_The-title_3fa9c1.mp3``; no separator, control, leading dot or reserved character in it.
    """
    day = episode.published.date().isoformat() if episode.published is not None else "undated"
    digest = hashlib.blake2b(episode.id.encode("utf-8", "replace"), digest_size=5).hexdigest()
    extension = episode.extension if episode.extension in MEDIA_EXTENSIONS else ".mp3"
    return "_".join(part for part in (day, safe_name(episode.title, 100), digest) if part) + extension


def safe_name(text: str, most_bytes: int) -> str:
    """A piece of a file name: letters and digits of any script, the rest as ``-``."""
    kept = re.sub(r"[^\w.]+|\.{2,}", "-", text.encode("utf-8", "replace").decode("utf-8"))
    return kept.encode("utf-8")[:most_bytes].decode("utf-8", "ignore").strip("-._")


def _digest(body: bytes) -> str:
    return hashlib.blake2b(body, digest_size=16).hexdigest()
