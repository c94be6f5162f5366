# shellcheck shell=sh
# What packaging/start and packaging/check share: the needed packages, installed
# only when missing, and the build.

PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
LC_ALL=C
export PATH LC_ALL
tree=$(cd "$(dirname "$0")/.." && pwd)
build=$tree/build

say() { echo "${0##*/}: $*"; }
die() { echo "${0##*/}: $*" >&2; exit 1; }

# --- what is there -------------------------------------------------------

# present SIGN - cheap enough to be asked at every start
present()
{
	name=${1#*:}
	case $1 in
	command:*) command -v "$name" >/dev/null ;;
	module:*)  pkg-config --exists "$name" 2>/dev/null ;;
	header:*)  set -- "/usr/include/$name" /usr/include/*-linux-*/"$name" && test -e "$1" -o -e "$2" ;;
	pam:*)     for file in /lib*/security/"$name".so /lib/*/security/"$name".so; do
			test -e "$file" && return
		done
		return 1 ;;
	python:*)  /usr/bin/python3 -c "import importlib.util, sys
sys.exit(importlib.util.find_spec('$name') is None)" 2>/dev/null ;;
	fuzzer:*)  test -e "$("$name" -print-file-name="libclang_rt.fuzzer-$(uname -m).a" 2>/dev/null)" ||
		test -e "$("$name" -print-file-name=libclang_rt.fuzzer.a 2>/dev/null)" ;;
	*)         die "$tree/packaging/packages: unknown sign $1" ;;
	esac
}

# missing PURPOSES COLUMN - the packages whose signs are absent, or those signs
missing()
{
	while read -r for sign apt dnf apk pacman; do
		case " $1 " in *" $for "*) ;; *) continue ;; esac
		present "$sign" && continue
		case $2 in
		apt) echo "$apt" ;;
		dnf) echo "$dnf" ;;
		apk) echo "$apk" ;;
		pacman) echo "$pacman" ;;
		*) echo "$sign" ;;
		esac
	done <"$tree/packaging/packages" | sort -u | paste -s -d ' ' -
}

# --- what is not ---------------------------------------------------------

manager()
{
	for m in apt-get dnf apk pacman; do
		if command -v $m >/dev/null; then echo ${m%-get}; return; fi
	done
}

install_command()
{
	case $1 in
	apt)    echo "apt-get -o DPkg::Lock::Timeout=120 install -y --no-install-recommends" ;;
	dnf)    echo "dnf install -y" ;;
	apk)    echo "apk add" ;;
	pacman) echo "pacman -S --needed --noconfirm" ;;
	esac
}

refresh_command()
{
	case $1 in
	apt)    echo "apt-get update" ;;
	apk)    echo "apk update" ;;
	dnf)    echo "dnf makecache" ;;
	pacman) echo "pacman -Sy" ;;
	esac
}

# as_root COMMAND... - what it says goes to the log
as_root()
{
	if [ "$(id -u)" = 0 ]; then set -- env "$@"; else set -- sudo -n env "$@"; fi
	# shellcheck disable=SC2024 # the log is the user's
	"$@" </dev/null >>"$packages_log" 2>&1
}

may_install()
{
	test "$(id -u)" = 0 || sudo -n true 2>/dev/null
}

# Debian asks this file whether a service may start; the tests start what they need.
policy=/usr/sbin/policy-rc.d
policy_is_ours=no
without_services()
{
	if [ "$1" = apt ] && [ ! -e $policy ]; then
		policy_is_ours=yes
		as_root sh -c "printf '#!/bin/sh\\nexit 101\\n' >$policy; chmod 755 $policy"
	fi
}
with_services()
{
	test $policy_is_ours = no || as_root rm -f $policy
	policy_is_ours=no
}

# A terminal shows the last line of the log meanwhile.
packages_log=$build/packages.log
watcher=
show_progress()
{
	test -t 1 || return 0
	while kill -0 $$ 2>/dev/null; do
		printf '\r\033[K  %.76s' "$(tail -n 1 "$packages_log" | tr -d '\r')"
		sleep 1
	done &
	watcher=$!
}
hide_progress()
{
	test -n "$watcher" || return 0
	kill "$watcher" 2>/dev/null || :
	wait "$watcher" 2>/dev/null || :
	watcher=
	printf '\r\033[K'
}

clean_up()
{
	hide_progress
	with_services
}

# install_list MANAGER LIST - all at once
install_list()
{
	# shellcheck disable=SC2046,SC2086 # lists of words
	as_root DEBIAN_FRONTEND=noninteractive $(refresh_command "$1") &&
		as_root DEBIAN_FRONTEND=noninteractive $(install_command "$1") $2
}

# install_each MANAGER LIST - what there is of them
install_each()
{
	for package in $2; do
		# shellcheck disable=SC2046 # a list of words
		as_root DEBIAN_FRONTEND=noninteractive $(install_command "$1") "$package" || :
	done
}

# install MANAGER LIST PURPOSES
install()
{
	mkdir -p "$build"
	: >"$packages_log"
	say "installing for the $3, with $1: $2"
	trap clean_up EXIT
	trap 'exit 1' HUP INT TERM
	show_progress
	case $3 in
	build) install_list "$1" "$2" || : ;;
	*)     without_services "$1"; install_list "$1" "$2" || install_each "$1" "$2" ;;
	esac
	clean_up
}

# packages PURPOSE... - sees to it that what they need is there; tests can do with less
packages()
{
	system=$(manager)
	list=$(missing "$*" "$system")
	test -n "$list" || return 0
	test -n "$system" ||
		die "not found: $list - and no apt, dnf, apk or pacman to install them with"
	may_install ||
		die "packages are missing and this is not root; as root run:" \
			"$(refresh_command "$system") && $(install_command "$system") $list"
	install "$system" "$list" "$*"
	list=$(missing build "$system")
	if [ -n "$list" ]; then
		# The first errors name the cause, the last ones what follows from it.
		grep -m 3 -iE '^(e|w|err|error|warning)\b' "$packages_log" >&2 || :
		die "could not install: $list (all that $system said is in build/packages.log)"
	fi
	list=$(missing "$*" "$system")
	if [ -z "$list" ]; then
		say "installed"
	else
		say "not to be had here, so some tests will be skipped: $list"
	fi
}

# node_modules - what the tests want of the npm registry, in build/node
node_modules()
{
	command -v npm >/dev/null || return 0
	wanted=$tree/tests/e2e/node/package-lock.json
	test -d "$build/node/node_modules" && test "$wanted" -ot "$build/node/node_modules" && return
	mkdir -p "$build/node"
	cp "$tree"/tests/e2e/node/package*.json "$build/node"
	(cd "$build/node" && npm ci --ignore-scripts --no-audit --no-fund --cache .cache) \
		</dev/null >>"$packages_log" 2>&1 ||
		say "not to be had here, so some tests will be skipped: undici"
}

# --- the build -----------------------------------------------------------

configured()
{
	test -f "$build/Makefile" && test "$tree/configure" -ot "$build/Makefile"
}

# What cannot be written was most likely built by root.
build_failed()
{
	test -w "$build" || die "build/ belongs to somebody else and cannot be written"
	die "$1"
}

configure_tree()
{
	say "configuring in build/"
	mkdir -p "$build"
	# By a relative path: blanks in the tree's own name do no harm, and it can be moved.
	if ! (cd "$build" && ../configure >configure.log 2>&1); then
		tail -n 3 "$build/configure.log" >&2 || :
		build_failed "configure failed; what it tried is in build/config.log"
	fi
}

compile()
{
	jobs=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)
	test -x "$build/hopgate" || say "building with $jobs jobs"
	make -C "$build" --no-print-directory -s -j "$jobs" all || build_failed "the build failed"
}
