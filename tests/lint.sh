#!/bin/sh
#
# lint.sh SRCDIR BUILDDIR - layout, suspicious code, shell scripts, manual pages.
# Every finding is a failure.  A missing tool is said, and fails if HOPGATE_NO_SKIP=1.

set -u
cd "$1" || exit 1
build=$2
faults=0

# check TOOL WHAT COMMAND... - count a failure, say a tool that is missing
check()
{
	tool=$1 what=$2
	shift 2
	if ! command -v "$tool" >/dev/null; then
		echo "  LINT $what: skipped, no $tool"
		test "${HOPGATE_NO_SKIP-0}" = 0 || faults=$((faults + 1))
		return
	fi
	echo "  LINT $what"
	"$@" || { echo "  LINT $what: FAILED"; faults=$((faults + 1)); }
}

sources() { git ls-files -z -- "$@"; }
layout() { sources '*.c' '*.h' | xargs -0 -r clang-format --dry-run -Werror; }
analyse()
{
	# Headers come with the files that include them; each unit is read by itself.
	sources 'gateway/*.c' 'routes/*.c' 'resolver/*.c' 'auth/*.c' 'tests/bench/*.c' |
		xargs -0 -r cppcheck -q -j "$(getconf _NPROCESSORS_ONLN)" --std=c11 --language=c \
			--enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
			--suppress=missingIncludeSystem --suppress=unknownMacro -D_GNU_SOURCE \
			-I . -I "$build" --cppcheck-build-dir="$cache" --template=gcc
}
scripts()
{
	git grep -lIE '^#! ?/bin/(ba)?sh' -- . ':!configure' | xargs -r shellcheck -x &&
		shellcheck -S error configure # keeps its variables by name, through eval
}
manuals()
{
	found=$(git ls-files -- 'packaging/man/*.[58]')
	test -n "$found" || return 0
	# shellcheck disable=SC2086 # a list of words
	mandoc -T lint -W warning $found
}
lines()
{
	! sources '*.c' '*.h' '*.py' '*.sh' tests/layers configure | xargs -0 -r awk '
		FNR == 1 { if (last > 500) print file ": " last " lines"; file = FILENAME }
		{ last = FNR }
		END { if (last > 500) print file ": " last " lines" }' | grep .
}

cache=$(mktemp -d) || exit 1
trap 'rm -rf "$cache"' EXIT
check clang-format "layout" layout
check cppcheck "C" analyse
check shellcheck "scripts" scripts
check mandoc "manual pages" manuals
check awk "length of files" lines
echo "lint: $faults failed"
test $faults = 0
