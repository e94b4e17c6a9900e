#!/bin/sh
ifconfig dmfe0:1 down
ifconfig dmfe0:1 unplumb
