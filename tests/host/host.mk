# SPDX-License-Identifier: MIT
# Host build of the pure modules and their cmocka tests, always under ASan and UBSan.
# tests/host stands first in the include path, so its hv/x86.h, hv/percpu.h and vmx/ops.h replace the real ones.

HOST_CFLAGS := -std=gnu11 -g -O1 $(WARN) -fsanitize=address,undefined -fno-sanitize-recover=all \
               -fno-omit-frame-pointer -Itests/host -I.
HOST_OBJS   := $(patsubst %.c,$(BUILD)/host/%.o,$(wildcard $(PURE) tests/host/*.c))
UNIT_BINS   := $(UNITS:%.c=$(BUILD)/host/%)

.PHONY: unit

unit: $(UNIT_BINS) ## run the host unit tests (cmocka under ASan and UBSan)
	$(Q)tests/host/run-units.sh $(UNIT_BINS)

$(BUILD)/host/%.o: %.c $(BUILD)/tools.stamp
	@mkdir -p $(@D)
	$(call say,HOSTCC,$<)$(HOSTCC) $(HOST_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/host/libpure.a: $(HOST_OBJS)
	$(call say,AR,$@)rm -f $@ && ar rcs $@ $^

$(UNIT_BINS): %: %.o $(BUILD)/host/libpure.a
	$(call say,HOSTLD,$@)$(HOSTCC) $(HOST_CFLAGS) -o $@ $< $(BUILD)/host/libpure.a -lcmocka $(HOST_LIBS)

# The tests that ask a disassembler.
$(BUILD)/host/tests/unit/vmx/mmio_decode_test: HOST_LIBS := -lcapstone

-include $(HOST_OBJS:.o=.d) $(UNIT_BINS:%=%.d)
