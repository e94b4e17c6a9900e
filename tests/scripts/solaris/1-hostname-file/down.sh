#!/bin/sh
ifconfig dmfe0:2 down
