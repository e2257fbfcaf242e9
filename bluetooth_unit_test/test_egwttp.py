"""EGWTTP on the wire: requests put together, answers cut into pages, from both ends."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bluetooth.egwttp import (
    MAX_BODY_BYTES,
    MAX_ERROR_CHARACTERS,
    MAX_HEAD_BYTES,
    MAX_NUMBER_DIGITS,
    MAX_PATH_BYTES,
    MAX_REASON_CHARACTERS,
    METHODS,
    PAGE_BYTES,
    Assembler,
    NotAPage,
    Page,
    Pages,
    Request,
    Response,
    Unacceptable,
    parse_page,
    pieces,
    refusal,
)

HELLO = b"GET /api/hello EGWTTP/1.1\r\nContent-Type: text/json\r\nContent-Length: 0\r\n\r\n"

paths = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=100).map(
    "/".__add__
)
bodies = st.text(max_size=1500).map(str.encode)
requests = st.builds(
    Request, st.sampled_from(METHODS), paths, st.binary(max_size=2000), st.integers(0, 10**6)
)


def assemble(*writes: bytes) -> Request | None:
    """What an assembler makes of these writes."""
    assembler = Assembler()
    request = None
    for each in writes:
        request = assembler.feed(each)
    return request


def refused(*writes: bytes) -> Unacceptable:
    """The error that the last of these writes is answered with."""
    assembler = Assembler()
    for each in writes[:-1]:
        assembler.feed(each)
    with pytest.raises(Unacceptable) as caught:
        assembler.feed(writes[-1])
    return caught.value


def test_request_as_apps_write_it() -> None:
    """The bytes that existing apps send are understood."""
    body = b'{"ssid":"home","psk":"secret"}'
    write = b"POST /api/wifi EGWTTP/1.1\r\nContent-Type: text/json\r\nContent-Length: 30\r\n\r\n"

    assert Request("POST", "/api/wifi", body) == assemble(write + body)


def test_offset_of_a_request() -> None:
    """A request for a later page says how many bytes of the body it has."""
    write = b"GET /api/state EGWTTP/1.1\r\nContent-Length: 0\r\noffset: 409\r\n\r\n"

    assert Request("GET", "/api/state", b"", 409) == assemble(write)


def test_request_without_a_length() -> None:
    """Without Content-Length the body is what stands in the same write."""
    assert Request("POST", "/api/echo", b"[1]") == assemble(b"POST /api/echo EGWTTP/1.1\r\n\r\n[1]")


def test_phone_writes_what_apps_write() -> None:
    """A phone's half writes the same bytes as the older apps."""
    assert HELLO == Request("GET", "/api/hello").encode()


@given(requests)
def test_request_round_trip(request: Request) -> None:
    """What a phone encodes is what the box reads."""
    assert request == assemble(request.encode())


@given(st.data(), requests)
def test_any_split_of_a_request_equals_the_whole(data: st.DataObject, request: Request) -> None:
    """Wherever its writes are cut, the request is the same, and complete with the last one only."""
    whole = request.encode()
    at = sorted(data.draw(st.sets(st.integers(1, len(whole) - 1), max_size=20)))
    writes = [whole[a:b] for a, b in zip([0, *at], [*at, len(whole)], strict=True)]
    assembler = Assembler()

    assert [None] * (len(writes) - 1) + [request] == [assembler.feed(each) for each in writes]
    assert not assembler.waits


@pytest.mark.parametrize("most_bytes", (1, 20, 244))
def test_pieces_are_writes_of_one_size(most_bytes: int) -> None:
    """A phone cuts a request into writes that its connection carries."""
    request = Request("POST", "/api/settings", b'{"name": "cellar"}' * 20)
    writes = pieces(request.encode(), most_bytes)

    assert request == assemble(*writes)
    assert most_bytes == max(map(len, writes))


@given(st.lists(st.binary(max_size=700), max_size=8))
@example([b"GET / EGWTTP/1.1\r\n", b":\r\n\r\n"])
@example([b"POST / EGWTTP/1.1\r\nContent-Length: \xc2\xb2\r\n\r\n"])
def test_no_bytes_break_the_assembler(writes: list[bytes]) -> None:
    """Whatever is written, the assembler answers or waits, and reads the next request."""
    assembler = Assembler()
    for each in writes:
        try:
            assembler.feed(each)
        except Unacceptable as error:
            assert 400 <= error.status < 500
            assert len(error.response().page()) <= PAGE_BYTES
    assembler.reset()

    assert Request("GET", "/api/hello") == assembler.feed(HELLO)


@pytest.mark.parametrize(
    "write",
    (
        b"\r\n\r\n",
        b"hello",
        b"GET",  # A method alone, then something that is no path.
        b"GET /api/hello HTTP/1.1\r\n\r\n",
        b"GET /api/hello EGWTTP/1.1\n\n",
        b"GET /api/hello EGWTP/1.1\r\n\r\n",
        b"GET  /api/hello EGWTTP/1.1\r\n\r\n",
        b"GET api/hello EGWTTP/1.1\r\n\r\n",
        "GET /api/gr\u00fc\u00df EGWTTP/1.1\r\n\r\n".encode(),
        b"GET /api/hello\x00 EGWTTP/1.1\r\n\r\n",
        b"GET /api/hello EGWTTP/1.1\r\nOffset 1\r\n\r\n",
        b"GET /api/hello EGWTTP/1.1\r\n: 1\r\n\r\n",
        b"GET /api/hello EGWTTP/1.1\r\nOffset: -1\r\n\r\n",
        b"GET /api/hello EGWTTP/1.1\r\nOffset: 1_0\r\n\r\n",
        b"GET /api/hello EGWTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"GET /api/hello EGWTTP/1.1\r\nContent-Length: 1\r\n\r\nab",
    ),
)
def test_malformed_request_is_400(write: bytes) -> None:
    """What is no request is refused at once, and the next request is read."""
    if write == b"GET":
        assert 400 == refused(write, b" x").status
        return

    assert 400 == refused(write).status


def test_request_after_a_malformed_one() -> None:
    """A malformed request leaves nothing behind."""
    assembler = Assembler()
    with pytest.raises(Unacceptable):
        assembler.feed(b"\xff\xfe")

    assert Request("GET", "/api/hello") == assembler.feed(HELLO)


@pytest.mark.parametrize("method", ("PUT", "HEAD", "PATCH"))
def test_unknown_method_is_405(method: str) -> None:
    """A method that the API does not have is named as such, with its path."""
    error = refused(f"{method} /api/hello EGWTTP/1.1\r\n\r\n".encode())

    assert (405, "/api/hello") == (error.status, error.location)


def test_long_path_is_414() -> None:
    """MAX_PATH_BYTES are taken and one more is refused, not cut."""
    longest = "/" + "a" * (MAX_PATH_BYTES - 1)

    assert Request("GET", longest) == assemble(Request("GET", longest).encode())
    assert 414 == refused(Request("GET", longest + "a").encode()).status


def test_long_head_is_431() -> None:
    """MAX_HEAD_BYTES are taken and one more is refused, be it in one write or in many."""
    start = b"GET / EGWTTP/1.1\r\nX: "
    head = start + b"x" * (MAX_HEAD_BYTES - len(start))
    many = pieces(head + b"x" * 8, 20)

    assert Request("GET", "/") == assemble(head + b"\r\n\r\n")
    assert 431 == refused(head + b"x\r\n\r\n").status
    assert 431 == refused(*many).status


def test_endless_first_line_is_431() -> None:
    """Bytes without an end of a line are refused when they are longer than any head."""
    assert 431 == refused(b"GET /", *[b"a" * 20] * (MAX_HEAD_BYTES // 20 + 1)).status


def test_large_body_is_413() -> None:
    """MAX_BODY_BYTES are taken; what announces more is refused before it comes."""
    body = b"x" * MAX_BODY_BYTES
    larger = Request("POST", "/api/echo", body + b"x").encode()

    assert Request("POST", "/api/echo", body) == assemble(
        Request("POST", "/api/echo", body).encode()
    )
    assert (413, "/api/echo") == (refused(larger[:100]).status, refused(larger[:100]).location)


def test_numbers_are_short() -> None:
    """A number of more than MAX_NUMBER_DIGITS is no number of bytes."""
    digits = "9" * MAX_NUMBER_DIGITS
    write = f"GET / EGWTTP/1.1\r\nOffset: {digits}\r\n\r\n".encode()

    assert Request("GET", "/", b"", int(digits)) == assemble(write)
    assert 400 == refused(write.replace(b"\r\n\r\n", b"9\r\n\r\n")).status


def test_rest_of_a_refused_request_is_passed_over() -> None:
    """One refusal for one request, however many pieces still come; the next one is read."""
    assembler = Assembler()
    with pytest.raises(Unacceptable):
        assembler.feed(b"POST /api/echo EGWTTP/1.1\r\nContent-Length: 99999999\r\n\r\nxx")

    assert [None, None] == [assembler.feed(b"x" * 20), assembler.feed(b"y" * 20)]
    assert assembler.waits
    assert Request("GET", "/api/hello") == assembler.feed(HELLO)


def test_pause_in_a_request() -> None:
    """A client that pauses is told for which request, and can begin anew."""
    assembler = Assembler()
    assembler.feed(b"POST /api/echo EGWTTP/1.1\r\nContent-Length: 5\r\n\r\nab")
    error = assembler.overdue()

    assert error is not None
    assert (408, "/api/echo", "POST") == (error.status, error.location, error.method)
    assert Request("GET", "/api/hello") == assembler.feed(HELLO)


def test_pause_while_passing_over() -> None:
    """Nobody is told twice of one refused request."""
    assembler = Assembler()
    with pytest.raises(Unacceptable):
        assembler.feed(b"PUT / EGWTTP/1.1\r\n\r\n")

    assert assembler.overdue() is None
    assert not assembler.waits


def test_answer_as_apps_read_it() -> None:
    """The bytes that existing apps read, in their order and spelling."""
    response = Response(200, "OK", "/api/hello", "GET", b'{"message": "hello"}')

    assert response.page() == (
        b"EGWTP/1.1 200 OK\r\nLocation: /api/hello\r\nMethod: GET\r\n"
        b'Content-Type: text/json\r\nContent-Length: 20\r\n\r\n{"message": "hello"}'
    )


def test_offset_is_echoed_above_zero_only() -> None:
    """The first page has no Offset, the others have theirs; each tells the whole length."""
    response = Response(200, "OK", "/api/state", "GET", b"x" * 1000)
    first, second = parse_page(response.page()), parse_page(response.page(400))

    assert b"Offset" not in response.page()
    assert b"\r\nOffset: 400\r\n\r\nx" in response.page(400)
    assert (1000, 1000) == (first.total_bytes, second.total_bytes)


def test_pages_are_full() -> None:
    """A page uses the longest value there is, so that there are few of them."""
    response = Response(200, "OK", "/api/state", "GET", b"x" * 20_000)

    assert (PAGE_BYTES, PAGE_BYTES) == (len(response.page()), len(response.page(9_000)))


def test_page_at_and_beyond_the_end() -> None:
    """At the end there is an empty page, beyond it an error that says how long the body is."""
    response = Response(200, "OK", "/api/state", "GET", b"x" * 10)
    with pytest.raises(Unacceptable) as caught:
        response.page(11)

    assert (10, b"") == (parse_page(response.page(10)).offset, parse_page(response.page(10)).body)
    assert (416, "/api/state", "GET") == (
        caught.value.status,
        caught.value.location,
        caught.value.method,
    )


@given(bodies, paths, st.sampled_from((PAGE_BYTES, 420, 2048)))
def test_pages_of_any_body_reproduce_it(body: bytes, path: str, page_bytes: int) -> None:
    """Page after page gives the body exactly, and each can be decoded by itself."""
    response = Response(200, "OK", path, "GET", body)
    request: Request | None = Request("GET", path)
    assert request is not None
    collected = Pages(request)
    while request is not None:
        value = response.page(request.offset, page_bytes)
        page = parse_page(value)
        page.body.decode("utf-8")
        assert len(value) <= page_bytes
        request = collected.add(page)

    assert response == collected.response()


@given(st.text(max_size=900), st.data())
def test_pages_from_any_start(text: str, data: st.DataObject) -> None:
    """From any character on, the pages give the rest of the body."""
    start = len(text[: data.draw(st.integers(0, len(text)))].encode())
    response = Response(200, "OK", "/api/state", "GET", text.encode())
    rest = b""
    while start + len(rest) < len(response.body):
        part = parse_page(response.page(start + len(rest))).body
        part.decode("utf-8")
        assert part
        rest += part

    assert response.body[start:] == rest


@given(st.binary(max_size=1200), st.integers(0, 1200))
def test_pages_of_what_is_no_text(body: bytes, start: int) -> None:
    """Any bytes from any byte on arrive, be they text or not."""
    response = Response(200, "OK", "/api/state", "GET", body)
    rest = b""
    while start + len(rest) < len(body):
        part = parse_page(response.page(start + len(rest))).body
        assert part
        rest += part

    assert body[start:] == rest


def test_longest_head_leaves_room() -> None:
    """Even below the longest path, with the longest reason, a page carries some of the body."""
    path = "/" + "p" * (MAX_PATH_BYTES - 1)
    response = Response(599, "r" * 99, path, "DELETE", b"x" * MAX_BODY_BYTES)

    assert len(parse_page(response.page(MAX_BODY_BYTES - 200)).body) > 64


@pytest.mark.parametrize(
    ("status", "reason", "line"),
    (
        (200, "", b"EGWTP/1.1 200 OK\r\n"),
        (422, "", b"EGWTP/1.1 422 Unprocessable Entity\r\n"),
        (299, "", b"EGWTP/1.1 299 Unknown\r\n"),
        (500, "a\r\nb: \u00fc", b"EGWTP/1.1 500 a??b: ?\r\n"),
        (500, "x" * 99, b"EGWTP/1.1 500 " + b"x" * MAX_REASON_CHARACTERS + b"\r\n"),
    ),
)
def test_status_line(status: int, reason: str, line: bytes) -> None:
    """The gateway's own status and reason, in one harmless line."""
    assert Response(status, reason, "/", "GET", b"").page().startswith(line)


@given(st.integers(100, 999), st.text(max_size=400), paths.map(lambda path: (path * 99)[:256]))
def test_refusal_always_fits_one_page(status: int, text: str, path: str) -> None:
    """An error is told whole, in one page, in the shape of the API's errors."""
    page = parse_page(refusal(status, text, path, "DELETE").page())
    words = json.loads(page.body)["error"]

    assert page.total_bytes == len(page.body)
    assert len(words) <= MAX_ERROR_CHARACTERS


def test_refusal_in_the_api_shape() -> None:
    """Apps find the words where the API's own errors have them."""
    page = parse_page(refusal(403, 'open the "window"', "/api/wifi", "POST").page())
    words = "open the 'window'"

    assert (403, "Forbidden", "/api/wifi", "POST") == (
        page.status,
        page.reason,
        page.location,
        page.method,
    )
    assert {"error": words, "status": "error", "message": words} == json.loads(page.body)


@given(st.binary(max_size=600))
@example(b"EGWTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab")
@example(b"EGWTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n")
@example(b"EGWTP/1.1 200\r\n\r\n")
@example(b"Hello ble World")
def test_no_value_breaks_the_phone(value: bytes) -> None:
    """Whatever a box says, a phone's half reads a page or says that it is none."""
    try:
        page = parse_page(value)
    except NotAPage:
        return

    assert page.offset + len(page.body) <= page.total_bytes


def page_of(body: bytes, offset: int, total: int, status: int = 200) -> Page:
    """A page that a phone was given."""
    return Page(status, "OK", "/", "GET", total, offset, body)


def test_phone_asks_for_the_next_page() -> None:
    """The next request is the same with the bytes that came as its Offset."""
    pages = Pages(Request("POST", "/api/echo", b"{}"))

    assert Request("POST", "/api/echo", b"{}", 2) == pages.add(page_of(b"ab", 0, 5))
    assert pages.add(page_of(b"cde", 2, 5)) is None
    assert b"abcde" == pages.response().body


@pytest.mark.parametrize(
    "page",
    (
        page_of(b"x", 1, 5),
        page_of(b"x", 2, 6),
        page_of(b"x", 2, 5, 410),
        page_of(b"", 2, 5),
    ),
    ids=("not where it ended", "another length", "another status", "nothing"),
)
def test_phone_refuses_pages_that_do_not_belong_together(page: Page) -> None:
    """A page that does not continue what came is refused, not joined."""
    pages = Pages(Request("GET", "/"))
    pages.add(page_of(b"ab", 0, 5))

    with pytest.raises(NotAPage):
        pages.add(page)


def test_box_that_is_still_at_it() -> None:
    """A phone tells "not yet" from an answer."""
    assert parse_page(Response(102, "", "/", "GET", b"").page()).is_pending
