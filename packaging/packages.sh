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
	python:*)  /usr/bin/python3 -c "import importlib.util, sys
sys.exit(importlib.util.find_spec('$name') is None)" 2>/dev/null ;;
	fuzzer:*)  test -e "$("$name" -print-file-name="libclang_rt.fuzzer-$(uname -m).a" 2>/dev/null)" ||
		test -e "$("$name" -print-file-name=libclang_rt.fuzzer.a 2>/dev/null)" ;;
	*)         die "$tree/packaging/packages: unknown sign $1" ;;
	esac
}

# missing PURPOSE COLUMN - the packages whose signs are absent
missing()
{
	while read -r for sign apt dnf apk pacman; do
		case $for in "$1") ;; *) continue ;; esac
		present "$sign" && continue
		case $2 in
		apt) echo "$apt" ;;
		dnf) echo "$dnf" ;;
		apk) echo "$apk" ;;
		pacman) echo "$pacman" ;;
		*) echo "$sign" ;;
		esac
	done <"$tree/packaging/packages" | sort -u | tr '\n' ' '
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
	apt)    echo "apt-get install -y --no-install-recommends" ;;
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
	pacman) echo "pacman -Sy" ;;
	*)      echo true ;;
	esac
}

# as_root COMMAND... - what it says goes to the log
as_root()
{
	if [ "$(id -u)" = 0 ]; then set -- env "$@"; else set -- sudo -n env "$@"; fi
	# shellcheck disable=SC2024 # the log is the user's
	"$@" </dev/null >>"$build/packages.log" 2>&1
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
		trap with_services EXIT
		trap 'exit 1' HUP INT TERM
		as_root sh -c "printf '#!/bin/sh\\nexit 101\\n' >$policy; chmod 755 $policy"
	fi
}
with_services()
{
	test $policy_is_ours = no || as_root rm -f $policy
	policy_is_ours=no
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

# packages PURPOSE - sees to it that everything for PURPOSE is there
packages()
{
	system=$(manager)
	list=$(missing "$1" "$system")
	test -n "$list" || return 0
	test -n "$system" ||
		die "not found: $list- and no apt, dnf, apk or pacman to install them with"
	may_install ||
		die "packages are missing and this is not root; run: sudo $(install_command "$system") $list"
	mkdir -p "$build"
	: >"$build/packages.log"
	say "installing for the $1, with $system: $list"
	test "$1" = build || without_services "$system"
	install_list "$system" "$list" || test "$1" = build || install_each "$system" "$list"
	with_services
	list=$(missing "$1" "$system")
	if [ -z "$list" ]; then
		say "installed"
	elif [ "$1" = test ]; then
		say "not to be had here, so some tests will be skipped: $list"
	else
		tail -n 3 "$build/packages.log" >&2
		die "could not install: $list(all that $system said is in build/packages.log)"
	fi
}

# --- the build -----------------------------------------------------------

configured()
{
	test -f "$build/Makefile" && test "$tree/configure" -ot "$build/Makefile"
}

configure_tree()
{
	say "configuring in build/"
	mkdir -p "$build"
	cd "$build" || exit 1
	"$tree/configure" >configure.log 2>&1 || {
		tail -n 3 configure.log >&2
		die "configure failed; what it tried is in build/config.log"
	}
}

compile()
{
	cd "$build" || exit 1
	jobs=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)
	test -x hopgate || say "building with $jobs jobs"
	make -s -j "$jobs" all || die "the build failed"
}
