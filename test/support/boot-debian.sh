#!/bin/sh
# Boots the Debian in a folder: systemd as the first process of namespaces of its own. $1 the folder, $2 a new cgroup.
# It sees no device, of the network what the caller sees, and may not touch this machine's kernel, clock or modules.
set -eu
mkdir "$2"
[ -e "$2/cgroup.procs" ]
echo $$ > "$2/cgroup.procs"
exec unshare --pid --mount --uts --ipc --cgroup --propagation private --fork --kill-child sh -euc '
  mount --bind "$1" "$1"
  cd "$1"
  mount -t proc -o nosuid,nodev,noexec proc proc
  mount --bind proc/sys proc/sys
  mount -o remount,bind,ro proc/sys
  if [ -e proc/sysrq-trigger ]; then mount --bind /dev/null proc/sysrq-trigger; fi
  mount -t sysfs -o ro,nosuid,nodev,noexec sysfs sys
  mount -t cgroup2 -o nosuid,nodev,noexec cgroup2 sys/fs/cgroup
  mount -t tmpfs -o mode=755 tmpfs dev
  for name in null zero full random urandom tty; do
    touch "dev/$name"
    mount --bind "/dev/$name" "dev/$name"
  done
  mkdir dev/pts dev/shm
  mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts dev/pts
  mount -t tmpfs -o mode=1777 tmpfs dev/shm
  ln -s pts/ptmx dev/ptmx
  ln -s /proc/self/fd dev/fd
  mount -t tmpfs -o mode=755 tmpfs run
  mkdir run/outside
  pivot_root . run/outside
  umount -l /run/outside
  # Credentials are mounted by a helper of systemd, which its services see by propagation.
  mount --make-rshared /
  exec env -i container=keyrealm-test PATH=/usr/sbin:/usr/bin:/sbin:/bin \
    setpriv --bounding-set=-sys_time,-sys_module,-sys_boot,-sys_rawio,-syslog \
    /lib/systemd/systemd --unit=basic.target
' sh "$1"
