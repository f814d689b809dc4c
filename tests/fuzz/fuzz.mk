# SPDX-License-Identifier: MIT
# Fuzz targets (libFuzzer with ASan and UBSan), one for each tests/fuzz/*_fuzz.c. What a run finds stays in build/fuzz/.

# Seconds a target; in make soak, of the MMIO decoder and of L1's memory: the others take a tenth there.
FUZZ_SECONDS      ?= 20
FUZZ_SOAK_SECONDS ?= 600
FUZZ_CFLAGS  := -std=gnu11 -g -O1 -Wall -Wextra -Werror -fsanitize=fuzzer,address,undefined \
                -fno-sanitize-recover=all -Itests/host -I.
FUZZERS      := $(patsubst tests/fuzz/%_fuzz.c,%,$(wildcard tests/fuzz/*_fuzz.c))
FUZZ_BINS    := $(FUZZERS:%=$(BUILD)/fuzz/%)
FUZZ_PURE    := $(wildcard hv/config*.c $(filter hv/guest/%,$(PURE)) vmx/lapic*.c) hv/format.c vmx/mmio_decode.c \
                vmx/mmio_execute.c vmx/nested/ept12.c vmx/nested/ept_compose.c tests/host/ept12_oracle.c \
                tests/host/insn_oracle.c tests/host/panic.c
FUZZ_DEVICES := $(filter hv/dev/%,$(PURE))
FUZZ_MEMORY  := $(wildcard mm/*.c) tests/host/cpu.c tests/host/memory.c tests/host/x86.c

# The longest first.
FUZZ_LONG    := $(BUILD)/fuzz/mmio_decode $(BUILD)/fuzz/memory
FUZZ_SHORT   := $(filter-out $(FUZZ_LONG),$(FUZZ_BINS))

.PHONY: fuzz fuzz-soak

fuzz: $(FUZZ_BINS) ## run each fuzz target (FUZZ_SECONDS=20)
	$(Q)JOBS=$(JOBS) tests/fuzz/run.sh $(addprefix $(FUZZ_SECONDS)=,$(FUZZ_LONG) $(FUZZ_SHORT))

fuzz-soak: $(FUZZ_BINS)
	$(Q)JOBS=$(JOBS) tests/fuzz/run.sh $(addprefix $(FUZZ_SOAK_SECONDS)=,$(FUZZ_LONG)) \
		$(addprefix $(shell expr $(FUZZ_SOAK_SECONDS) / 10)=,$(FUZZ_SHORT))

# The board alone: it brings its own console.
$(BUILD)/fuzz/devices: $(FUZZ_DEVICES)
$(BUILD)/fuzz/devices: FUZZ_MORE := $(FUZZ_DEVICES)

# All of mm/ on the unit tests' machine, whose fixtures judge by cmocka.
$(BUILD)/fuzz/memory: $(FUZZ_MEMORY)
$(BUILD)/fuzz/memory: FUZZ_MORE := $(FUZZ_MEMORY) -lcmocka

$(BUILD)/fuzz/%: tests/fuzz/%_fuzz.c $(FUZZ_PURE) $(BUILD)/tools.stamp
	@mkdir -p $(@D)
	$(call say,FUZZ,$<)clang $(FUZZ_CFLAGS) -MMD -MP -MF $@.d -o $@ $< $(FUZZ_PURE) $(FUZZ_MORE) -lcapstone

-include $(FUZZ_BINS:=.d)
