# SPDX-License-Identifier: MIT
# make lint: every check leaves a stamp under build/lint, so only what changed is looked at again. A failed check prints
# what it found; the others still run, and the last line is the verdict.

LINT         := $(BUILD)/lint
LINT_C       := $(sort $(shell find boot hv mm vmx tests -name '*.c'))
LINT_H       := $(sort $(shell find boot hv mm vmx tests -name '*.h'))
LINT_SH      := $(sort $(shell find hv tests -name '*.sh') $(wildcard .ci/run) tests/linux/init tests/linux/bench_next $(wildcard tests/linux/*/init))
# What every compilation may depend on: one change here looks at all files again.
LINT_COMMON  := $(LINT_H) $(sort $(shell find hv mm vmx tests -name '*.def')) Makefile .clang-tidy \
                tests/lint/lint.mk tests/host/host.mk tests/guest/guest.mk
LINT_CPPCHECK := --quiet --error-exitcode=1 --std=c11 --platform=unix64 --inline-suppr \
                 --enable=warning,portability,performance --suppressions-list=tests/lint/cppcheck.txt

# The flags that a file is compiled with. gcc's names of warnings that clang lacks are no finding.
lint_clang    = -Wno-unknown-warning-option $(filter-out -ffile-prefix-map=%,$(1))
lint_flags    = $(if $(filter tests/unit/% tests/host/% tests/fuzz/%,$(1)),$(HOST_CFLAGS),$(if $(filter tests/guest/% \
                tests/test.h,$(1)),$(GUEST_CFLAGS),$(if $(filter tests/linux/%,$(1)),$(LINUX_CFLAGS),$(CFLAGS))))
LINT_PURE    := $(wildcard $(PURE))

LINT_CHECKS := $(LINT)/cppcheck $(LINT)/format $(LINT)/shellcheck $(LINT)/structure \
               $(LINT_C:%=$(LINT)/clang/%) $(LINT_PURE:%=$(LINT)/clang-host/%) \
               $(LINT_H:%=$(LINT)/header/%) $(LINT_C:%=$(LINT)/tidy/%)

.PHONY: lint lint-checks format

lint: ## clang, clang-tidy, clang-format, cppcheck, shellcheck, headers, sizes and layers
	@tests/lint/lint.sh $(MAKE) $(words $(LINT_CHECKS)) $(LINT)

lint-checks: $(LINT_CHECKS)

format: $(BUILD)/lint-tools.stamp ## lay out all C files with clang-format
	$(Q)clang-format -i $(LINT_C) $(LINT_H)

# $(call lint_check,name for the report,command): a stamp is left when the command passes.
lint_check = @mkdir -p $(@D) && { $(2); } && touch $@ || { echo "lint: $(strip $(1))"; exit 1; }

$(LINT_CHECKS): | $(BUILD)/lint-tools.stamp

$(LINT)/format: $(LINT_C) $(LINT_H) .clang-format
	$(call lint_check,clang-format,tests/lint/format.sh $(LINT_C) $(LINT_H))

$(LINT)/shellcheck: $(LINT_SH)
	$(call lint_check,shellcheck,shellcheck -x $(LINT_SH))

$(LINT)/structure: $(LINT_C) $(LINT_COMMON) $(LINT_SH) tests/lint/structure.sh
	$(call lint_check,structure,tests/lint/structure.sh)

$(LINT)/cppcheck: $(LINT_C) $(LINT_COMMON) tests/lint/cppcheck.txt
	$(call lint_check,cppcheck,cppcheck $(LINT_CPPCHECK) -I. boot hv mm vmx tests/guest)

$(LINT)/clang/%: % $(LINT_COMMON)
	$(call lint_check,clang $<,clang $(call lint_clang,$(call lint_flags,$<)) -fsyntax-only $<)

# The pure modules once more, as the unit tests see them.
$(LINT)/clang-host/%: % $(LINT_COMMON)
	$(call lint_check,clang for the host $<,clang $(call lint_clang,$(HOST_CFLAGS)) -fsyntax-only $<)

# A header alone, for both compilers.
$(LINT)/header/%: % $(LINT_COMMON)
	$(call lint_check,header alone $<,$(CC) $(call lint_flags,$<) -include $< -fsyntax-only -x c /dev/null && \
		clang $(call lint_clang,$(call lint_flags,$<)) -include $< -fsyntax-only -x c /dev/null)

# After clang has accepted the file: its errors are said once.
$(LINT)/tidy/%: $(LINT)/clang/%
	$(call lint_check,clang-tidy $*,tests/lint/tidy.sh $* $(call lint_clang,$(call lint_flags,$*)))
