#!/bin/sh
IF=dmfe0:1
ifconfig $IF > /dev/null 2>&1 || ifconfig $IF plumb || exit 1
ifconfig $IF inet 10.10.11.103 netmask + broadcast + up || exit 2
ifconfig $IF | grep '<UP' > /dev/null || exit 3
