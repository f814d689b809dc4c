#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# clang-tidy on one file, without its counters of suppressed findings. Usage: tidy.sh FILE FLAG...
set -o pipefail
file=$1
shift
clang-tidy --quiet "$file" -- "$@" 2>&1 |
	sed -e '/^[0-9]* warnings\? /d' -e '/^Suppressed /d' -e '/^Use -header-filter/d' -e "s#^$PWD/##"
