#!/bin/sh
holds() { ifconfig "$1" | awk -v a="$2" '$1 == "inet" && $2 == a { f = 1 } END { exit !f }'; }
n=0
until holds en0 10.10.11.103; do
	n=$((n + 1)); [ $n -gt 3 ] && exit 1
	ifconfig en0 10.10.11.103 netmask 255.255.255.0 alias
done
