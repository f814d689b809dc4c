# SPDX-License-Identifier: MIT
# Debian's kernel as L1: what apt brings, the initramfs, runs. docs/linux.md

LINUX          := $(BUILD)/linux
LINUX_PROGRAMS := $(patsubst tests/linux/%.c,$(LINUX)/bin/%,$(wildcard tests/linux/*.c))
LINUX_HEADERS  := $(wildcard tests/linux/*/*.h hv/*.h hv/*/*.h hv/*.def vmx/*.h vmx/*.def mm/*.h)
LINUX_NEEDS    := $(LINUX)/vmlinux $(LINUX)/initramfs
LINUX_CFLAGS   := -std=gnu11 -O2 $(filter-out -Wconversion,$(WARN)) -static -pthread -I.

.PHONY: run-linux bench-linux

$(LINUX)/bzImage: tests/linux/fetch.sh $(BUILD)/tools.stamp
	$(Q)tests/linux/fetch.sh $(@D)

$(LINUX)/busybox: $(LINUX)/bzImage ;

$(LINUX)/vmlinux: $(LINUX)/bzImage tests/linux/unpack.sh
	$(call say,UNPACK,$@)tests/linux/unpack.sh $< $@

$(LINUX)/bin/%: tests/linux/%.c $(LINUX_HEADERS) $(BUILD)/tools.stamp
	@mkdir -p $(@D)
	$(call say,HOSTCC,$@)$(HOSTCC) $(LINUX_CFLAGS) -o $@ $(filter %.c %.o,$^)

# Programs of more than a file. Two know Nestor's hypercalls; vmm boots its guests with Nestor's own loader, on Nestor's board.
$(LINUX)/bin/torture: $(wildcard tests/linux/torture/*.c) tests/linux/lib/port.c
$(LINUX)/bin/counts: tests/linux/lib/port.c vmx/exit_reasons.c
$(LINUX)/bin/vmm: $(wildcard tests/linux/vmm/*.c hv/dev/*.c) hv/acpi.c hv/format.c $(filter hv/guest/%,$(PURE)) \
                  $(BUILD)/target/hv/guest/dsdt.asm.o

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
