# SPDX-License-Identifier: ISC
"""apt-get and npm, with repositories that only the gateway can find."""
import json

import pytest

import origins
import repositories
import servers
import tools
from test_access import guarded, password_file

COUNT = 25


@pytest.fixture(name="gateway")
def gateway_that_knows_names(hopgate, tmp_path):
    """Names of the hosts file are names to the gateway alone."""
    hosts = tmp_path / "hosts"
    hosts.write_text("127.0.0.1 packages.example\n")
    text = f"resolver {{ servers 127.0.0.1:9; hosts {hosts} }}\n"
    return lambda more="": hopgate(text + more)


# --- apt ------------------------------------------------------------------------------------------


@pytest.fixture(name="packages")
def packages_in_a_site(tmp_path):
    tools.need("apt-get", "dpkg-deb")
    return repositories.apt_repository(tmp_path / "site", COUNT)


@pytest.fixture(name="origin", params=["nginx", "apache"])
def web_server(packages, tmp_path, request):
    assert packages
    origin = getattr(origins, request.param)(tmp_path / request.param, tmp_path / "site")
    yield origin
    origin.close()


def apt(gateway, origin, tmp_path, userinfo=""):
    url, proxy = origin.url(host="packages.example"), f"http://{userinfo}{gateway.hostport}"
    return repositories.Apt(tmp_path / "apt", url, proxy)


def test_apt_installs(gateway, origin, packages, tmp_path):
    """Requests come many at a time, and what was fetched in part is gone on with."""
    gateway = gateway()
    client = apt(gateway, origin, tmp_path)
    assert "Get:" in client.get("update")
    begun = list(packages)[COUNT // 2]
    client.has_begun(begun, packages[begun][:50000])
    client.get("install", "--download-only", "--yes", "part0")
    for name, data in packages.items():
        assert (client.archives / name).read_bytes() == data, name
    assert "Hit:" in client.get("update")
    for status in ("206", "304"):
        row = gateway.session(command="http", status=status)
        assert (row["method"], row["target"]) == ("GET", f"packages.example:{origin.port}")


def test_apt_with_a_password(gateway, origin, tmp_path):
    gateway = gateway(guarded(password_file(tmp_path, alice="secret")))
    apt(gateway, origin, tmp_path, "alice:secret@").get("update")
    assert gateway.session(user="alice")["target"] == f"packages.example:{origin.port}"


# --- npm ------------------------------------------------------------------------------------------


@pytest.fixture(name="registry")
def npm_registry():
    tools.need("npm", "node")
    site = servers.WebSite(handler=repositories.registry(COUNT))
    yield site
    site.close()


def npm(gateway, registry, tmp_path, userinfo=""):
    url = f"http://packages.example:{registry.port}/"
    return repositories.Npm(tmp_path / "npm", url, f"http://{userinfo}{gateway.hostport}")


def test_npm_installs(gateway, registry, tmp_path):
    gateway = gateway()
    project = tmp_path / "project"
    npm(gateway, registry, tmp_path)(project, "install", "part0")
    for number in range(COUNT):
        text = (project / f"node_modules/part{number}/index.js").read_text()
        assert text == f"module.exports = 'part{number}';\n"
    handler = registry.server.RequestHandlerClass
    assert any(path.endswith("/advisories/bulk") for _, path, _ in handler.asked)
    assert all(via for _, _, via in handler.asked), handler.asked
    assert gateway.session(method="POST")["target"] == f"packages.example:{registry.port}"
    assert {row["command"] for row in gateway.sessions()} == {"http"}


def test_npm_publishes(gateway, registry, tmp_path):
    """The token is for the registry, and the password for the gateway: each gets its own."""
    gateway = gateway(guarded(password_file(tmp_path, alice="secret")))
    client, project = npm(gateway, registry, tmp_path, "alice:secret@"), tmp_path / "project"
    project.mkdir()
    manifest = {"name": "mine", "version": "1.0.0", "files": ["data"]}
    (project / "package.json").write_text(json.dumps(manifest))
    (project / "data").write_text("what I made\n" * 10000)
    client(project, "publish")
    assert registry.server.RequestHandlerClass.tokens == ["Bearer a-token"]
    client(tmp_path / "other", "install", "mine")
    assert (tmp_path / "other/node_modules/mine/data").read_text() == "what I made\n" * 10000
    assert gateway.session(method="PUT")["user"] == "alice"
