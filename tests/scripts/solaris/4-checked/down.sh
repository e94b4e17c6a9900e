#!/bin/sh
IF=dmfe0:1
ifconfig $IF | grep '<UP' > /dev/null || exit 0
ifconfig $IF down
