#!/bin/sh
ifconfig dmfe0:1 unplumb
