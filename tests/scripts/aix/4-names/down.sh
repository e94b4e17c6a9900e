#!/bin/sh
ifconfig en0 sipvip delete
