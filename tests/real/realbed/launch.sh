#!/bin/bash
# Prepares a private mount namespace and becomes the program: own /etc/hosts and /etc/resolv.conf, own /run
# and /tmp (the folders named in BED_KEEP stay visible), and the service account of a pod where there is one.
# BED_DEV=bare hides every device but the usual harmless ones, BED_DEV=closed shows a TUN device that must not be
# opened; BED_PROC_SYS=ro makes /proc/sys read-only.
# BED_CAPABILITIES lists all that the program and its children may have (setpriv's names, none for none); BED_USER is
# the number of another user.
# Called by realbed inside `unshare --mount`; everything ends with the namespace.
set -eu

mount --make-rprivate /

tmp=$(mktemp -d "$BED_FOLDER/tmp.XXXXXX")
mount -t tmpfs -o mode=1777 tmpfs "$tmp"
IFS=:
for kept in $BED_KEEP; do
	case $kept in
	/tmp/*)
		mkdir -p "$tmp/${kept#/tmp/}"
		mount --bind "$kept" "$tmp/${kept#/tmp/}"
		;;
	esac
done
unset IFS

mount --bind "$BED_FOLDER/hosts" /etc/hosts
if [ -L /etc/resolv.conf ]; then
	mount -t tmpfs tmpfs /run
	mkdir -p "$(dirname "$(readlink -f -m /etc/resolv.conf)")"
	cp "$BED_FOLDER/resolv.conf" "$(readlink -f -m /etc/resolv.conf)"
else
	mount --bind "$BED_FOLDER/resolv.conf" /etc/resolv.conf
	mount -t tmpfs tmpfs /run
fi
if [ -n "${BED_SERVICE_ACCOUNT:-}" ]; then
	mkdir -p /run/secrets/kubernetes.io/serviceaccount
	mount --bind "$BED_SERVICE_ACCOUNT" /run/secrets/kubernetes.io/serviceaccount
fi
: >/run/termination-log
mount --rbind "$tmp" /tmp

if [ -n "${BED_DEV:-}" ]; then
	dev=$(mktemp -d /run/dev.XXXXXX)
	mount -t tmpfs -o mode=755 tmpfs "$dev"
	for device in null zero full random urandom; do
		: >"$dev/$device"
		mount --bind "/dev/$device" "$dev/$device"
	done
	if [ "$BED_DEV" = closed ]; then
		mkdir "$dev/net"
		: >"$dev/net/tun"
		mount --bind /dev/net/tun "$dev/net/tun"
		mount -o remount,bind,nodev "$dev/net/tun"
	fi
	mount --rbind "$dev" /dev
fi
if [ "${BED_PROC_SYS:-}" = ro ]; then
	mount --bind /proc/sys /proc/sys
	mount -o remount,bind,ro /proc/sys
fi

as=()
if [ -n "${BED_CAPABILITIES:-}" ]; then
	case $BED_CAPABILITIES in
	none) kept= ;;
	*) kept=,+${BED_CAPABILITIES//,/,+} ;;
	esac
	as=(setpriv --no-new-privs --inh-caps=-all --ambient-caps=-all --bounding-set="-all$kept")
fi
if [ -n "${BED_USER:-}" ]; then
	as=("${as[@]:-setpriv}" --reuid="$BED_USER" --regid="$BED_USER" --clear-groups)
fi

unset BED_FOLDER BED_KEEP BED_CAPABILITIES BED_USER BED_SERVICE_ACCOUNT BED_DEV BED_PROC_SYS tmp dev device kept OLDPWD SHLVL PWD _
cd /
exec "${as[@]}" "$@"
