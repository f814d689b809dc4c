# SPDX-License-Identifier: MIT
# Debian's kernel as L1: what apt brings, the initramfs, runs. docs/linux.md

LINUX          := $(BUILD)/linux
LINUX_PROGRAMS := $(patsubst tests/linux/%.c,$(LINUX)/bin/%,$(wildcard tests/linux/*.c))
LINUX_PROGRAMS += $(LINUX)/bin/torture
LINUX_NEEDS    := $(LINUX)/vmlinux $(LINUX)/initramfs
LINUX_CFLAGS   := -std=gnu11 -O2 $(filter-out -Wconversion,$(WARN)) -static -pthread -I.

.PHONY: run-linux bench-linux

$(LINUX)/bzImage: tests/linux/fetch.sh $(BUILD)/tools.stamp
	$(Q)tests/linux/fetch.sh $(@D)

$(LINUX)/busybox: $(LINUX)/bzImage ;

$(LINUX)/vmlinux: $(LINUX)/bzImage tests/linux/unpack.sh
	$(call say,UNPACK,$@)tests/linux/unpack.sh $< $@

$(LINUX)/bin/%: tests/linux/%.c $(BUILD)/tools.stamp
	@mkdir -p $(@D)
	$(call say,HOSTCC,$<)$(HOSTCC) $(LINUX_CFLAGS) -o $@ $<

# Knows Nestor's hypercalls, and is more than a file.
$(LINUX)/bin/torture: $(wildcard tests/linux/torture/*.[ch]) hv/abi.h $(BUILD)/tools.stamp
	@mkdir -p $(@D)
	$(call say,HOSTCC,$@)$(HOSTCC) $(LINUX_CFLAGS) -o $@ $(filter %.c,$^)

$(LINUX)/initramfs: tests/linux/initramfs.sh $(LINUX)/busybox $(LINUX_PROGRAMS) tests/linux/init $(wildcard tests/linux/checks/*)
	$(call say,CPIO,$@)tests/linux/initramfs.sh $@ $(LINUX)/busybox $(LINUX_PROGRAMS)

run-linux: $(EFI) $(LINUX_NEEDS) ## boot Debian's kernel as L1, with checks, from power-on to power-off; Enter gets a shell
	$(Q)$(MACHINE_ENV) EFI=$(EFI) tests/linux/run.sh

bench-linux: $(EFI) $(LINUX_NEEDS) ## what a boot of Debian's kernel costs, beside the bare CPU
	$(Q)CPU=$(CPU) EFI=$(EFI) tests/linux/bench.sh
