/* SPDX-License-Identifier: MIT */
/* Capabilities and refusals, over the register values of the CPU models that Nestor is tried on. */
#include "unit.h"
#include "vmx/caps.h"
#include "caps_models.h"

static void read_model(u32 model)
{
	caps_model_load(&caps_models[model]);
	vmx_caps_read();
}

static void assert_refused_for(const char *what)
{
	const char *refusal = vmx_refusal();

	if (!refusal) {
		fail_msg("not refused; expected a refusal that names '%s'", what);
		return;
	}
	if (!strstr(refusal, what))
		fail_msg("expected '%s' in '%s'", what, refusal);
	/* One line that says what is missing and what to do. */
	assert_non_null(strstr(refusal, "; "));
	assert_null(strchr(refusal, '\n'));
}

UNIT(a_cpu_without_vmx_is_refused_and_no_msr_is_read)
{
	host_x86_reset(); /* no MSR is set: reading one would end the test */
	host_cpuid_set(0, 0, (struct cpuid_regs){ .eax = 0xd });
	vmx_caps_read();
	assert_false(vmx_caps()->vmx);
	assert_refused_for("this CPU offers no VMX (CPUID.1:ECX.VMX = 0); enable VT-x");
}

UNIT(models_with_ept_are_accepted)
{
	for (u32 model = 0; model < CAPS_MODELS; model++) {
		read_model(model);
		if (model != PENRYN && vmx_refusal())
			fail_msg("%s: %s", caps_models[model].name, vmx_refusal());
	}
}

UNIT(penryn_is_refused_for_ept_without_reading_its_msr)
{
	read_model(PENRYN);
	assert_int_equal(vmx_caps()->ept_vpid, 0);
	assert_refused_for("lacks \"enable EPT\"");
}

UNIT(hidden_execute_disable_is_refused)
{
	caps_model_load(&caps_models[SKYLAKE_X]);
	host_cpuid_set(0x80000001, 0, (struct cpuid_regs){ .edx = ~(1u << 20) });
	vmx_caps_read();
	assert_refused_for("no execute-disable bit");
	host_cpuid_set(0x80000000, 0, (struct cpuid_regs){ .eax = 0x80000000 });
	vmx_caps_read();
	assert_refused_for("no execute-disable bit");
}

UNIT(vmx_locked_off_is_refused)
{
	caps_model_load(&caps_models[SKYLAKE_X]);
	host_msr_set(MSR_IA32_FEATURE_CONTROL, FEATURE_CONTROL_LOCKED);
	vmx_caps_read();
	assert_refused_for("locked VMX off");
}

UNIT(vmx_locked_on_is_accepted)
{
	caps_model_load(&caps_models[SKYLAKE_X]);
	host_msr_set(MSR_IA32_FEATURE_CONTROL, FEATURE_CONTROL_LOCKED | FEATURE_CONTROL_VMXON);
	vmx_caps_read();
	assert_null(vmx_refusal());
}

UNIT(an_unlocked_feature_control_is_accepted)
{
	caps_model_load(&caps_models[SKYLAKE_X]);
	host_msr_set(MSR_IA32_FEATURE_CONTROL, 0);
	vmx_caps_read();
	assert_null(vmx_refusal());
}

UNIT(a_vmcs_bigger_than_a_page_is_refused)
{
	caps_model_load(&caps_models[SKYLAKE_X]);
	host_msr_set(MSR_IA32_VMX_BASIC, 0x2b | (PAGE_SIZE + 1) << 32 | 6ULL << 50 | BIT(55));
	vmx_caps_read();
	assert_refused_for("VMCS is bigger than a page");
}

UNIT(a_vmcs_of_one_page_is_accepted)
{
	read_model(SKYLAKE_X);
	assert_int_equal(VMX_BASIC_SIZE(vmx_caps()->basic), 4096);
	assert_int_equal(VMX_BASIC_REVISION(vmx_caps()->basic), 0x2b);
	assert_int_equal(VMX_BASIC_MEMORY_TYPE(vmx_caps()->basic), 6);
	assert_null(vmx_refusal());
}

/* Skylake-X with one allowed-1 bit taken away. */
static void read_without(const struct control_info *control)
{
	struct caps_model model = caps_models[SKYLAKE_X];
	u32 *const sets[CONTROL_SETS] = { &model.pin, &model.cpu, &model.cpu2, &model.exit,
					  &model.entry };

	*sets[control->set] &= ~(1u << control->bit);
	caps_model_load(&model);
	vmx_caps_read();
}

UNIT(each_missing_needed_control_is_named)
{
	u32 needed = 0;

	for (u32 i = 0; i < control_count; i++) {
		if (control_table[i].use < CONTROL_SWITCH)
			continue;
		read_without(&control_table[i]);
		assert_refused_for(control_table[i].text);
		needed++;
	}
	assert_int_equal(needed, 27);
}

UNIT(no_other_missing_control_is_a_refusal)
{
	for (u32 i = 0; i < control_count; i++) {
		if (control_table[i].use >= CONTROL_SWITCH)
			continue;
		read_without(&control_table[i]);
		assert_null(vmx_refusal());
	}
}

UNIT(without_secondary_controls_their_msrs_are_not_read)
{
	struct caps_model model = caps_models[SKYLAKE_X];

	model.cpu &= ~(u32)CPU_SECONDARY;
	caps_model_load(&model);
	for (u32 i = 0; i < host_x86.msr_count; i++) { /* make the dependent MSRs absent */
		u32 *msr = &host_x86.msrs[i].msr;

		if (*msr == MSR_IA32_VMX_PROCBASED2 || *msr == MSR_IA32_VMX_EPT_VPID_CAP ||
		    *msr == MSR_IA32_VMX_VMFUNC)
			*msr = 0xffffffff;
	}
	vmx_caps_read();
	assert_int_equal(vmx_caps()->allowed1[CONTROL_SET_CPU2], 0);
	assert_refused_for("activate secondary controls");
}

UNIT(vmfunc_is_read_only_where_offered)
{
	read_model(HASWELL);
	assert_int_equal(vmx_caps()->vmfunc, 1);
	read_model(SANDY_BRIDGE); /* its MSR is unset */
	assert_int_equal(vmx_caps()->vmfunc, 0);
}

static void check_ept_without(u64 mask, const char *what)
{
	struct caps_model model = caps_models[SKYLAKE_X];

	model.ept_vpid &= ~mask;
	caps_model_load(&model);
	vmx_caps_read();
	assert_refused_for(what);
}

UNIT(an_ept_that_lacks_a_basic_capability_is_refused)
{
	check_ept_without(EPT_CAP_MASK(WALK_4), "4-level walk");
	check_ept_without(EPT_CAP_MASK(WRITE_BACK), "write-back");
	check_ept_without(EPT_CAP_MASK(INVEPT), "INVEPT");
	check_ept_without(EPT_CAP_MASK(INVEPT_SINGLE) | EPT_CAP_MASK(INVEPT_ALL), "INVEPT");
}

UNIT(flushes_take_the_type_that_is_there)
{
	struct caps_model model = caps_models[SKYLAKE_X];

	read_model(SKYLAKE_X);
	assert_int_equal(vmx_invept_type(), INVALIDATE_SINGLE);
	assert_int_equal(vmx_invvpid_type(), INVALIDATE_SINGLE);
	assert_true(vmx_controls_for(CONTROL_SET_CPU2) & CPU2_ENABLE_VPID);
	model.ept_vpid &= ~(EPT_CAP_MASK(INVEPT_SINGLE) | EPT_CAP_MASK(INVVPID_SINGLE));
	caps_model_load(&model);
	vmx_caps_read();
	assert_int_equal(vmx_invept_type(), INVALIDATE_ALL);
	assert_int_equal(vmx_invvpid_type(), INVALIDATE_ALL);
	assert_true(vmx_controls_for(CONTROL_SET_CPU2) & CPU2_ENABLE_VPID);
}

UNIT(without_invvpid_there_is_no_vpid)
{
	struct caps_model model = caps_models[SKYLAKE_X];

	model.ept_vpid &= ~EPT_CAP_MASK(INVVPID);
	caps_model_load(&model);
	vmx_caps_read();
	assert_int_equal(vmx_controls_for(CONTROL_SET_CPU2) & CPU2_ENABLE_VPID, 0);
	assert_null(vmx_refusal());
}

UNIT(one_type_of_invept_and_no_large_pages_are_enough)
{
	struct caps_model model = caps_models[SKYLAKE_X];

	model.ept_vpid &= ~(EPT_CAP_MASK(INVEPT_SINGLE) | EPT_CAP_MASK(PAGE_2M) |
			    EPT_CAP_MASK(PAGE_1G) | EPT_CAP_MASK(ACCESSED_DIRTY));
	caps_model_load(&model);
	vmx_caps_read();
	assert_null(vmx_refusal());
}

UNIT(ept_capabilities_differ_by_model)
{
	read_model(SKYLAKE_X);
	assert_true(vmx_has_ept_caps(EPT_CAP_MASK(ACCESSED_DIRTY) | EPT_CAP_MASK(PAGE_1G)));
	assert_false(vmx_has_ept_caps(EPT_CAP_MASK(SHADOW_STACK)));
	assert_false(vmx_has_ept_caps(EPT_CAP_MASK(WALK_5)));
	assert_true(vmx_has_ept_caps(EPT_CAP_MASK(INVVPID_RETAIN)));
	read_model(ARRANDALE);
	assert_false(vmx_has_ept_caps(EPT_CAP_MASK(ACCESSED_DIRTY)));
	assert_false(vmx_has_ept_caps(EPT_CAP_MASK(PAGE_1G)));
	assert_true(vmx_has_ept_caps(EPT_CAP_MASK(PAGE_2M)));
	read_model(TIGERLAKE);
	assert_true(vmx_has_ept_caps(EPT_CAP_MASK(SHADOW_STACK)));
}

UNIT(true_controls_are_optional_and_preferred)
{
	u32 cr3 = CPU_CR3_LOAD_EXITING | CPU_CR3_STORE_EXITING;

	read_model(SKYLAKE_X);
	assert_int_equal(vmx_controls_for(CONTROL_SET_CPU) & cr3, 0);
	for (u32 i = 0; i < host_x86.msr_count; i++) {
		if (host_x86.msrs[i].msr >= MSR_IA32_VMX_TRUE_PINBASED &&
		    host_x86.msrs[i].msr <= MSR_IA32_VMX_TRUE_ENTRY)
			host_x86.msrs[i].msr = 0xffffffff;
	}
	host_msr_set(MSR_IA32_VMX_BASIC, 0x2b | PAGE_SIZE << 32 | 6ULL << 50);
	vmx_caps_read();
	assert_null(vmx_refusal());
	assert_int_equal(vmx_controls_for(CONTROL_SET_CPU) & cr3, cr3);
}

UNIT(skylake_gets_these_control_values)
{
	read_model(SKYLAKE_X);
	assert_int_equal(vmx_controls_for(CONTROL_SET_PIN), 0x3f);
	assert_int_equal(vmx_controls_for(CONTROL_SET_CPU), 0xb5006dfau);
	assert_int_equal(vmx_controls_for(CONTROL_SET_CPU2), 0x1010aa);
	assert_int_equal(vmx_controls_for(CONTROL_SET_EXIT), 0x3fefff);
	assert_int_equal(vmx_controls_for(CONTROL_SET_ENTRY), 0xd1ff);
}

UNIT(wanted_controls_are_dropped_where_absent)
{
	read_model(SANDY_BRIDGE);
	assert_int_equal(vmx_controls_for(CONTROL_SET_CPU2),
			 CPU2_ENABLE_EPT | CPU2_UNRESTRICTED_GUEST | CPU2_ENABLE_VPID |
				 CPU2_ENABLE_RDTSCP);
}

UNIT(control_values_are_legal_on_every_model)
{
	for (u32 model = 0; model < CAPS_MODELS; model++) {
		read_model(model);
		for (u32 set = 0; set < CONTROL_SETS; set++) {
			u32 value = vmx_controls_for(set);

			assert_int_equal(value & ~vmx_caps()->allowed1[set], 0);
			assert_int_equal(vmx_caps()->allowed0[set] & ~value, 0);
		}
	}
}

UNIT(the_physical_width_comes_from_cpuid_or_its_default)
{
	read_model(SKYLAKE_X);
	assert_int_equal(vmx_caps()->physical_bits, 40);
	host_cpuid_set(0x80000000, 0, (struct cpuid_regs){ .eax = 0x80000004 });
	vmx_caps_read();
	assert_int_equal(vmx_caps()->physical_bits, 36);
}

UNIT(misc_is_decoded)
{
	read_model(SKYLAKE_X);
	assert_int_equal(VMX_MISC_TIMER_SHIFT(vmx_caps()->misc), 0);
	assert_int_equal(VMX_MISC_CR3_TARGETS(vmx_caps()->misc), 4);
	assert_int_equal(VMX_MISC_MSR_LIST_MAX(vmx_caps()->misc), 512);
	assert_true(vmx_caps()->misc & VMX_MISC_VMWRITE_ANY);
	read_model(HASWELL);
	assert_false(vmx_caps()->misc & VMX_MISC_ZERO_LENGTH);
}

UNIT(reading_again_forgets_the_first_answers)
{
	read_model(SKYLAKE_X);
	a_cpu_without_vmx_is_refused_and_no_msr_is_read(state);
	assert_int_equal(vmx_caps()->ept_vpid, 0);
	assert_int_equal(vmx_caps()->allowed1[CONTROL_SET_CPU2], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_cpu_without_vmx_is_refused_and_no_msr_is_read),
		cmocka_unit_test(models_with_ept_are_accepted),
		cmocka_unit_test(penryn_is_refused_for_ept_without_reading_its_msr),
		cmocka_unit_test(hidden_execute_disable_is_refused),
		cmocka_unit_test(vmx_locked_off_is_refused),
		cmocka_unit_test(vmx_locked_on_is_accepted),
		cmocka_unit_test(an_unlocked_feature_control_is_accepted),
		cmocka_unit_test(a_vmcs_bigger_than_a_page_is_refused),
		cmocka_unit_test(a_vmcs_of_one_page_is_accepted),
		cmocka_unit_test(each_missing_needed_control_is_named),
		cmocka_unit_test(no_other_missing_control_is_a_refusal),
		cmocka_unit_test(without_secondary_controls_their_msrs_are_not_read),
		cmocka_unit_test(vmfunc_is_read_only_where_offered),
		cmocka_unit_test(an_ept_that_lacks_a_basic_capability_is_refused),
		cmocka_unit_test(flushes_take_the_type_that_is_there),
		cmocka_unit_test(without_invvpid_there_is_no_vpid),
		cmocka_unit_test(one_type_of_invept_and_no_large_pages_are_enough),
		cmocka_unit_test(ept_capabilities_differ_by_model),
		cmocka_unit_test(true_controls_are_optional_and_preferred),
		cmocka_unit_test(skylake_gets_these_control_values),
		cmocka_unit_test(wanted_controls_are_dropped_where_absent),
		cmocka_unit_test(control_values_are_legal_on_every_model),
		cmocka_unit_test(the_physical_width_comes_from_cpuid_or_its_default),
		cmocka_unit_test(misc_is_decoded),
		cmocka_unit_test(reading_again_forgets_the_first_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
