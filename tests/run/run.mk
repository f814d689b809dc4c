# SPDX-License-Identifier: MIT
# Machines: packages, the images that tests need, running.

MACHINE_ENV := MACHINE=$(MACHINE) CPU=$(CPU) CPUS=$(CPUS) MEM=$(MEM)
JOBS        ?= $(shell nproc)
ROW         ?= rt_vmcall_ept

# --- packages: looked at on every build; the stamps are only touched when something was installed ---------------------
.PHONY: FORCE
$(BUILD)/tools.stamp: FORCE
	@tests/run/packages.sh build run
	@mkdir -p $(@D) && { test -e $@ || touch $@; }

$(BUILD)/lint-tools.stamp: FORCE
	@tests/run/packages.sh build run lint
	@mkdir -p $(@D) && { test -e $@ || touch $@; }

$(BUILD)/debug-tools.stamp: FORCE
	@tests/run/packages.sh build run debug
	@mkdir -p $(@D) && { test -e $@ || touch $@; }

$(BUILD)/chart-tools.stamp: FORCE
	@tests/run/packages.sh build run chart
	@mkdir -p $(@D) && { test -e $@ || touch $@; }

# --- test components: an EFI application, and files for the ESP, most of which must be refused -----------------------
HOT_PATH    := $(BUILD)/tests/hot_path.o
LOCK_VMX    := $(BUILD)/tests/lock_vmx.efi
ESP_FILES   := $(addprefix $(BUILD)/tests/,elf64.elf huge.elf truncated.elf truncated.bzImage pattern.bin utf16.cfg)
CASE_NEEDS  := $(HOT_PATH) $(EFI) $(SELFTEST) $(SELFTEST)64 $(SELFTEST:.elf=.bzImage) $(GUEST)/crash.elf $(LOCK_VMX) $(ESP_FILES) $(BUILD)/tests/usb.img $(LINUX_NEEDS)

$(BUILD)/tests/lock_vmx.o: tests/efi/lock_vmx.c $(BUILD)/tools.stamp
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(CFLAGS) -c -o $@ $<

# With GNU-EFI's own linker script: it is an application like any other.
$(LOCK_VMX): $(BUILD)/tests/lock_vmx.o
	$(call say,EFI,$@)ld -nostdlib -shared -Bsymbolic -znocombreloc -znoexecstack -T /usr/lib/elf_x86_64_efi.lds \
		/usr/lib/crt0-efi-x86_64.o $< -L/usr/lib -lgnuefi -lefi -o $(@:.efi=.so)
	$(Q)$(OBJCOPY) -j .text -j .sdata -j .data -j .dynamic -j .dynsym -j .rela -j .reloc \
		--target efi-app-x86_64 --subsystem=10 $(@:.efi=.so) $@

$(BUILD)/tests/%.elf: tests/run/images/%.asm $(BUILD)/tools.stamp
	@mkdir -p $(@D)
	$(call say,NASM,$<)$(NASM) -f $(if $(filter elf64,$*),elf64,elf32) -o $(@:.elf=.o) $<
	$(Q)ld -m $(if $(filter elf64,$*),elf_x86_64,elf_i386) -n -z noexecstack --no-warn-rwx-segments -Ttext=0x100000 -o $@ $(@:.elf=.o)

$(BUILD)/tests/truncated.elf: $(SELFTEST)
$(BUILD)/tests/truncated.bzImage: $(SELFTEST:.elf=.bzImage)
$(BUILD)/tests/truncated.elf $(BUILD)/tests/truncated.bzImage:
	@mkdir -p $(@D)
	$(Q)head -c 16384 $< > $@

$(BUILD)/tests/%.bin: tests/run/images/%.asm $(BUILD)/tools.stamp
	@mkdir -p $(@D)
	$(call say,NASM,$<)$(NASM) -f bin -o $@ $<

$(BUILD)/tests/utf16.cfg:
	@mkdir -p $(@D)
	$(Q)printf 'mode = bare\n' | iconv -t UTF-16 > $@

# As `make usb` writes it.
$(BUILD)/tests/usb.img: $(EFI) tests/run/usb.sh tests/run/image.sh
	@mkdir -p $(@D)
	$(Q)CONFIG= tests/run/usb.sh $< $@ >/dev/null

# --- what stands on a hot path, as the target's compiler makes it ------------------------------------------------------
$(HOT_PATH): tests/run/hot_path.c $(wildcard mm/*.h hv/*.h) $(BUILD)/tools.stamp
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(CFLAGS) -c -o $@ $<

# --- running ----------------------------------------------------------------------------------------------------------
.PHONY: run demo check soak bench bench-memslot bench-regions bench-dirty profile debug usb

# The demo wants two CPUs, and so does the main job; a CONFIG, even an empty one, is the self-test's.
two_cpus = $(if $(filter file,$(origin CPUS)),CPUS=2)
run_demo = $(if $(filter undefined,$(origin CONFIG)),CONFIG='test_calls = on;cmdline = suite=demo rounds=4' $(two_cpus))

run: $(EFI) $(LINUX_NEEDS) ## the main job: Debian's kernel as L1, its KVM, the same kernel as L2 (MACHINE= CPU= CPUS= MEM=)
	$(Q)$(MACHINE_ENV) $(two_cpus) NAME=$${NAME:-run} CONFIG="test_calls = on;$$CONFIG" \
		APPEND="checks=cpus,l2,dmesg $$APPEND" EFI=$(EFI) tests/linux/run.sh

demo: $(EFI) ## a demo of two L2s whose memory moves, 20 s; CONFIG= for the built-in self-test
	$(Q)$(MACHINE_ENV) $(run_demo) tests/run/machine.sh EFI=$(EFI)

check: $(CASE_NEEDS) ## run every test: host units, then machines (ONLY=name for some)
	$(Q)MAKE='$(MAKE)' JOBS=$(JOBS) tests/run/check.sh tests/run/cases.txt

soak: $(CASE_NEEDS) $(LINUX)/initramfs-qemu ## the same with all CPU models, 1, 2 and 4 CPUs, bare and not, and long fuzzing
	$(Q)tests/run/soak.sh > $(BUILD)/soak.txt
	$(Q)MAKE='$(MAKE)' JOBS=$(JOBS) FUZZ=fuzz-soak tests/run/check.sh $(BUILD)/soak.txt

bench: $(EFI) ## what emulated VMX costs, beside Linux KVM and the bare CPU (docs/bench.md)
	$(Q)$(MACHINE_ENV) EFI=$(EFI) tests/run/bench.sh

bench-regions: $(EFI) ## what a look-up and an update cost beside many regions (docs/bench.md)
	$(Q)$(MACHINE_ENV) EFI=$(EFI) tests/run/bench_regions.sh

bench-memslot: $(EFI) $(BUILD)/chart-tools.stamp ## what caches of L1's pages save: three modes, table, CSV and chart
	$(Q)MACHINE=$(MACHINE) CPU=$(CPU) EFI=$(EFI) JOBS=$(JOBS) tests/run/bench_memslot.sh

bench-dirty: $(EFI) ## what the log of L1's writes costs, by PML and by write protection
	$(Q)$(MACHINE_ENV) EFI=$(EFI) tests/run/bench_dirty.sh

profile: $(EFI) ## where the instructions of one of its rows go, by function (ROW=rt_vmcall_ept)
	$(Q)$(MACHINE_ENV) EFI=$(EFI) tests/run/profile.sh $(ROW)

debug: $(EFI) $(BUILD)/debug-tools.stamp ## start a machine in its debugger, stopped at Nestor's entry
	$(Q)$(MACHINE_ENV) tests/run/debug.sh $(EFI)

usb: $(EFI) ## write build/nestor-usb.img for a physical box
	$(Q)tests/run/usb.sh $(EFI) $(BUILD)/nestor-usb.img
