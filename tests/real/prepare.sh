# Sourced by e2e and demo: becomes root, gets what is missing, builds the program, fetches partners.
# shellcheck shell=bash

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
python=/usr/bin/python3

# become_root ARG...: runs the calling script again by sudo when it is not root; the cache stays the caller's.
become_root() {
	if [[ $(id -u) -eq 0 ]]; then
		return
	fi
	if ! command -v sudo >/dev/null; then
		echo "$(basename "$0"): needs root for network namespaces, and there is no sudo" >&2
		exit 1
	fi
	export TAILBOOT_CACHE=${TAILBOOT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tailboot}
	exec sudo --preserve-env=PATH,TAILBOOT_CACHE,TAILBOOT_PROGRAM,GOPROXY "$0" "$@"
}

# prepare PARTNER...: everything that must be there before Python starts.
prepare() {
	if [[ -x $root/scripts/need ]]; then
		"$root/scripts/need" real go test >&2
	fi
	if [[ -z ${TAILBOOT_PROGRAM:-} && ! -x $root/build/tailboot ]]; then
		make -C "$root" >&2
	fi
	"$here/partners" "$@"
}

# run_python ARG...: becomes Python in this folder, leaving no cache files in the tree.
run_python() {
	cd "$here" || exit
	PYTHONDONTWRITEBYTECODE=1 exec "$python" "$@"
}
