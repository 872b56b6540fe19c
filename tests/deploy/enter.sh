#!/bin/sh
# In namespaces of its own: makes the folder $1 the root and becomes its PID 1, the command that follows. Used by roots.py.
set -e
root=$1
shift
mount --make-rprivate /
cd "$root"
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs dev
for node in null zero full random urandom tty; do
	touch "dev/$node"
	mount --bind "/dev/$node" "dev/$node"
done
mkdir dev/pts dev/shm dev/net
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
mknod dev/net/tun c 10 200
pivot_root . mnt
cd /
umount -l mnt
hostname host
exec "$@"
