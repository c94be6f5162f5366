# SPDX-License-Identifier: ISC
"""Little repositories of packages: for apt, files for a web server; for npm, an origin."""
import base64
import gzip
import hashlib
import io
import json
import os
import tarfile

import tools
from handlers import Handler

# --- apt ------------------------------------------------------------------------------------------

YEAR_2000 = 946684800
RELEASE = """Origin: test
Suite: stable
Codename: stable
Date: Sat, 01 Jan 2000 00:00:00 UTC
Architectures: amd64
Components: main
SHA256:
"""
JSON = "application/json"
APT_CONF = """
Dir::State "{directory}/state";
Dir::State::status "{directory}/status";
Dir::Cache "{directory}/cache";
Dir::Log "{directory}/log";
Dir::Etc "{directory}/etc";
APT::Architecture "amd64";
APT::Architectures {{ "amd64"; }};
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::Retries "0";
Acquire::http::Proxy "{proxy}";
"""


def apt_repository(root, count):
    """A repository of that many packages, each of which needs the next; {name: bytes}."""
    pool, lists, packages, index = root / "pool", root / "dists/stable/main/binary-amd64", {}, ""
    pool.mkdir(parents=True)
    lists.mkdir(parents=True)
    for number in range(count):
        name = f"part{number}"
        tree = root.parent / f"tree-{name}"
        (tree / "DEBIAN").mkdir(parents=True)
        (tree / "data").write_bytes(os.urandom(1000 + number * 20000))
        control = f"Package: {name}\nVersion: 1.0\nArchitecture: all\nMaintainer: a <a@example>\n"
        if number + 1 < count:
            control += f"Depends: part{number + 1}\n"
        control += "Description: a part\n"
        (tree / "DEBIAN/control").write_text(control)
        path = pool / f"{name}_1.0_all.deb"
        done = tools.run("dpkg-deb", "--root-owner-group", "-Znone", "-b", tree, path)
        assert done.returncode == 0, done.stderr
        os.utime(path, (YEAR_2000, YEAR_2000))  # what is new may change yet: no ranges of it
        packages[path.name] = data = path.read_bytes()
        index += f"{control}Filename: pool/{path.name}\nSize: {len(data)}\n"
        index += f"SHA256: {hashlib.sha256(data).hexdigest()}\n\n"
    release, plain = RELEASE, index.encode()
    for name, data in (("Packages", plain), ("Packages.gz", gzip.compress(plain))):
        (lists / name).write_bytes(data)
        digest = hashlib.sha256(data).hexdigest()
        release += f" {digest} {len(data)} main/binary-amd64/{name}\n"
    (root / "dists/stable/Release").write_text(release)
    return packages


class Apt:
    """apt-get with a state, a cache and a configuration of its own."""

    def __init__(self, directory, repository, proxy):
        self.directory = directory
        for name in ("state/lists/partial", "cache/archives/partial", "log"):
            (directory / name).mkdir(parents=True)
        for name in ("apt.conf.d", "preferences.d", "sources.list.d", "trusted.gpg.d"):
            (directory / "etc" / name).mkdir(parents=True)
        (directory / "status").write_text("")
        (directory / "etc/sources.list").write_text(f"deb [trusted=yes] {repository} stable main\n")
        conf = directory / "apt.conf"
        conf.write_text(APT_CONF.format(directory=directory, proxy=proxy))
        kept = {key: value for key, value in os.environ.items() if "proxy" not in key.lower()}
        self.environment = {**kept, "PATH": tools.PATH, "LC_ALL": "C", "APT_CONFIG": str(conf)}

    @property
    def archives(self):
        return self.directory / "cache/archives"

    def has_begun(self, name, data):
        """It has fetched so much of a package; it goes on only if that is as old as the whole."""
        path = self.archives / "partial" / name
        path.write_bytes(data)
        os.utime(path, (YEAR_2000, YEAR_2000))

    def get(self, *words):
        """What it says; nothing may have gone wrong, not even by its own repair."""
        done = tools.run("apt-get", "-q", *words, env=self.environment)
        said = done.stdout + done.stderr
        assert done.returncode == 0, said
        assert not [x for x in said.splitlines() if x.startswith(("W:", "E:", "Err"))], said
        return done.stdout


# --- npm ------------------------------------------------------------------------------------------


def npm_package(name, needs=()):
    """A tarball."""
    needed = {need: "^1.0.0" for need in needs}
    manifest = {"name": name, "version": "1.0.0", "dependencies": needed}
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w:gz") as archive:
        for path, data in (
            ("package/package.json", json.dumps(manifest).encode()),
            ("package/index.js", f"module.exports = '{name}';\n".encode()),
            ("package/data", os.urandom(50000)),
        ):
            entry = tarfile.TarInfo(path)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return output.getvalue(), manifest


class Registry(Handler):
    """What npm wants of a registry."""

    packages = tokens = None  # of the class made by registry()

    def do_GET(self):
        name = self.path.strip("/").split("/")[0]
        data, manifest = self.packages.get(name, (None, None))
        if data is None:
            self.answer(b'{"error":"not found"}', JSON, 404)
        elif self.path.endswith(".tgz"):
            self.answer(data, "application/octet-stream")
        else:
            self.answer(json.dumps(self.packument(name, data, manifest)).encode(), JSON)

    def do_POST(self):
        """What is asked about faults of packages: none are known."""
        self.content()
        self.answer(b"{}", JSON)

    def do_PUT(self):
        """A package is published."""
        document = json.loads(self.content())
        (attachment,) = document["_attachments"].values()
        (manifest,) = document["versions"].values()
        self.packages[document["name"]] = base64.b64decode(attachment["data"]), manifest
        self.tokens.append(self.headers["Authorization"])
        self.answer(b'{"ok":true}', JSON, 201)

    def packument(self, name, data, manifest):
        digest = base64.b64encode(hashlib.sha512(data).digest()).decode()
        tarball = f"http://{self.headers['Host']}/{name}/-/{name}-1.0.0.tgz"
        dist = {"tarball": tarball, "integrity": f"sha512-{digest}"}
        versions = {"1.0.0": {**manifest, "dist": dist}}
        return {"name": name, "dist-tags": {"latest": "1.0.0"}, "versions": versions}


def registry(count):
    """A handler class with that many packages, each of which needs the next two."""
    packages = {}
    for number in range(count):
        needs = [f"part{n}" for n in (number + 1, number + 2) if n < count]
        packages[f"part{number}"] = npm_package(f"part{number}", needs)
    fields = {"packages": packages, "tokens": [], "asked": []}
    return type("Packages", (Registry,), fields)


class Npm:
    """npm with a cache and a configuration of its own."""

    def __init__(self, directory, url, proxy):
        self.directory = directory
        directory.mkdir()
        authority = url.split("//", 1)[1]
        (directory / "npmrc").write_text(f"//{authority}:_authToken=a-token\n")
        kept = {
            key: value
            for key, value in os.environ.items()
            if "proxy" not in key.lower() and "npm_config" not in key.lower()
        }
        config = {
            "registry": url,
            "proxy": proxy,
            "noproxy": "",
            "cache": directory / "cache",
            "prefix": directory / "prefix",
            "userconfig": directory / "npmrc",
            "globalconfig": directory / "none",
            "update_notifier": "false",
            "audit": "true",
            "fund": "false",
            "fetch_retries": "0",
        }
        own = {f"npm_config_{key}": str(value) for key, value in config.items()}
        self.environment = {**kept, **own, "PATH": tools.PATH, "HOME": str(directory)}

    def __call__(self, where, *words):
        """Run in that directory; it must succeed."""
        where.mkdir(exist_ok=True)
        done = tools.run("npm", *words, env=self.environment, cwd=where)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout
