"""Feeds of every dialect and in every state: episodes, or one line that says what the page is."""

from __future__ import annotations

import time
from datetime import datetime, timezone

import pytest

from earmark.collecting.feeds import parse_feed
from earmark.errors import FormatError

URL = "https://example.org/shows/feed.xml"


def refusal(body: bytes) -> str:
    with pytest.raises(FormatError) as caught:
        parse_feed(body, URL)
    return str(caught.value)


def test_an_rss_feed(make_feed, item):
    body = make_feed(
        item("Old &amp; <b>bold</b>", "https://cdn.example/1.mp3", "one", day=1),
        item("New", "/media/2.m4a?token=x", "two", day=9),
        title="A  show\n of ours",
        language="fa-IR",
    )
    feed = parse_feed(body, URL)
    assert (feed.title, feed.language, feed.note, feed.silent_entries) == ("A show of ours", "fa", "", 0)
    new, old = feed.episodes
    assert (new.id, new.title, new.extension) == ("two", "New", ".m4a")
    assert new.url == "https://example.org/media/2.m4a?token=x"
    assert new.published == datetime(2024, 1, 9, 12, tzinfo=timezone.utc)
    assert old.title == "Old & bold"


def test_an_atom_feed():
    body = b"""<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title>Atoms</title>
    <entry><id>urn:1</id><title>One</title><updated>2024-03-01T10:00:00+03:30</updated>
    <link rel="enclosure" type="audio/ogg" href="https://cdn.example/listen?id=1"/></entry>
    <entry><id>urn:2</id><title>No sound</title></entry></feed>"""
    feed = parse_feed(body, URL)
    (episode,) = feed.episodes
    assert (episode.id, episode.extension) == ("urn:1", ".ogg")
    assert episode.published == datetime(2024, 3, 1, 6, 30, tzinfo=timezone.utc)
    assert feed.silent_entries == 1


def test_durations_as_podcasts_write_them():
    def entry(number, duration):
        return (
            f"<item><guid>{number}</guid><enclosure url='https://c.example/{number}.mp3' type='audio/mpeg'/>"
            f"<itunes:duration>{duration}</itunes:duration></item>"
        )

    written = ["754", "12:34", "1:02:03", "soon", "-5"]
    body = (
        "<rss version='2.0' xmlns:itunes='http://www.itunes.com/dtds/podcast-1.0.dtd'><channel>"
        + "".join(entry(*each) for each in enumerate(written))
        + "</channel></rss>"
    ).encode()
    assert [each.duration_seconds for each in parse_feed(body, URL).episodes] == [754.0, 754.0, 3723.0, None, None]


def test_an_episode_listed_twice_is_one(make_feed, item):
    same = item("A", "https://c.example/1.mp3", "one")
    assert len(parse_feed(make_feed(same, same), URL).episodes) == 1


def test_episodes_without_a_date_come_last_in_the_order_of_the_feed(make_feed, item):
    items = [item(name, f"https://c.example/{name}.mp3", day=day) for name, day in [("b", None), ("a", None), ("c", 3)]]
    assert [each.title for each in parse_feed(make_feed(*items), URL).episodes] == ["c", "b", "a"]


def test_pictures_are_no_episodes(make_feed, item):
    feed = parse_feed(make_feed(item("A", "https://c.example/cover.jpg", kind="image/jpeg")), URL)
    assert (feed.episodes, feed.silent_entries) == ((), 1)


def test_five_thousand_episodes_are_read_quickly(make_feed, item):
    body = make_feed(*(item(f"No {n}", f"https://c.example/{n}.mp3", f"id{n}", day=n % 900) for n in range(5_000)))
    began = time.monotonic()
    assert len(parse_feed(body, URL).episodes) == 5_000
    assert time.monotonic() - began < 20


def test_broken_xml_gives_what_can_be_read(make_feed, item):
    body = make_feed(*(item(f"No {n}", f"https://c.example/{n}.mp3") for n in range(9)))
    feed = parse_feed(body.replace(b"<title>No 7", b"<title>&bogus; <oops No 7"), URL)
    assert len(feed.episodes) >= 7
    assert feed.note.startswith("the feed is broken (") and feed.note.endswith(" episodes could be read")


def test_a_feed_cut_off_in_its_middle_gives_the_episodes_before(make_feed, item):
    body = make_feed(*(item(f"No {n}", f"https://c.example/{n}.mp3") for n in range(9)))
    feed = parse_feed(body[: len(body) // 2], URL)
    assert 3 <= len(feed.episodes) <= 5
    assert "the feed is broken" in feed.note


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b"<!DOCTYPE html><html><body><p>Hello</p></body></html>", "an HTML page"),
        (b"  <html><title>404</title></html>", "an HTML page"),
        (b'{"items": []}', "JSON"),
        (b"", "an empty page"),
        (b"<?xml version='1.0'?><opml><body/></opml>", "XML of another kind"),
        (b"\x89PNG\r\n\x1a\n", "something else"),
    ],
)
def test_what_is_no_feed_is_named(body, found):
    assert refusal(body) == (
        f"{URL}: expected a podcast feed (RSS or Atom), found {found}. "
        "Look for the page's RSS link; directories of podcasts show it."
    )


def test_a_feed_broken_before_its_first_episode():
    message = refusal(b"<?xml version='1.0'?><rss version='2.0'><channel><title>A</tit")
    assert "found broken XML (" in message and "line 1" in message


def test_no_entity_reads_a_file(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("TOPSECRET")
    body = (
        f"<?xml version='1.0'?><!DOCTYPE rss [<!ENTITY x SYSTEM 'file://{secret}'>]><rss version='2.0'><channel>"
        "<title>&x;</title><item><title>&x;</title><enclosure url='https://c.example/1.mp3' type='audio/mpeg'/></item>"
        "</channel></rss>"
    ).encode()
    assert "TOPSECRET" not in repr(parse_feed(body, URL))


def test_an_empty_feed_is_one():
    assert parse_feed(b"<rss version='2.0'><channel><title>A</title></channel></rss>", URL).episodes == ()
