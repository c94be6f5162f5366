# SPDX-License-Identifier: ISC
"""From a fresh tree to a running program: packaging/start, install, uninstall, dist."""
import os
import pathlib
import shutil
import tarfile

import pytest

import tools
from hopgate import PROGRAM

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(PROGRAM).resolve().parent

# --- packaging/start, on a machine made of stubs ------------------------------------------------

TOOLS = "sh env dirname uname sort paste mkdir tail tr test grep getconf cat chmod touch".split()
TABLE = "build command:wonder wonder-deb wonder-rpm wonder-alpine wonder-arch\n"
MANAGERS = {
    "apt-get": "wonder-deb",
    "dnf": "wonder-rpm",
    "apk": "wonder-alpine",
    "pacman": "wonder-arch",
}
STUBS = {
    "make": 'test -x "$2/hopgate" || { echo "  CC   all"; cp "$2/../run" "$2/hopgate"; }',
    "cp": 'cat "$1" >"$2"; chmod +x "$2"',
}
CONFIGURE = "test -d ../gateway && echo configured >>calls && touch Makefile"
RUN = 'echo "$PWD: hopgate $*"'


def script(path, text):
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


class Machine:
    """A tree with the real scripts, and a PATH that holds nothing but what we say."""

    def __init__(self, directory, manager=None, user=0, installs=True):
        self.directory, self.bin = directory, directory / "bin"
        self.tree, self.calls = directory / "a tree", directory / "calls"
        self.bin.mkdir()
        (self.tree / "packaging").mkdir(parents=True)
        (self.tree / "gateway").mkdir()
        for name in ("start", "packages.sh"):
            shutil.copy(ROOT / "packaging" / name, self.tree / "packaging")
        (self.tree / "packaging/packages").write_text(TABLE)
        script(self.tree / "configure", CONFIGURE)
        script(self.tree / "run", RUN)
        for name in TOOLS:
            (self.bin / name).symlink_to(tools.need(name))
        for name, text in {**STUBS, "id": f"echo {user}"}.items():
            script(self.bin / name, text)
        if manager:
            wonder = self.bin / "wonder"
            gain = f'case "$*" in *wonder*) echo >"{wonder}"; chmod +x "{wonder}" ;; esac'
            outcome = gain if installs else "echo 'E: no net'; exit 1"
            script(self.bin / manager, f'echo "{manager} $*" >>"{self.calls}"\n{outcome}')

    def start(self, *words):
        return tools.run(
            self.tree / "packaging/start",
            *words,
            cwd=self.directory,
            env={"PATH": str(self.bin)},
        )

    def installations(self):
        return self.calls.read_text().splitlines() if self.calls.exists() else []


@pytest.mark.parametrize("manager", MANAGERS)
def test_first_start_installs_and_builds_the_second_runs(tmp_path, manager):
    machine = Machine(tmp_path, manager)
    first = machine.start("--listen", "0")
    assert first.returncode == 0, first.stderr
    assert first.stderr == ""
    last = first.stdout.splitlines()[-1]
    assert last == f"{tmp_path}: hopgate run --listen 0"  # in the directory of the caller
    calls = machine.installations()
    assert calls[-1].endswith(" " + MANAGERS[manager])
    for word in ("installing", MANAGERS[manager], "configuring", "building"):
        assert word in first.stdout

    second = machine.start("-c", "x.conf")
    assert second.returncode == 0, second.stderr
    assert second.stdout.splitlines() == [
        "start: starting hopgate run -c x.conf",
        f"{tmp_path}: hopgate run -c x.conf",
    ]
    assert machine.installations() == calls
    assert (machine.tree / "build/calls").read_text() == "configured\n"


def refused(machine):
    """start gave up: the last line of what it said."""
    done = machine.start()
    assert done.returncode == 1
    assert not (machine.tree / "build/hopgate").exists()
    return done.stderr.splitlines()


def test_start_without_packages_and_without_root(tmp_path):
    machine = Machine(tmp_path, "apt-get", user=1000)
    (line,) = refused(machine)
    assert "not root" in line and "apt-get update && apt-get" in line
    assert line.endswith(" wonder-deb")
    assert machine.installations() == []
    assert not (machine.tree / "build").exists()


def test_start_where_no_package_manager_is_known(tmp_path):
    (line,) = refused(Machine(tmp_path))
    assert "command:wonder" in line and "no apt, dnf, apk or pacman" in line


def test_start_when_nothing_can_be_installed(tmp_path):
    cause, line = refused(Machine(tmp_path, "apt-get", installs=False))
    assert cause == "E: no net"
    assert "could not install: wonder-deb" in line and "build/packages.log" in line


def test_start_when_the_build_fails(tmp_path):
    machine = Machine(tmp_path, "apk")
    script(machine.bin / "make", "exit 2")
    assert refused(machine)[-1] == "start: the build failed"


def test_start_when_configure_fails(tmp_path):
    machine = Machine(tmp_path, "apk")
    script(machine.tree / "configure", "echo configure: libfoo is needed >&2; exit 1")
    cause, line = refused(machine)
    assert cause == "configure: libfoo is needed"
    assert "build/config.log" in line


def test_configure_refuses_what_make_cannot_do(tmp_path):
    tree = tmp_path / "a tree"
    (tree / "gateway").mkdir(parents=True)
    (tree / "gateway/main.c").touch()
    shutil.copy(ROOT / "configure", tree)
    done = tools.run(tree / "configure", cwd=tmp_path)
    assert done.returncode == 1
    assert "blank" in done.stderr and len(done.stderr.splitlines()) == 1


# --- the targets of make --------------------------------------------------------------------


def make(*words, **options):
    """make in the build directory, where nothing is built or configured anew."""
    tools.need("make")
    if not (BUILD / "Makefile").exists():
        pytest.skip(f"no Makefile beside {PROGRAM}")
    done = tools.run("make", "-o", "all", "-o", "Makefile", *words, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def files(directory):
    return {path.name for path in directory.rglob("*") if not path.is_dir()}


def test_uninstall_removes_what_install_put_there(tmp_path):
    destination = tmp_path / "a root"
    make("-C", BUILD, "install", f"DESTDIR={destination}")
    assert files(destination) == {
        "fail2ban-filter.conf",
        "hopgate",
        "hopgate.8",
        "hopgate.conf.5",
        "hopgate.conf.example",
        "hopgate.pam.example",
    }
    program = next(destination.rglob("sbin/hopgate"))
    assert os.access(program, os.X_OK)
    make("-C", BUILD, "uninstall", f"DESTDIR={destination}")
    assert files(destination) == set()
    assert list(destination.rglob("hopgate*")) == []


def test_uninstall_spares_what_is_not_ours(tmp_path):
    make("-C", BUILD, "install", f"DESTDIR={tmp_path}")
    (configuration,) = (path for path in tmp_path.rglob("etc/hopgate"))
    (configuration / "hopgate.conf").touch()
    make("-C", BUILD, "uninstall", f"DESTDIR={tmp_path}")
    assert files(tmp_path) == {"hopgate.conf"}


def git(*words):
    tools.need("git")
    done = tools.run("git", "-C", ROOT, *words)
    if done.returncode != 0:
        pytest.skip(f"not a git tree: {done.stderr.strip()}")
    return done.stdout.splitlines()


def test_dist_holds_what_git_has(tmp_path):
    (tmp_path / "tree").symlink_to(ROOT)
    tracked = set(git("ls-tree", "-r", "--name-only", "HEAD"))
    make("-f", BUILD / "Makefile", "srcdir=tree", "dist", cwd=tmp_path)
    (archive,) = tmp_path.glob("hopgate-*.tar.gz")
    top = archive.name.removesuffix(".tar.gz")
    with tarfile.open(archive) as tar:
        held = {member.name for member in tar if not member.isdir()}
    assert held == {f"{top}/{name}" for name in tracked}


def test_objects_are_the_same_from_every_directory(tmp_path):
    objects = []
    for name in ("one", "another place/two"):
        directory = tmp_path / name
        (directory / "routes").mkdir(parents=True)
        (directory / "tree").symlink_to(ROOT)
        shutil.copy(BUILD / "config.h", directory)
        make("-f", BUILD / "Makefile", "srcdir=tree", "routes/hours.o", cwd=directory)
        objects.append((directory / "routes/hours.o").read_bytes())
    assert objects[0] == objects[1]
