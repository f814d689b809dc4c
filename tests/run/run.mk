# SPDX-License-Identifier: MIT
# Machines: packages, disk images, running.

$(BUILD)/tools.stamp:
	@mkdir -p $(@D) && touch $@
