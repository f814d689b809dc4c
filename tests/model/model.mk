# SPDX-License-Identifier: MIT
# Models of the lock-free protocols, checked with spin (docs/testing.md).

# A mutation of a file that several include is built into the first of them: the small ones first.
MODELS := kick circle migrate guest_use host_use

.PHONY: model

model: $(BUILD)/tools.stamp ## check the models of the lock-free protocols and that their mutations are caught (spin)
	$(Q)JOBS=$(JOBS) HOSTCC=$(HOSTCC) tests/model/run.sh $(BUILD)/model $(MODELS)
