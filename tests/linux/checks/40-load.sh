# shellcheck shell=sh
# SPDX-License-Identifier: MIT
# Expect: all CPUs at once compute the same checksum.
exec /bin/load 4
