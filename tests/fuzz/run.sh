#!/bin/sh
#
# run.sh SRCDIR RUNS PROGRAM... - feed each fuzz program its kept seeds and RUNS inputs made
# from them; RUNS -1: in turns, without end.  What it finds on the way stays in the build tree,
# in tests/fuzz/corpus.

set -u
srcdir=$1 runs=$2
shift 2
passed=0 failed=0
# A shell waits for the program in front before it heeds a signal: none is in front.
child=
trap 'test -z "$child" || kill $child 2>/dev/null; exit 1' HUP INT TERM

if [ $# = 0 ]; then
	echo "fuzz: skipped, no clang with libFuzzer was found by configure"
	test "${HOPGATE_NO_SKIP-0}" = 0
	exit
fi

# fuzz PROGRAM FLAG... - one program on its corpus
fuzz()
{
	program=$1
	shift
	name=$(basename "$program" _fuzz)
	corpus=tests/fuzz/corpus/$name
	mkdir -p "$corpus"
	seeds=$srcdir/tests/fuzz/seeds/$name
	test -d "$seeds" || seeds=
	# The corpus first: libFuzzer writes new inputs to the first directory only.
	"./$program" "$@" -max_len=8192 -timeout=20 -rss_limit_mb=2048 -verbosity=0 \
		-print_final_stats=0 -artifact_prefix="$corpus-" "$corpus" ${seeds:+"$seeds"} \
		>"$corpus.log" 2>&1 &
	child=$!
	wait $child
}

# one PROGRAM FLAG... - and the word on how it went
one()
{
	if fuzz "$@"; then
		echo "  FUZZ $1"
		passed=$((passed + 1))
	else
		echo "  FUZZ $1 FAILED:"
		tail -n 40 "tests/fuzz/corpus/$(basename "$1" _fuzz).log"
		failed=$((failed + 1))
	fi
}

while [ "$runs" = -1 ]; do
	for program; do
		one "$program" -max_total_time=60
		test $failed = 0 || exit 1
	done
done
for program; do one "$program" -runs="$runs" -seed=1; done
echo "fuzz: $passed passed, $failed failed"
test $failed = 0
