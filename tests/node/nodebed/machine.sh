#!/bin/bash
# Makes namespaces into a machine and becomes its PID 1: machine.sh NAME FOLDER INIT, called by machine.py inside
# `unshare --mount --pid --uts --ipc`. Everything that is mounted in there ends with the last process in there.
set -eu
name=$1 folder=$2 init=$3

hostname "$name"
# Pods' mounts hang below this one, so that they see each other's but the machine outside does not.
mount --make-rprivate /
mount --make-rshared /
mount -t proc proc /proc
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs -o mode=755 tmpfs /var/lib
mkdir -p /run/netns /run/lock "$folder/log" "$folder/kubelet" /var/lib/kubelet
mount --bind "$folder/log" /var/log
# Device plugins are looked for here, whatever the folder of kubelet.
mount --bind "$folder/kubelet" /var/lib/kubelet
mount --bind "$folder/hosts" /etc/hosts
if [ -L /etc/resolv.conf ]; then
	mkdir -p "$(dirname "$(readlink -f -m /etc/resolv.conf)")"
	cp "$folder/resolv.conf" "$(readlink -f -m /etc/resolv.conf)"
else
	mount --bind "$folder/resolv.conf" /etc/resolv.conf
fi
# kubelet sets these for the whole kernel; here it gets files that it may write instead.
for setting in vm/overcommit_memory=1 vm/panic_on_oom=0 kernel/panic=10 kernel/panic_on_oops=1 \
	kernel/keys/root_maxkeys=1000000 kernel/keys/root_maxbytes=25000000; do
	path=${setting%=*}
	[ -e "/proc/sys/$path" ] || continue
	printf '%s\n' "${setting#*=}" >"$folder/${path//\//-}"
	mount --bind "$folder/${path//\//-}" "/proc/sys/$path"
done
: >"$folder/made"
cd /
exec "$init"
