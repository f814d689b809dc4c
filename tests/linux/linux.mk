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

# Boots its guests with Nestor's own loader, on Nestor's own board.
VMM_MODULES := $(wildcard hv/dev/*.c) hv/acpi.c hv/format.c \
               $(filter hv/guest/%,$(PURE))
$(LINUX)/bin/vmm: tests/linux/vmm.c $(wildcard tests/linux/vmm/*.c) $(VMM_MODULES) $(BUILD)/target/hv/guest/dsdt.asm.o \
                  $(wildcard tests/linux/vmm/*.h hv/dev/*.h hv/guest/*.h) $(BUILD)/tools.stamp
	@mkdir -p $(@D)
	$(call say,HOSTCC,$@)$(HOSTCC) $(LINUX_CFLAGS) -o $@ $(filter %.c %.o,$^)

$(LINUX)/l2/initramfs: tests/linux/initramfs.sh $(LINUX)/busybox $(LINUX)/bin/load tests/linux/l2/init
	@mkdir -p $(@D)
	$(call say,CPIO,$@)tests/linux/initramfs.sh $@ $(LINUX)/busybox bin/=$(LINUX)/bin/load init=tests/linux/l2/init

$(LINUX)/initramfs: tests/linux/initramfs.sh $(LINUX)/busybox $(LINUX_PROGRAMS) tests/linux/init $(wildcard tests/linux/checks/*) \
                    $(LINUX)/vmlinux $(LINUX)/l2/initramfs
	$(call say,CPIO,$@)tests/linux/initramfs.sh $@ $(LINUX)/busybox init=tests/linux/init $(addprefix bin/=,$(LINUX_PROGRAMS)) \
		$(addprefix checks/=,$(wildcard tests/linux/checks/*)) $(addprefix modules/=,$(wildcard $(LINUX)/modules/*)) \
		l2/=$(LINUX)/vmlinux l2/=$(LINUX)/l2/initramfs

run-linux: $(EFI) $(LINUX_NEEDS) ## boot Debian's kernel as L1, with checks, from power-on to power-off; Enter gets a shell
	$(Q)$(MACHINE_ENV) EFI=$(EFI) tests/linux/run.sh

bench-linux: $(EFI) $(LINUX_NEEDS) ## what a boot of Debian's kernel costs, beside the bare CPU
	$(Q)CPU=$(CPU) EFI=$(EFI) tests/linux/bench.sh
