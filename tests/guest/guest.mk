# SPDX-License-Identifier: MIT
# Test guests: multiboot-1 images that run the same bare, under Nestor, and under QEMU and KVM.
# They are 64-bit code in an ELF32 container, which is what multiboot loaders take. The same code is a PVH image as the linker
# leaves it (.elf64), and a bzImage with a setup header in front.

GUEST         := $(BUILD)/guest
# TRAP_OF() comes back like longjmp, with all registers as they were: only locals that it changes itself are at risk.
GUEST_CFLAGS  := -std=gnu11 -O2 -g $(WARN) -Wno-clobbered -I. -m64 -ffreestanding -fno-pic -mno-red-zone \
                 -mgeneral-regs-only -fno-stack-protector -fno-strict-aliasing -fno-omit-frame-pointer \
                 -fno-asynchronous-unwind-tables -fcf-protection=none -ffile-prefix-map=$(CURDIR)=.
GUEST_LDFLAGS := -m elf_x86_64 -nostdlib -static -z noexecstack --build-id=none -T tests/guest/lib/guest.ld
# bzimage.asm is no part of the library: a file around an image.
GUEST_LIB     := $(patsubst %,$(GUEST)/%.o,$(wildcard tests/guest/lib/*.c) \
                 $(filter-out %/bzimage.asm,$(wildcard tests/guest/lib/*.asm)) \
                 hv/acpi.c hv/format.c hv/string.c vmx/vmcs_fields.c)
GUEST_SUITES  := $(patsubst %,$(GUEST)/%.o,$(filter-out tests/guest/crash.c,$(wildcard tests/guest/*.c)))
QEMU_CPU      ?= max

.PHONY: guests guest-qemu

guests: $(SELFTEST) $(GUEST)/crash.elf ## build the test guests (build/guest/*.elf)

$(GUEST)/%.c.o: %.c $(BUILD)/tools.stamp
	@mkdir -p $(@D)
	$(call say,GUESTCC,$<)$(CC) $(GUEST_CFLAGS) -MMD -MP -c -o $@ $<

$(GUEST)/%.asm.o: %.asm $(BUILD)/tools.stamp
	@mkdir -p $(@D)
	$(call say,NASM,$<)$(NASM) -f elf64 -g -F dwarf -MD $(@:.o=.d) -o $@ $<

# A library, so that an image takes only what it uses: crash.elf has its own guest_main() and no runner.
$(GUEST)/libguest.a: $(GUEST_LIB)
	$(call say,AR,$@)rm -f $@ && ar rcs $@ $^

$(GUEST)/selftest.elf64: $(GUEST_SUITES)
$(GUEST)/crash.elf64: $(GUEST)/tests/guest/crash.c.o
$(GUEST)/%.elf64: $(GUEST)/libguest.a tests/guest/lib/guest.ld
	$(call say,LD,$@)ld $(GUEST_LDFLAGS) -o $@ $(filter %.o,$^) $(GUEST)/libguest.a

$(GUEST)/%.elf: $(GUEST)/%.elf64
	$(call say,ELF32,$@)$(OBJCOPY) --strip-all -O elf32-i386 $< $@

.SECONDARY: $(GUEST)/selftest.bin
$(GUEST)/%.bin: $(GUEST)/%.elf64
	$(call say,BIN,$@)$(OBJCOPY) -O binary $< $@

# What the image takes in memory, .bss too, is for its symbols to say.
$(GUEST)/%.bzImage: tests/guest/lib/bzimage.asm $(GUEST)/%.bin
	$(call say,NASM,$@)$(NASM) -f bin -DCODE='"$(GUEST)/$*.bin"' \
		-DINIT_SIZE=0x$$(nm $(GUEST)/$*.elf64 | sed -n 's/ . guest_image_end$$//p')-0x400000 -o $@ $<

guest-qemu: $(SELFTEST) ## run the self-test under plain QEMU (ARGS='suite=cpuid', QEMU_CPU=qemu64)
	$(Q)timeout 60 qemu-system-x86_64 -kernel $< -cpu $(QEMU_CPU) -m 256 -display none -serial stdio \
		-no-reboot -device isa-debug-exit,iobase=0xf4,iosize=4 -append "$(ARGS)"; \
	status=$$?; [ $$status -eq 1 ] || { echo "guest-qemu: QEMU ended with status $$status"; exit 1; }

-include $(GUEST_LIB:.o=.d) $(GUEST_SUITES:.o=.d) $(GUEST)/tests/guest/crash.c.d
