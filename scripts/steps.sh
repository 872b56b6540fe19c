# Sourced by the scripts that run several steps: each step shows its name and its time.
# shellcheck shell=bash
# shellcheck disable=SC2030,SC2031  # the counts of what runs side by side are its own

# shellcheck disable=SC2034 # used by those who source this
jobs=${TAILBOOT_JOBS:-$(nproc)}
steps_passed=0
steps_failed=()
steps_begun=$SECONDS

# step NAME COMMAND...: runs it and continues whatever its result; steps_end reports. A step that the later
# ones need is followed by steps_stop. Not for use in a condition: bash would then ignore all failures but
# the last one inside COMMAND.
step() {
	local name=$1 begun=$SECONDS status
	shift
	echo "== $name"
	set +e
	# A subshell, so that a step changes neither the folder nor the options of the next.
	(
		set -e
		"$@"
	)
	status=$?
	set -e
	if [[ $status -ne 0 ]]; then
		echo "== $name: FAILED (status $status), $((SECONDS - begun)) s"
		steps_failed+=("$name")
		return
	fi
	echo "== $name: ok, $((SECONDS - begun)) s"
	steps_passed=$((steps_passed + 1))
}

# steps_together FUNCTION...: runs these side by side, for use as a step; fails when one has. What a function says goes to
# $logs/FUNCTION.log and is shown at the end. A function may have steps of its own and then closes with steps_end.
steps_together() {
	local status=0 function
	local -A running=()
	trap 'kill "${running[@]}" 2>/dev/null; wait; exit 143' TERM INT
	for function in "$@"; do
		(
			set -e
			trap - TERM INT
			steps_passed=0
			steps_begun=$SECONDS
			"$function"
			echo "== $function: $((SECONDS - steps_begun)) s"
		) >"${logs:?}/$function.log" 2>&1 &
		running[$function]=$!
	done
	for function in "$@"; do
		wait "${running[$function]}" || status=1
		cat "$logs/$function.log"
	done
	return "$status"
}

# steps_end NAME: the summary; fails when a step has.
steps_end() {
	local list
	list=$(printf ', %s' "${steps_failed[@]}")
	echo "== $1: $steps_passed steps ok, ${#steps_failed[@]} failed, $((SECONDS - steps_begun)) s" \
		"${steps_failed[*]:+(${list:2})}"
	[[ ${#steps_failed[@]} -eq 0 ]]
}

# steps_stop NAME: ends the script here when a step has failed.
steps_stop() {
	[[ ${#steps_failed[@]} -eq 0 ]] || steps_end "$1" || exit 1
}

# counts LOG...: sums the closing lines of ctest, of pytest and of these scripts, as "PASSED FAILED SKIPPED".
# A suite that did not run has no such line and counts nothing.
counts() {
	awk '
	/^[0-9]+% tests passed, [0-9]+ tests failed out of [0-9]+/ { failed += $4; passed += $9 - $4 }
	/^=* ?[0-9]+ (passed|failed|skipped|errors?|deselected).* in [0-9.]+s/ ||
	/^[0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?$/ {
		n = split($0, part, /[^0-9a-z.]+/)
		for (i = 2; i <= n; i++) {
			if (part[i] == "passed") passed += part[i - 1]
			if (part[i] == "failed" || part[i] ~ /^errors?$/) failed += part[i - 1]
			if (part[i] == "skipped") skipped += part[i - 1]
		}
	}
	END { print passed + 0, failed + 0, skipped + 0 }' "$@"
}
