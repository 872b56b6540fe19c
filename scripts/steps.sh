# Sourced by the scripts that run several steps: each step shows its name, its time, and stops the script when it fails.
# shellcheck shell=bash

steps_passed=0
steps_begun=$SECONDS

# step NAME COMMAND...: runs it; its output goes to the terminal.
step() {
	local name=$1 begun=$SECONDS status=0
	shift
	echo "== $name"
	"$@" || status=$?
	if [[ $status -ne 0 ]]; then
		echo "== $name FAILED (status $status, $((SECONDS - begun)) s)" >&2
		exit "$status"
	fi
	echo "== $name: ok, $((SECONDS - begun)) s"
	steps_passed=$((steps_passed + 1))
}

steps_end() {
	echo "== $1: $steps_passed steps, $((SECONDS - steps_begun)) s"
}
