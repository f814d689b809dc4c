# SPDX-License-Identifier: MIT
# Nestor: `make help` lists the targets. Everything generated goes under build/.

# --- settings ---------------------------------------------------------------------------------------------------------
BUILD   := build
V       ?= 0
# The machine that a test runs on (tests/run/machine.sh -h).
MACHINE ?= auto
CPU     ?= skylake-x
CPUS    ?= 1
MEM     ?= 512

CC      := $(if $(filter default,$(origin CC)),gcc,$(CC))
NASM    ?= nasm
OBJCOPY ?= objcopy
HOSTCC  ?= gcc

# A failure anywhere in a pipe is one, and leaves no target behind.
SHELL       := /bin/bash
.SHELLFLAGS := -o pipefail -c
.DELETE_ON_ERROR:

# Quiet lines such as "  CC      mm/ept.c"; V=1 shows the commands themselves.
Q       := $(if $(filter 1,$(V)),,@)
say      = $(if $(filter 1,$(V)),,@printf '  %-7s %s\n' $(1) $(2);)

# --- the hypervisor: one PE image -------------------------------------------------------------------------------------
WARN    := -Wall -Wextra -Werror -Wconversion -Wshadow -Wundef -Wstrict-prototypes -Wmissing-prototypes \
           -Wswitch-enum -Wvla -Woverride-init
EFI     := $(BUILD)/nestor.efi
SRCS    := $(sort $(wildcard boot/*.c hv/*.c hv/*/*.c mm/*.c vmx/*.c vmx/*/*.c))
ASMS    := $(sort $(wildcard boot/*.asm hv/*.asm hv/*/*.asm vmx/*.asm vmx/*/*.asm))
OBJS    := $(SRCS:%.c=$(BUILD)/target/%.o) $(ASMS:%.asm=$(BUILD)/target/%.asm.o)
CFLAGS  := -std=gnu11 -O2 -g $(WARN) -I. -isystem /usr/include/efi -isystem /usr/include/efi/x86_64 \
           -DGNU_EFI_USE_MS_ABI -ffreestanding -fno-builtin -fpie -fvisibility=hidden -fshort-wchar \
           -mgeneral-regs-only -mno-red-zone -fno-stack-protector -fno-strict-aliasing \
           -fno-asynchronous-unwind-tables -fno-omit-frame-pointer -fcf-protection=none \
           -ffile-prefix-map=$(CURDIR)=.
LDFLAGS := -nostdlib -shared -Bsymbolic -znocombreloc -znoexecstack --no-undefined -T linker.ld

# --- tests ------------------------------------------------------------------------------------------------------------
SELFTEST := $(BUILD)/guest/selftest.elf
# The pure modules: what is built for the host too.
PURE    := $(wildcard mm/*.c vmx/lapic*.c) \
           boot/madt.c \
           boot/option_text.c \
           boot/ranges.c \
           hv/acpi.c \
           hv/config.c \
           hv/config_keys.c \
           hv/dev/board.c \
           hv/dev/calendar.c \
           hv/dev/ioapic.c \
           hv/dev/line_in.c \
           hv/dev/pci_host.c \
           hv/dev/pic.c \
           hv/dev/pit.c \
           hv/dev/pit_channel.c \
           hv/dev/pm_timer.c \
           hv/dev/rtc.c \
           hv/dev/rtc_time.c \
           hv/dev/uart.c \
           hv/format.c \
           hv/guest/acpi_tables.c \
           hv/guest/bzimage.c \
           hv/guest/bzimage_info.c \
           hv/guest/elf.c \
           hv/guest/identity_map.c \
           hv/guest/image_file.c \
           hv/guest/info_block.c \
           hv/guest/kernel_image.c \
           hv/guest/load_place.c \
           hv/guest/load_plan.c \
           hv/guest/load_start.c \
           hv/guest/multiboot.c \
           hv/guest/multiboot_info.c \
           hv/guest/pc_memory.c \
           hv/guest/pvh.c \
           hv/guest/pvh_info.c \
           hv/page_table.c \
           hv/recorder.c \
           hv/stack.c \
           hv/symbol_search.c \
           hv/tsc_scale.c \
           vmx/apicv_rules.c \
           vmx/breakpoints.c \
           vmx/caps.c \
           vmx/caps_log.c \
           vmx/control_regs.c \
           vmx/controls.c \
           vmx/cpuid_answer.c \
           vmx/cpuid_policy.c \
           vmx/event.c \
           vmx/events_rules.c \
           vmx/exit_reasons.c \
           vmx/guest_linear.c \
           vmx/guest_mtrr.c \
           vmx/mmio_decode.c \
           vmx/mmio_execute.c \
           vmx/mmio_range.c \
           vmx/msr_bitmap.c \
           vmx/nested/caps12.c \
           vmx/nested/check_controls.c \
           vmx/nested/check_host.c \
           vmx/nested/check_inputs.c \
           vmx/nested/check_registers.c \
           vmx/nested/check_segments.c \
           vmx/nested/check_state.c \
           vmx/nested/context.c \
           vmx/nested/derive.c \
           vmx/nested/entry_checks.c \
           vmx/nested/ept02_create.c \
           vmx/nested/ept02_fault.c \
           vmx/nested/ept02_index.c \
           vmx/nested/ept02_map.c \
           vmx/nested/ept02_root.c \
           vmx/nested/ept02_single.c \
           vmx/nested/ept02_sync.c \
           vmx/nested/ept02_table.c \
           vmx/nested/ept02_zap.c \
           vmx/nested/ept12.c \
           vmx/nested/ept_compose.c \
           vmx/nested/identity_ept.c \
           vmx/nested/insn_info.c \
           vmx/nested/msr_list.c \
           vmx/nested/plan.c \
           vmx/nested/route.c \
           vmx/nested/route_rules.c \
           vmx/nested/vmcs12.c \
           vmx/port_range.c \
           vmx/string_operand.c \
           vmx/triple_fault.c \
           vmx/vmcs_fields.c
UNITS   := $(sort $(shell find tests/unit -name '*_test.c'))

# --- targets ----------------------------------------------------------------------------------------------------------
.DEFAULT_GOAL := help
.PHONY: help all clean

help: ## show this list; with V=1, all targets show their commands
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

all: $(EFI) ## build the EFI image (build/nestor.efi)

clean: ## remove build/
	rm -rf $(BUILD)

include tests/host/host.mk
include tests/fuzz/fuzz.mk
include tests/model/model.mk
include tests/guest/guest.mk
include tests/linux/linux.mk
include tests/run/run.mk
include tests/lint/lint.mk

# --- rules ------------------------------------------------------------------------------------------------------------
$(BUILD)/target/%.o: %.c Makefile $(BUILD)/tools.stamp
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/target/%.asm.o: %.asm $(BUILD)/asm_offsets.inc
	@mkdir -p $(@D)
	$(call say,NASM,$<)$(NASM) -f elf64 -g -F dwarf -Ibuild/ -MD $(@:.o=.d) -o $@ $<

# Offsets and constants that assembly needs, computed by the compiler.
$(BUILD)/asm_offsets.inc: vmx/asm_offsets.c.in Makefile $(BUILD)/tools.stamp
	@mkdir -p $(@D)
	$(call say,GEN,$@)$(CC) $(CFLAGS) -x c -MMD -MP -MT $@ -MF $@.d -S -o - $< | \
		sed -n 's/^.*@DEFINE \([A-Z0-9_]*\) \$$\?\([-0-9]*\).*$$/%define \1 \2/p' > $@

# L1's DSDT; iasl itself knows no C, so its ports and lines come from hv/dev by way of the C preprocessor.
$(BUILD)/dsdt.aml: hv/guest/dsdt.asl Makefile $(BUILD)/tools.stamp
	$(call say,IASL,$<)$(CC) -std=c11 -ffreestanding -I. -imacros hv/dev/board.h -imacros hv/dev/power.h \
		-MMD -MP -MF $@.d -MT $@ -E -P -x assembler-with-cpp -o $(@:.aml=.dsl) $<
	$(Q)iasl -vs -we -p $(basename $@) $(@:.aml=.dsl) > $(@:.aml=.log) 2>&1 || { cat $(@:.aml=.log); exit 1; }

$(BUILD)/target/hv/guest/dsdt.asm.o: $(BUILD)/dsdt.aml

# The image carries the built-in self-test, and after a first link the table of its own function names.
$(BUILD)/target/hv/guest/selftest.asm.o: $(SELFTEST)
link = ld $(LDFLAGS) /usr/lib/crt0-efi-x86_64.o $(OBJS) $(1) -L/usr/lib -lgnuefi -o $(2)

$(BUILD)/nestor.so: $(OBJS) linker.ld hv/symbols.sh
	$(call say,LD,$@)$(call link,,$@.1)
	$(Q)hv/symbols.sh $@.1 > $(BUILD)/symbols.c
	$(Q)$(CC) $(CFLAGS) -c -o $(BUILD)/symbols.o $(BUILD)/symbols.c
	$(Q)$(call link,$(BUILD)/symbols.o,$@)
	$(Q)hv/symbols.sh --check $@.1 $@

$(EFI): $(BUILD)/nestor.so
	$(call say,EFI,$@)$(OBJCOPY) $(addprefix -j ,.text .rodata .data .symbols .dynamic .dynsym .rela .reloc) \
		--target efi-app-x86_64 --subsystem=10 $< $@

-include $(OBJS:.o=.d) $(BUILD)/asm_offsets.inc.d $(BUILD)/dsdt.aml.d
