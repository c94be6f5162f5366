# SPDX-License-Identifier: ISC
"""git over HTTP through the gateway: from plain files, and from a server that packs."""
import os
import shutil

import pytest

import origins
import tools
from waiting import until

MIB = 1 << 20
ALIAS = """
SetEnv GIT_PROJECT_ROOT {root}
SetEnv GIT_HTTP_EXPORT_ALL 1
ScriptAlias /git/ {backend}/
"""


class Git:
    """git with the gateway as its proxy, and without anybody's settings."""

    def __init__(self, gateway, home):
        self.program = tools.need("git")
        self.options = ["-c", f"http.proxy=http://{gateway.hostport}" if gateway else "a.b=c"]
        self.environment = {
            **{key: value for key, value in os.environ.items() if "proxy" not in key.lower()},
            **{"PATH": tools.PATH, "LC_ALL": "C", "HOME": str(home)},
            **{"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"},
            **{f"GIT_{who}_NAME": "a" for who in ("AUTHOR", "COMMITTER")},
            **{f"GIT_{who}_EMAIL": "a@example" for who in ("AUTHOR", "COMMITTER")},
        }

    def __call__(self, *words, where="/"):
        done = tools.run(self.program, "-C", where, *self.options, *words, env=self.environment)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(name="repository")
def bare_repository(tmp_path):
    """Some hundred files, in a history of ten commits."""
    work, bare, git = tmp_path / "work", tmp_path / "site/repository.git", Git(None, tmp_path)
    git("init", "-q", "-b", "main", work)
    for commit in range(10):
        (work / f"{commit}").mkdir()
        for number in range(30):
            (work / f"{commit}/{number}").write_text(f"{commit} {number}\n" * number)
        git("add", ".", where=work)
        git("commit", "-q", "-m", f"{commit}", where=work)
    git("clone", "-q", "--bare", work, bare)
    git("config", "http.receivepack", "true", where=bare)
    git("update-server-info", where=bare)
    shutil.rmtree(work)
    return bare


@pytest.fixture(name="smart")
def git_http_backend(repository, tmp_path):
    backend = Git(None, tmp_path)("--exec-path").strip() + "/git-http-backend"
    if os.geteuid() == 0:
        user, group = origins.nobody()
        done = tools.run("chown", "-R", f"{user}:{group}", repository)
        assert done.returncode == 0, done.stderr
    more = ALIAS.format(root=repository.parent, backend=backend)
    origin = origins.apache(tmp_path / "apache", repository.parent, more)
    yield origin
    origin.close()


@pytest.fixture(name="dumb")
def plain_files(repository, tmp_path):
    origin = origins.nginx(tmp_path / "nginx", repository.parent)
    yield origin
    origin.close()


def test_git_clones_plain_files(hopgate, dumb, repository, tmp_path):
    gateway = hopgate()
    git = Git(gateway, tmp_path)
    git("clone", "-q", dumb.url("/repository.git"), tmp_path / "clone")
    head = git("rev-parse", "HEAD", where=tmp_path / "clone")
    assert head == git("rev-parse", "refs/heads/main", where=repository)
    assert gateway.session(method="GET")["target"] == f"127.0.0.1:{dumb.port}"


def test_git_pushes_and_fetches(hopgate, smart, tmp_path):
    """What is pushed is bigger than git's buffer: it is sent in chunks."""
    gateway = hopgate()
    git, url = Git(gateway, tmp_path), smart.url("/git/repository.git")
    one, two = tmp_path / "one", tmp_path / "two"
    git("clone", "-q", url, one)
    git("clone", "-q", url, two)
    assert (two / "9/29").read_text() == "9 29\n" * 29
    (one / "data").write_bytes(os.urandom(5 * MIB))
    git("add", "data", where=one)
    git("commit", "-q", "-m", "data", where=one)
    git("push", "-q", where=one)
    git("pull", "-q", "--ff-only", where=two)
    assert (two / "data").read_bytes() == (one / "data").read_bytes()
    assert {row["command"] for row in gateway.sessions()} == {"http"}
    until(lambda: any(int(row["up"]) > 5 * MIB for row in gateway.sessions()), "the push")


def test_git_fetches_what_is_new(hopgate, smart, repository, tmp_path):
    """Many times: each fetch talks about what both sides have, with compressed requests."""
    git, url = Git(hopgate(), tmp_path), smart.url("/git/repository.git")
    one, two = tmp_path / "one", tmp_path / "two"
    git("clone", "-q", url, one)
    git("clone", "-q", "--depth", "3", url, two)
    for number in range(5):
        (one / "new").write_text(f"{number}")
        git("add", "new", where=one)
        git("commit", "-q", "-m", f"new {number}", where=one)
        git("push", "-q", where=one)
        git("pull", "-q", "--ff-only", where=two)
        assert (two / "new").read_text() == f"{number}"
    git("fetch", "-q", "--unshallow", where=two)
    assert git("rev-list", "--count", "HEAD", where=two).strip() == "15"
    git("fsck", "--full", where=two)
    assert repository.exists()
