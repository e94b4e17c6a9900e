#!/bin/sh
holds() { ifconfig "$1" | awk -v a="$2" '$1 == "inet" && $2 == a { f = 1 } END { exit !f }'; }
while holds en0 10.10.11.103; do ifconfig en0 10.10.11.103 delete || exit 1; done
