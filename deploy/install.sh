#!/bin/sh
# Installs Changeover on this machine, or a newer release over an older one; starts and restarts nothing.
#
#   sh install.sh lca                       on each host of a pair
#   sh install.sh scs message-server        on the third machine
#
# What it writes: /usr/local/bin/changeover with a link per component, the units of the components that are named, the
# user of scs and message-server, the kernel settings of a pair's host. `sh install.sh remove` takes all of it away
# again and leaves /etc/changeover and /var/lib/changeover.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
bin=/usr/local/bin
units=/usr/local/lib/systemd/system
names='lca scs message-server sip-server sci vipctl'

fail() {
    echo "install.sh: $1" >&2
    exit 2
}

program() {
    install -d "$bin"
    # Beside the old one and over it by a rename: what runs keeps running from the old file.
    install -m 755 "$here/changeover" "$bin/.changeover.new"
    mv -f "$bin/.changeover.new" "$bin/changeover"
    for name in $names; do
        ln -sfn changeover "$bin/$name"
    done
}

unit() {
    install -D -m 644 "$here/systemd/$1.service" "$units/$1.service"
    case $1 in
    lca)
        install -D -m 644 "$here/sysctl.d/90-changeover.conf" /etc/sysctl.d/90-changeover.conf
        sysctl -q -p /etc/sysctl.d/90-changeover.conf
        ;;
    scs | message-server)
        install -D -m 644 "$here/sysusers.d/changeover.conf" /etc/sysusers.d/changeover.conf
        systemd-sysusers changeover.conf
        ;;
    esac
}

remove() {
    for name in lca scs message-server; do
        if [ -e "$units/$name.service" ]; then
            systemctl disable --now "$name"
            rm -f "$units/$name.service"
        fi
    done
    for name in $names; do
        if [ -L "$bin/$name" ] && [ "$(readlink "$bin/$name")" = changeover ]; then
            rm "$bin/$name"
        fi
    done
    rm -f "$bin/changeover" /etc/sysctl.d/90-changeover.conf /etc/sysusers.d/changeover.conf
}

[ "$(id -u)" = 0 ] || fail 'needs root'
[ $# -gt 0 ] || fail 'say what this machine runs: lca, or scs message-server'
if [ "$*" = remove ]; then
    remove
else
    for name in "$@"; do
        [ -e "$here/systemd/$name.service" ] || fail "there is no component '$name'; there are lca, scs and message-server"
    done
    program
    for name in "$@"; do
        unit "$name"
    done
    install -d /etc/changeover /etc/changeover/tls
fi
systemctl daemon-reload
