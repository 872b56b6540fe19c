# Sourced by the scripts of this folder: where the tree is, builds, timed steps, the closing line.
# shellcheck shell=bash

# shellcheck disable=SC2034  # used by those who source this
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# Debian's own Python has Debian's pytest; another one that comes first in PATH has not.
python=/usr/bin/python3
jobs=${TAILBOOT_JOBS:-$(nproc)}

say() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; }
die() { say "FAILED: $*"; exit 1; }

# build NAME ARG...: configures build/NAME (NAME "" is build itself) with CMake's ARG... and builds it.
build() {
	local name=$1 folder=$root/build${1:+/$1}
	shift
	# CMake refuses a folder that was configured for a tree elsewhere, as after a move or a copy.
	if [[ -f $folder/CMakeCache.txt ]] &&
		! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$root" "$folder/CMakeCache.txt"; then
		say "build${name:+/$name} belongs to another tree, starting anew"
		rm -rf "$folder/CMakeCache.txt" "$folder/CMakeFiles"
	fi
	cmake -S "$root" -B "$folder" -G Ninja --log-level=WARNING "$@" >/dev/null || return
	cmake --build "$folder" -j "$jobs"
}

steps_passed=()
steps_failed=()

# step LABEL COMMAND...: runs it, prints how long it took, and remembers how it ended. Not for use in a
# condition: bash would then ignore every failure but the last inside COMMAND.
step() {
	local label=$1 started=$SECONDS status
	shift
	printf '== %s\n' "$label"
	# A subshell, so that no step changes the folder or the settings of the next.
	set +e
	(
		set -e
		"$@"
	)
	status=$?
	set -e
	if ((status == 0)); then
		printf '== %s: ok, %d s\n' "$label" $((SECONDS - started))
		steps_passed+=("$label")
	else
		printf '== %s: FAILED, %d s\n' "$label" $((SECONDS - started))
		steps_failed+=("$label")
	fi
}

# steps_end NAME: the summary; fails when a step has.
steps_end() {
	printf '== %s: %d steps ok, %d failed, %d s%s\n' "$1" ${#steps_passed[@]} ${#steps_failed[@]} \
		"$SECONDS" "${steps_failed[*]:+ (failed: $(IFS=,; echo "${steps_failed[*]}"))}"
	((${#steps_failed[@]} == 0))
}

# counts LOG...: sums what ctest, pytest and the scripts of this folder say at their end, as
# "PASSED FAILED SKIPPED". Lines are read from the logs, so a suite that did not run counts nothing.
counts() {
	awk '
	/^[0-9]+% tests passed, [0-9]+ tests failed out of [0-9]+/ { failed += $4; passed += $9 - $4 }
	/^=* ?[0-9]+ (passed|failed|skipped|errors?|deselected).* in [0-9.]+s/ || /^[0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?$/ {
		n = split($0, part, /[^0-9a-z.]+/)
		for (i = 2; i <= n; i++) {
			if (part[i] == "passed") passed += part[i - 1]
			if (part[i] == "failed" || part[i] ~ /^errors?$/) failed += part[i - 1]
			if (part[i] == "skipped") skipped += part[i - 1]
		}
	}
	END { print passed + 0, failed + 0, skipped + 0 }' "$@"
}
