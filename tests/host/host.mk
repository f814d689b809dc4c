# SPDX-License-Identifier: MIT
# Host build of the pure modules and their cmocka tests, always under ASan and UBSan.
# tests/host stands first in the include path, so its hv/x86.h, hv/percpu.h and vmx/ops.h replace the real ones.

HOST_CFLAGS := -std=gnu11 -g -O1 $(WARN) -fsanitize=address,undefined -fno-sanitize-recover=all \
               -fno-omit-frame-pointer -Itests/host -I.
HOST_OBJS   := $(patsubst %.c,$(BUILD)/host/%.o,$(wildcard $(PURE) tests/host/*.c))
UNIT_BINS   := $(UNITS:%.c=$(BUILD)/host/%)

# Tests with threads run a second time under TSan, which cannot be had together with ASan.
RACE_CFLAGS := $(filter-out -fsanitize=%,$(HOST_CFLAGS)) -fsanitize=thread
RACE_SRCS   := $(filter-out tests/host/insn_oracle.c,$(wildcard mm/*.c tests/host/*.c))
RACE_BINS   := $(patsubst %.c,$(BUILD)/race/host/%,$(filter %_race_test.c,$(UNITS)))

.PHONY: unit

unit: $(UNIT_BINS) $(RACE_BINS) ## run the host unit tests (cmocka under ASan and UBSan, with threads under TSan)
	$(Q)tests/host/run-units.sh $(UNIT_BINS) $(RACE_BINS)

$(BUILD)/host/%.o: %.c $(BUILD)/tools.stamp
	@mkdir -p $(@D)
	$(call say,HOSTCC,$<)$(HOSTCC) $(HOST_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/host/libpure.a: $(HOST_OBJS)
	$(call say,AR,$@)rm -f $@ && ar rcs $@ $^

$(UNIT_BINS): %: %.o $(BUILD)/host/libpure.a
	$(call say,HOSTLD,$@)$(HOSTCC) $(HOST_CFLAGS) -o $@ $< $(BUILD)/host/libpure.a -lcmocka $(HOST_LIBS)

# The tests that ask a disassembler.
$(BUILD)/host/tests/unit/vmx/mmio_decode_test: HOST_LIBS := -lcapstone

# The DSDT as the image has it.
DSDT_TEST := $(BUILD)/host/tests/unit/hv/guest/acpi_tables_test
$(DSDT_TEST): $(BUILD)/target/hv/guest/dsdt.asm.o
$(DSDT_TEST): HOST_LIBS := $(BUILD)/target/hv/guest/dsdt.asm.o

$(BUILD)/race/%.o: %.c $(BUILD)/tools.stamp
	@mkdir -p $(@D)
	$(call say,RACECC,$<)$(HOSTCC) $(RACE_CFLAGS) -MMD -MP -c -o $@ $<

$(RACE_BINS): $(BUILD)/race/host/%: $(BUILD)/race/%.o $(RACE_SRCS:%.c=$(BUILD)/race/%.o)
	@mkdir -p $(@D)
	$(call say,RACELD,$@)$(HOSTCC) $(RACE_CFLAGS) -o $@ $^ -lcmocka

-include $(RACE_SRCS:%.c=$(BUILD)/race/%.d) $(RACE_BINS:$(BUILD)/race/host/%=$(BUILD)/race/%.d)
-include $(HOST_OBJS:.o=.d) $(UNIT_BINS:%=%.d)
