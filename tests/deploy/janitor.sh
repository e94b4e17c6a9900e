#!/bin/sh
# Ends a laboratory of real hosts whatever became of the test that made it: waits until its standard input closes, which
# the death of the test does as surely as its end, then ends the run's processes, removes its namespaces, control
# groups and folder.
#
#   janitor.sh keep RUN FOLDER      looks after one run
#   janitor.sh sweep                removes what runs have left behind whose janitor is gone
#
# A run is known by its id: in the environment of its processes (the hosts' inits carry it), and in names.
set -u
prefix=chd

processes() {
    grep -lsxz "CHANGEOVER_DEPLOY_RUN=$1" /proc/[0-9]*/environ | cut -d/ -f3
}

take_down() {
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        found=$(processes "$1")
        [ -n "$found" ] || break
        # shellcheck disable=SC2086 # one word per process
        kill -9 $found 2>/dev/null
        sleep 0.1
    done
    for space in /run/netns/"$prefix-$1"-*; do
        [ -e "$space" ] && ip netns del "${space#/run/netns/}"
    done
    for group in /sys/fs/cgroup/"$prefix-$1"-* /sys/fs/cgroup/systemd/"$prefix-$1"-* /sys/fs/cgroup/unified/"$prefix-$1"-*; do
        [ -d "$group" ] && find "$group" -depth -type d -exec rmdir {} \;
    done
    rm -rf "${2:?}"
}

case ${1:-} in
keep)
    echo ready
    cat >/dev/null
    take_down "$2" "$3"
    ;;
sweep)
    for folder in "${TMPDIR:-/tmp}"/changeover-deploy-*; do
        [ -d "$folder" ] || continue
        run=${folder##*changeover-deploy-}
        janitor=$(cat "$folder/janitor" 2>/dev/null || echo 0)
        if ! grep -qz -- "$run" "/proc/$janitor/cmdline" 2>/dev/null; then
            take_down "$run" "$folder"
        fi
    done
    ;;
esac
