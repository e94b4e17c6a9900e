#!/bin/sh
cd "`dirname "$0"`" && ifconfig en0 10.10.11.103 -alias 2>&1 | tee -a down.log
exit 0
