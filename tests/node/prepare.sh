# Sourced by cluster and e2e: what tests/real prepares, and what a node needs on top.
# shellcheck shell=bash

node=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source-path=SCRIPTDIR source=../real/prepare.sh
source "$node/../real/prepare.sh"

# prepare_node PARTNER...: packages, the program, the partners of the node and more.
prepare_node() {
	[[ -n ${TAILBOOT_PREPARED:-} ]] || "$root/scripts/need" node deploy >&2
	prepare tailscale headscale etcd kubernetes node coredns "$@"
}

# build_images: those that stories run, as root; nothing when another program is under test.
build_images() {
	[[ -n ${TAILBOOT_PROGRAM:-} ]] || "$root/images/build" >&2
}

# run_python ARG...: becomes Python in this folder, which finds the packages of tests/real and the fakes, too.
run_python() {
	cd "$node" || exit
	PYTHONPATH=$here:$here/.. PYTHONDONTWRITEBYTECODE=1 exec "$python" "$@"
}
