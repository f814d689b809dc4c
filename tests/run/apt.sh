# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# apt-get for scripts: as root, quiet but for a log, with one line that says why it failed. The caller has fail().

APT_LOG=build/logs/packages.log

# apt_as_root <what for> <argument of apt-get ...>
apt_as_root() {
	local why=$1 prefix=()
	shift

	if [ "$(id -u)" -ne 0 ]; then
		command -v sudo >/dev/null ||
			fail "$why; neither root nor sudo here: do it as root with apt-get $*"
		prefix=(sudo)
	fi
	mkdir -p "${APT_LOG%/*}"
	"${prefix[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -y "$@" >>"$APT_LOG" 2>&1 ||
		fail "$why: apt-get $1 failed (no network?), see $APT_LOG"
}
