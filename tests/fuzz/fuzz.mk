# SPDX-License-Identifier: MIT
# Fuzz targets (libFuzzer with ASan and UBSan), one for each tests/fuzz/*_fuzz.c. What a run finds stays in build/fuzz/.

FUZZ_SECONDS ?= 20
FUZZ_CFLAGS  := -std=gnu11 -g -O1 -Wall -Wextra -Werror -fsanitize=fuzzer,address,undefined \
                -fno-sanitize-recover=all -Itests/host -I.
FUZZERS      := $(patsubst tests/fuzz/%_fuzz.c,%,$(wildcard tests/fuzz/*_fuzz.c))
FUZZ_BINS    := $(FUZZERS:%=$(BUILD)/fuzz/%)
FUZZ_PURE    := $(wildcard hv/config*.c hv/guest/multiboot*.c vmx/lapic*.c) hv/format.c vmx/mmio_decode.c \
                vmx/mmio_execute.c vmx/nested/ept12.c vmx/nested/ept_compose.c tests/host/ept12_oracle.c \
                tests/host/insn_oracle.c tests/host/panic.c
FUZZ_DEVICES := $(filter hv/dev/%,$(PURE))

.PHONY: fuzz

fuzz: $(FUZZ_BINS) ## run each fuzz target (FUZZ_SECONDS=20)
	$(Q)for bin in $^; do \
		mkdir -p $$bin.corpus && \
		$$bin -max_total_time=$(FUZZ_SECONDS) -max_len=4096 -print_final_stats=1 \
			-artifact_prefix=$$bin.found- $$bin.corpus || exit 1; \
	done

# The board alone: it brings its own console.
$(BUILD)/fuzz/devices: $(FUZZ_DEVICES)
$(BUILD)/fuzz/devices: FUZZ_MORE := $(FUZZ_DEVICES)

$(BUILD)/fuzz/%: tests/fuzz/%_fuzz.c $(FUZZ_PURE) $(BUILD)/tools.stamp
	@mkdir -p $(@D)
	$(call say,FUZZ,$<)clang $(FUZZ_CFLAGS) -MMD -MP -MF $@.d -o $@ $< $(FUZZ_PURE) $(FUZZ_MORE) -lcapstone

-include $(FUZZ_BINS:=.d)
