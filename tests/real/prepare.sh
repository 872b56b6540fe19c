# Sourced by e2e and demo: gets what is missing, builds the program and the partners, becomes root.
# shellcheck shell=bash

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
python=/usr/bin/python3

# prepare PARTNER...: everything that must be there before Python starts; the partners and the program side by
# side. What it leaves belongs to the caller, not to root.
prepare() {
	[[ -z ${TAILBOOT_PREPARED:-} ]] || return 0
	"$root/scripts/need" build real go >&2
	local partners
	"$here/partners" "$@" &
	partners=$!
	trap 'kill "$partners" 2>/dev/null; exit 143' TERM INT
	if [[ -z ${TAILBOOT_PROGRAM:-} ]] && ! "$root/scripts/build" release >&2; then
		kill "$partners" 2>/dev/null || true
		wait "$partners" || true
		return 1
	fi
	wait "$partners"
	trap - TERM INT
}

# become_root ARG...: runs the calling script again by sudo when it is not root; the cache stays the caller's. Who
# wants everything to be there before several of these run side by side sets TAILBOOT_PREPARE_ONLY, and it ends here.
become_root() {
	[[ -z ${TAILBOOT_PREPARE_ONLY:-} ]] || exit 0
	if [[ $(id -u) -eq 0 ]]; then
		return
	fi
	if ! command -v sudo >/dev/null; then
		echo "$(basename "$0"): needs root for network namespaces, and there is no sudo" >&2
		exit 1
	fi
	export TAILBOOT_CACHE=${TAILBOOT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tailboot} TAILBOOT_PREPARED=yes
	exec sudo --preserve-env=PATH,TAILBOOT_CACHE,TAILBOOT_PREPARED,TAILBOOT_PROGRAM "$0" "$@"
}

# run_python ARG...: becomes Python in this folder, leaving no cache files in the tree.
run_python() {
	cd "$here" || exit
	PYTHONPATH=$here/.. PYTHONDONTWRITEBYTECODE=1 exec "$python" "$@"
}
