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

groups() {
    for place in /sys/fs/cgroup /sys/fs/cgroup/systemd /sys/fs/cgroup/unified; do
        ls -d "$place/$prefix-$1"-* 2>/dev/null
    done
}

# The ids of all runs of which there is anything.
runs() {
    ls -d "${TMPDIR:-/tmp}"/changeover-deploy-* 2>/dev/null | sed 's/.*changeover-deploy-//'
    ls /run/netns /sys/fs/cgroup /sys/fs/cgroup/systemd /sys/fs/cgroup/unified 2>/dev/null |
        sed -n "s/^$prefix-\([0-9a-f]\{8\}\)-.*/\1/p"
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
    # What an init leaves behind dies with it, but not in the same moment.
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        left=$(groups "$1")
        [ -n "$left" ] || break
        # shellcheck disable=SC2086 # one word per group
        find $left -depth -type d -exec rmdir {} \; 2>/dev/null
        [ -z "$(groups "$1")" ] || sleep 0.1
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
    for run in $(runs | sort -u); do
        folder=${TMPDIR:-/tmp}/changeover-deploy-$run
        janitor=$(cat "$folder/janitor" 2>/dev/null || echo 0)
        if ! grep -qsz -- "$run" "/proc/$janitor/cmdline"; then
            take_down "$run" "$folder"
        fi
    done
    ;;
esac
