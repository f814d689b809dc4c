# SPDX-License-Identifier: MIT
# Debian's kernel as L1: what apt brings, the initramfs, runs. docs/linux.md

LINUX          := $(BUILD)/linux
LINUX_PROGRAMS := $(patsubst tests/linux/%.c,$(LINUX)/bin/%,$(wildcard tests/linux/*.c))
LINUX_HEADERS  := $(wildcard tests/linux/*/*.h hv/*.h hv/*/*.h hv/*.def vmx/*.h vmx/*.def mm/*.h)
LINUX_NEEDS    := $(LINUX)/vmlinux $(LINUX)/initramfs
LINUX_CFLAGS   := -std=gnu11 -O2 $(filter-out -Wconversion,$(WARN)) -static -pthread -I.

.PHONY: run-linux bench-linux bench-kvm

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
$(LINUX)/bin/qemu/stamp: tests/linux/vmm/host.c
$(LINUX)/bin/vmm: $(wildcard tests/linux/vmm/*.c hv/dev/*.c) hv/acpi.c hv/format.c $(filter hv/guest/%,$(PURE)) \
                  $(BUILD)/target/hv/guest/dsdt.asm.o

L2_PROGRAMS := $(LINUX)/bin/load $(LINUX)/bin/torture
$(LINUX)/l2/initramfs: tests/linux/initramfs.sh $(LINUX)/busybox $(L2_PROGRAMS) tests/linux/l2/init
	@mkdir -p $(@D)
	$(call say,CPIO,$@)tests/linux/initramfs.sh $@ $(LINUX)/busybox $(addprefix bin/=,$(L2_PROGRAMS)) init=tests/linux/l2/init

$(LINUX)/initramfs: tests/linux/initramfs.sh $(LINUX)/busybox $(LINUX_PROGRAMS) tests/linux/init $(wildcard tests/linux/checks/*) \
                    $(LINUX)/vmlinux $(LINUX)/l2/initramfs $(SELFTEST)
	$(call say,CPIO,$@)tests/linux/initramfs.sh $@ $(LINUX)/busybox init=tests/linux/init $(addprefix bin/=,$(LINUX_PROGRAMS)) \
		$(addprefix checks/=,$(wildcard tests/linux/checks/*)) $(addprefix modules/=,$(wildcard $(LINUX)/modules/*)) \
		l2/=$(LINUX)/vmlinux l2/=$(LINUX)/l2/initramfs l2/=$(SELFTEST)

# With Debian's QEMU beside the project's own VMM: two archives, which the kernel unpacks one after the other.
$(LINUX)/initramfs-qemu: $(LINUX)/initramfs tests/linux/qemu/files.sh $(LINUX)/bin/qemu/stamp
	$(call say,CPIO,$@)files=$$(tests/linux/qemu/files.sh) && tests/linux/initramfs.sh $@ $(LINUX)/busybox $$files \
		bin/=$(LINUX)/bin/qemu/stamp && cat $< >> $@

# Guests in guests, for the benchmark: each level's initramfs has the kernel and the initramfs of the next.
LINUX_BENCH := $(LINUX)/bench
BENCH_LEVEL := tests/linux/initramfs.sh $(LINUX)/busybox $(LINUX)/bin/bench_init
bench_level  = tests/linux/initramfs.sh $@ $(LINUX)/busybox init=$(LINUX)/bin/bench_init
bench_below  = next=tests/linux/bench_next bin/=$(LINUX)/bin/vmm $(addprefix modules/=,$(wildcard $(LINUX)/modules/*)) \
               below/=$(LINUX)/vmlinux below/initramfs=

$(LINUX_BENCH)/0: $(BENCH_LEVEL)
	@mkdir -p $(@D)
	$(call say,CPIO,$@)$(bench_level)

$(LINUX_BENCH)/1: $(LINUX_BENCH)/0 $(BENCH_LEVEL) $(LINUX)/bin/vmm $(LINUX)/vmlinux tests/linux/bench_next
	$(call say,CPIO,$@)$(bench_level) $(bench_below)$<

$(LINUX_BENCH)/2: $(LINUX_BENCH)/1 $(BENCH_LEVEL) $(LINUX)/bin/vmm $(LINUX)/vmlinux tests/linux/bench_next
	$(call say,CPIO,$@)$(bench_level) $(bench_below)$<

$(LINUX)/bench_kvm/initramfs: tests/linux/initramfs.sh $(LINUX)/busybox $(LINUX)/bin/vmm $(SELFTEST) tests/linux/bench_kvm/init
	@mkdir -p $(@D)
	$(call say,CPIO,$@)tests/linux/initramfs.sh $@ $(LINUX)/busybox bin/=$(LINUX)/bin/vmm init=tests/linux/bench_kvm/init \
		$(addprefix modules/=,$(wildcard $(LINUX)/modules/*)) guest.elf=$(SELFTEST)

run_vmm = $(if $(VMM),INITRAMFS=$(LINUX)/initramfs-$(VMM) APPEND="vmm=$(VMM) $$APPEND")
run-linux: $(EFI) $(LINUX)/vmlinux $(LINUX)/initramfs$(VMM:%=-%) ## Debian's kernel as L1, with checks, from power-on to power-off; Enter gets a shell; VMM=qemu: L2 by QEMU
	$(Q)$(MACHINE_ENV) $(run_vmm) EFI=$(EFI) tests/linux/run.sh

bench-linux: $(EFI) $(LINUX)/vmlinux $(LINUX_BENCH)/2 ## what a boot of Debian's kernel costs, beside the bare CPU
	$(Q)CPU=$(CPU) EFI=$(EFI) tests/linux/bench.sh

bench-kvm: $(EFI) $(LINUX)/vmlinux $(LINUX)/bench_kvm/initramfs ## make bench, with Linux' KVM measured anew on the same machine
	$(Q)CPU=$(CPU) EFI=$(EFI) tests/linux/bench_kvm.sh
