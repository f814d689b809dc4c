# shellcheck shell=sh source=tests/linux/checks/lib.sh
# SPDX-License-Identifier: MIT
# Expect: the kernel has warned of nothing but what dmesg.allowed lists.
. /checks/lib.sh

grep -v -e '^#' -e '^$' /checks/dmesg.allowed >/tmp/allowed
dmesg -r | grep '^<[0-4]>' | sed 's/^<[0-9]>//' >/tmp/warnings || true
echo "$(wc -l </tmp/warnings) warnings, $(grep -cEf /tmp/allowed /tmp/warnings || true) of them known"
! grep -vEf /tmp/allowed /tmp/warnings || fail "$(grep -cvEf /tmp/allowed /tmp/warnings) warnings that dmesg.allowed does not list"
