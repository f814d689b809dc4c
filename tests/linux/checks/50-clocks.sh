# shellcheck shell=sh
# SPDX-License-Identifier: MIT
# Expect: clock source and timers agree with the PM timer.
exec /bin/clocks
