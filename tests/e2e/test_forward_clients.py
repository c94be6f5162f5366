# SPDX-License-Identifier: ISC
"""curl and wget against nginx and Apache, by requests in absolute form."""
import hashlib
import os
import re

import pytest

import origins
import tools
from test_access import guarded, password_file
from waiting import until

MIB = 1 << 20
PAGES = 30
SUM = """#!/bin/sh
# says what it was sent
printf 'Content-Type: text/plain\\r\\n\\r\\n%s ' "$REQUEST_METHOD"
sha256sum
"""


@pytest.fixture(name="site")
def directory_of_files(tmp_path):
    """A site: a text, three megabytes, and pages that lead to each other."""
    site = tmp_path / "site"
    (site / "pages").mkdir(parents=True)
    (site / "hello.txt").write_text("hello " * 400)
    (site / "data").write_bytes(os.urandom(3 * MIB))
    for number in range(PAGES):
        link = f'<a href="{number + 1}.html">next</a>' if number + 1 < PAGES else "the last"
        (site / f"pages/{number}.html").write_text(f"<title>{number}</title>{link}" + "x" * number)
    return site


@pytest.fixture(name="nginx")
def start_nginx(site, tmp_path):
    origin = origins.nginx(tmp_path / "nginx", site)
    yield origin
    origin.close()


@pytest.fixture(name="apache")
def start_apache(site, tmp_path):
    (tmp_path / "sum").write_text(SUM)
    (tmp_path / "sum").chmod(0o755)
    origin = origins.apache(tmp_path / "apache", site, f"ScriptAlias /sum {tmp_path}/sum")
    yield origin
    origin.close()


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def curl(gateway, *words, proxy="", verbose=False):
    """What curl says; it must succeed.  Of options, `--next` forgets all but ours."""
    program = tools.need("curl")
    always = ["-sS", "--noproxy", "", "-x", f"http://{proxy}{gateway.hostport}"]
    line = [program, "-q", *always]
    for word in words:
        line += ["--next", *always] if word == "--next" else [word]
    done = tools.run(*line)
    assert done.returncode == 0, done.stderr
    return (done.stdout, done.stderr) if verbose else done.stdout


def rows(gateway, number):
    """That many lines of the access log, all of forwarded requests; workers write by turns."""
    until(lambda: len(gateway.sessions()) >= number, f"{number} lines of the access log")
    assert len(gateway.sessions()) == number
    assert {row["command"] for row in gateway.sessions()} == {"http"}
    return gateway.sessions()


# --- curl: getting ------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["--http1.1", "--http1.0"])
def test_curl_gets(hopgate, nginx, site, tmp_path, version):
    gateway = hopgate()
    curl(gateway, version, "-o", tmp_path / "got", nginx.url("/data"))
    assert digest(tmp_path / "got") == digest(site / "data")
    (row,) = rows(gateway, 1)
    assert (row["method"], row["status"]) == ("GET", "200")
    assert row["target"] == f"127.0.0.1:{nginx.port}"
    assert int(row["down"]) > 3 * MIB


def test_curl_gets_many_over_one_connection(hopgate, nginx, apache):
    """Of two origins by turns: one connection to the proxy, few to each origin."""
    gateway, urls = hopgate(), []
    for number in range(PAGES):
        urls += [nginx.url(f"/pages/{number}.html"), apache.url(f"/pages/{number}.html")]
    out = curl(gateway, "-w", "|%{num_connects} %{http_code}|", *urls)
    said = [word.split() for word in re.findall(r"\|([^|]*)\|", out)]
    assert [code for _, code in said] == ["200"] * len(urls)
    assert sum(int(connects) for connects, _ in said) == 1
    assert re.findall(r"<title>(\d+)<", out) == [str(n // 2) for n in range(2 * PAGES)]
    clients = {row["client"] for row in rows(gateway, 2 * PAGES)}
    assert len(clients) == 1
    until(lambda: len(nginx.seen()) == PAGES, "what nginx saw")
    assert len({connection for _, _, connection, _, _ in nginx.seen()}) <= 2


def test_curl_gets_many_at_once(hopgate, nginx, site, tmp_path):
    gateway = hopgate()
    url = nginx.url(f"/pages/[0-{PAGES - 1}].html")
    curl(gateway, "-Z", "--parallel-immediate", "-o", f"{tmp_path}/#1.html", url)
    for number in range(PAGES):
        name = f"{number}.html"
        assert (tmp_path / name).read_text() == (site / "pages" / name).read_text()
    rows(gateway, PAGES)


def test_curl_asks_for_the_head_only(hopgate, nginx):
    """No body follows, and the connection goes on."""
    gateway = hopgate()
    out = curl(gateway, "-I", "-w", "|%{num_connects}|", *[nginx.url("/data")] * 3)
    assert out.count(f"Content-Length: {3 * MIB}\n") == 3
    assert re.findall(r"\|(\d)\|", out) == ["1", "0", "0"]
    assert {row["method"] for row in rows(gateway, 3)} == {"HEAD"}


def test_curl_gets_ranges(hopgate, nginx, site, tmp_path):
    gateway, data = hopgate(), (site / "data").read_bytes()
    got = tmp_path / "got"
    words = ("-w", "%{http_code}", "-o", got, nginx.url("/data"))
    assert curl(gateway, "-r", "1000000-1999999", *words) == "206"
    assert got.read_bytes() == data[1000000:2000000]
    out = curl(gateway, "-r", "0-9,20-29", "-i", nginx.url("/hello.txt"))
    assert "multipart/byteranges" in out and out.count("Content-Range: bytes") == 2
    got.write_bytes(data[:MIB])
    curl(gateway, "-C", "-", "-o", got, nginx.url("/data"))
    assert got.read_bytes() == data
    assert curl(gateway, "-r", "9999999-", *words) == "416"


def test_curl_asks_what_has_changed(hopgate, nginx, site):
    """304 and 204 have no body; the next answer on the connection is the right one."""
    gateway, path = hopgate(), site / "hello.txt"
    words = ("-w", "|%{http_code} %{num_connects}|")
    out = curl(
        gateway,
        *(*words, "-z", path, nginx.url("/hello.txt"), "--next"),
        *(*words, nginx.url("/empty"), nginx.url("/pages/7.html")),
    )
    assert out.startswith("|304 1||204 0|<title>7<") and out.endswith("|200 0|")


def test_curl_follows_redirects(hopgate, nginx, site):
    gateway = hopgate()
    for path, count in (("/moved", 1), ("/moved-for-good", 1)):
        out = curl(gateway, "-L", "-w", "|%{num_redirects} %{num_connects}", nginx.url(path))
        assert out == (site / "hello.txt").read_text() + f"|{count} 1"
    assert sorted(row["status"] for row in rows(gateway, 4)) == ["200", "200", "302", "308"]


def test_curl_gets_a_compressed_answer(hopgate, nginx, site):
    """nginx sends it in chunks; what is in them is not ours to touch."""
    out = curl(hopgate(), "--compressed", "-i", nginx.url("/gzip/hello.txt"))
    assert "Content-Encoding: gzip" in out and out.endswith((site / "hello.txt").read_text())


# --- curl: sending ------------------------------------------------------------------------------


def test_curl_uploads_when_told_to_go_on(hopgate, nginx, site):
    """More than a megabyte: curl waits for 100 (Continue)."""
    gateway = hopgate()
    words = ("-v", "--expect100-timeout", "30", "-w", "%{http_code} %{size_upload}")
    words += ("-o", "/dev/null", "-T", site / "data", nginx.url("/upload/data"))
    out, said = curl(gateway, *words, verbose=True)
    assert out == f"201 {3 * MIB}" and "< HTTP/1.1 100 Continue" in said
    assert digest(nginx.directory / "upload/data") == digest(site / "data")
    (row,) = rows(gateway, 1)
    assert (row["method"], row["status"]) == ("PUT", "201") and int(row["up"]) > 3 * MIB


def test_curl_is_told_not_to_go_on(hopgate, nginx, site):
    """The origin refuses the head: not a byte of the body is sent."""
    words = ("--expect100-timeout", "30", "-w", "|%{http_code} %{size_upload}")
    out = curl(hopgate(), *words, "-T", site / "data", nginx.url("/small/data"))
    assert out.endswith("|413 0")


@pytest.mark.parametrize("how", ["with-a-length", "in-chunks"])
def test_curl_is_refused_while_it_sends(hopgate, nginx, site, how):
    """An early answer comes through, whatever is still on its way."""
    words = ("-H", "Expect:", "-w", "|%{http_code}", "-T", site / "data")
    if how == "in-chunks":
        words += ("-H", "Transfer-Encoding: chunked")
    out = curl(hopgate(), *words, nginx.url("/small/data"))
    assert out.endswith("|413")


def test_curl_uploads_from_a_pipe(hopgate, nginx, site):
    """Of unknown length: in chunks."""
    gateway, program = hopgate(), tools.need("curl")
    where, url = f"http://{gateway.hostport}", nginx.url("/upload/piped")
    command = f"cat {site}/data | {program} -q -sS --noproxy '' -x {where} -T - -o /dev/null {url}"
    done = tools.run("sh", "-c", command)
    assert done.returncode == 0, done.stderr
    assert digest(nginx.directory / "upload/piped") == digest(site / "data")


@pytest.mark.parametrize("words", ["--http1.1", "--http1.0", "-H Transfer-Encoding:chunked"])
def test_curl_posts_to_a_program(hopgate, apache, site, words):
    """What answers as it goes has no length: chunks, or the end of the connection."""
    out = curl(hopgate(), *words.split(), "--data-binary", f"@{site}/data", apache.url("/sum"))
    assert out == f"POST {digest(site / 'data')}  -\n"


def test_curl_posts_many_over_one_connection(hopgate, apache, nginx):
    """Requests with and without a body, answers with a length and in chunks, by turns."""
    gateway, words, expected = hopgate(), [], []
    for number in range(20):
        text = f"{number} " * 997
        words += ["--next", "--data-binary", text, apache.url("/sum")]
        words += ["--next", nginx.url(f"/pages/{number}.html")]
        said = hashlib.sha256(text.encode()).hexdigest()
        expected += [f"POST {said}  -", f"<title>{number}</title>"]
    out = curl(gateway, *words[1:])
    at = [out.index(piece) for piece in expected]
    assert at == sorted(at)
    assert len({row["client"] for row in rows(gateway, 40)}) == 1


def test_curl_with_a_password(hopgate, nginx, tmp_path):
    """It asks without, is refused by 407, and goes on, on the same connection."""
    gateway = hopgate(guarded(password_file(tmp_path, alice="secret")))
    words = ("--proxy-anyauth", "-w", "|%{http_code} %{num_connects}")
    out = curl(gateway, *words, nginx.url("/pages/3.html"), proxy="alice:secret@")
    assert "<title>3</title>" in out and out.endswith("|200 1")
    out = curl(gateway, "-w", "|%{http_code}", nginx.url("/"), proxy="alice:wrong@")
    assert out.endswith("|407")
    assert not [line for line in nginx.seen() if "secret" in str(line)]


# --- wget -----------------------------------------------------------------------------------------


def wget(gateway, *words, status=0):
    """It must end with that status."""
    settings = ("use_proxy=on", f"http_proxy=http://{gateway.hostport}/", "no_proxy=")
    proxy = [word for setting in settings for word in ("-e", setting)]
    done = tools.run(tools.need("wget"), "--no-config", "-nv", *proxy, *words)
    assert done.returncode == status, done.stderr


def test_wget_follows_a_site(hopgate, nginx, site, tmp_path):
    gateway = hopgate()
    words = ("-r", "-l", "inf", "-nH", "-P", tmp_path / "mirror", "-e", "robots=off")
    wget(gateway, *words, nginx.url("/pages/0.html"))
    for number in range(PAGES):
        name = f"pages/{number}.html"
        assert (tmp_path / "mirror" / name).read_text() == (site / name).read_text()
    rows(gateway, PAGES)


def test_wget_goes_on_where_it_ended(hopgate, nginx, site, tmp_path):
    data = (site / "data").read_bytes()
    (tmp_path / "data").write_bytes(data[:1234567])
    gateway = hopgate()
    wget(gateway, "-c", "-P", tmp_path, nginx.url("/data"))
    assert (tmp_path / "data").read_bytes() == data
    assert gateway.session(command="http")["status"] == "206"


def test_wget_asks_and_is_told(hopgate, nginx, tmp_path):
    gateway = hopgate()
    wget(gateway, "--spider", nginx.url("/data"))
    wget(gateway, "-P", tmp_path, nginx.url("/nothing"), status=8)
    statuses = {(row["method"], row["status"]) for row in rows(gateway, 2)}
    assert statuses == {("HEAD", "200"), ("GET", "404")}


def test_wget_sends_a_file(hopgate, nginx, site):
    wget(hopgate(), "--method=PUT", f"--body-file={site}/data", "-O", "-", nginx.url("/upload/w"))
    assert digest(nginx.directory / "upload/w") == digest(site / "data")
