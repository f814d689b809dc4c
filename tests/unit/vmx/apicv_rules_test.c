/* SPDX-License-Identifier: MIT */
/* vmx/apicv_rules.c: levels and controls by CPU model and APIC mode, MSR bitmap, RVI and SVI. */
#include "caps_models.h"
#include "lapic_fixture.h"
#include "vmx/apicv.h"
#include "vmx/controls.h"

#define MSRS      64u
#define MSR(reg)  (MSR_X2APIC_FIRST + (reg) / LAPIC_STRIDE)
#define REGISTERS ((u32)(CPU2_APIC_REGISTERS | CPU2_VIRTUAL_INTERRUPTS))

static struct lapic_box box;
static struct msr_bitmap bitmap;

static enum apicv_level level_of(u32 model)
{
	return apicv_level_of(caps_models[model].cpu, caps_models[model].cpu2);
}

UNIT(levels_follow_the_model)
{
	assert_int_equal(level_of(TIGERLAKE), APICV_FULL);
	assert_int_equal(level_of(ICELAKE), APICV_FULL);
	assert_int_equal(level_of(SKYLAKE_X), APICV_FULL);
	assert_int_equal(level_of(HASWELL), APICV_FULL);
	assert_int_equal(level_of(SANDY_BRIDGE), APICV_TPR);
	assert_int_equal(level_of(ARRANDALE), APICV_TPR);
	assert_int_equal(apicv_level_of(0, ~0u), APICV_NONE);
}

UNIT(full_needs_all_of_it)
{
	static const u32 parts[] = { CPU2_APIC_ACCESSES, CPU2_X2APIC_MODE, CPU2_APIC_REGISTERS,
				     CPU2_VIRTUAL_INTERRUPTS };

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		assert_int_equal(apicv_level_of(CPU_TPR_SHADOW, ~parts[i]), APICV_TPR);
}

UNIT(a_disabled_apic_is_not_delivered_to)
{
	struct lapic *lapic = box_create(&box, 0);

	assert_int_equal(apicv_level_now(APICV_FULL, lapic), APICV_TPR);
	assert_int_equal(lapic_write(lapic, LAPIC_SVR, ENABLED_SVR, 0).kind, LAPIC_MODE);
	assert_int_equal(apicv_level_now(APICV_FULL, lapic), APICV_FULL);
	assert_int_equal(apicv_level_now(APICV_TPR, lapic), APICV_TPR);
	assert_int_equal(apicv_level_now(APICV_NONE, lapic), APICV_NONE);
	assert_int_equal(lapic_write(lapic, LAPIC_SVR, 0x1ef, 0).kind, LAPIC_NOTHING);
	assert_int_equal(lapic_write(lapic, LAPIC_SVR, 0xef, 0).kind, LAPIC_MODE);
	assert_int_equal(apicv_level_now(APICV_FULL, lapic), APICV_TPR);
	lapic_write(lapic, LAPIC_SVR, ENABLED_SVR, 0);
	assert_int_equal(lapic_write_base(lapic, 0xfee00100).kind, LAPIC_MODE);
	assert_int_equal(apicv_level_now(APICV_FULL, lapic), APICV_TPR);
}

UNIT(controls_follow_the_mode)
{
	struct lapic *lapic = box_enabled(&box, 0);

	assert_true(apicv_page_is_at(lapic));
	assert_int_equal(apicv_cpu2_controls(APICV_NONE, lapic, ~0u), 0);
	assert_int_equal(apicv_cpu2_controls(APICV_TPR, lapic, ~0u), CPU2_APIC_ACCESSES);
	assert_int_equal(apicv_cpu2_controls(APICV_FULL, lapic, ~0u),
			 CPU2_APIC_ACCESSES | REGISTERS);
	assert_int_equal(apicv_cpu2_controls(APICV_TPR, lapic, ~(u32)CPU2_APIC_ACCESSES), 0);
	lapic_write_base(lapic, 0xfed00000 | BIT(11) | BIT(8));
	assert_false(apicv_page_is_at(lapic));
	assert_int_equal(apicv_cpu2_controls(APICV_FULL, lapic, ~0u), REGISTERS);
	lapic_write_base(lapic, 0xfee00000 | BIT(11) | BIT(10) | BIT(8));
	assert_false(apicv_page_is_at(lapic));
	assert_int_equal(apicv_cpu2_controls(APICV_TPR, lapic, ~0u), CPU2_X2APIC_MODE);
	assert_int_equal(apicv_cpu2_controls(APICV_FULL, lapic, ~0u), CPU2_X2APIC_MODE | REGISTERS);
	lapic_write_base(lapic, 0xfee00000 | BIT(8));
	assert_int_equal(apicv_cpu2_controls(APICV_TPR, lapic, ~0u), 0);
}

UNIT(cr8_exits_or_has_its_shadow)
{
	const u32 exits = CPU_CR8_LOAD_EXITING | CPU_CR8_STORE_EXITING;

	assert_int_equal(apicv_cpu_controls(APICV_NONE), exits);
	assert_int_equal(apicv_cpu_controls(APICV_TPR), CPU_TPR_SHADOW);
	assert_int_equal(apicv_cpu_controls(APICV_FULL), CPU_TPR_SHADOW);
}

/* How many of the x2APIC MSRs do not exit. */
static u32 passed(enum msr_access access)
{
	u32 count = 0;

	for (u32 i = 0; i < MSRS; i++)
		count += !msr_bitmap_exits(&bitmap, MSR_X2APIC_FIRST + i, access);
	return count;
}

UNIT(only_what_the_cpu_virtualizes_passes)
{
	msr_bitmap_intercept_all(&bitmap);
	apicv_msr_bitmap(&bitmap, CPU2_X2APIC_MODE);
	assert_int_equal(passed(MSR_READ), 1);
	assert_int_equal(passed(MSR_WRITE), 1);
	assert_false(msr_bitmap_exits(&bitmap, MSR(LAPIC_TPR), MSR_READ_WRITE));
	apicv_msr_bitmap(&bitmap, CPU2_X2APIC_MODE | REGISTERS);
	assert_int_equal(passed(MSR_WRITE), 3);
	assert_false(msr_bitmap_exits(&bitmap, MSR(LAPIC_EOI), MSR_WRITE));
	assert_false(msr_bitmap_exits(&bitmap, MSR(LAPIC_SELF_IPI), MSR_WRITE));
	apicv_msr_bitmap(&bitmap, CPU2_APIC_ACCESSES | REGISTERS);
	assert_int_equal(passed(MSR_READ) + passed(MSR_WRITE), 0);
}

UNIT(reads_pass_where_the_page_has_the_answer)
{
	struct lapic *lapic = box_x2apic(&box, 3);

	apicv_msr_bitmap(&bitmap, CPU2_X2APIC_MODE | REGISTERS);
	for (u32 i = 0; i < MSRS; i++) {
		u32 msr = MSR_X2APIC_FIRST + i;
		u64 value = 0;

		if (msr_bitmap_exits(&bitmap, msr, MSR_READ)) {
			assert_true(msr == MSR(LAPIC_TMCCT) ||
				    !lapic_msr_read(lapic, msr, 0, &value));
			continue;
		}
		assert_true(lapic_msr_read(lapic, msr, 0, &value));
		assert_int_equal(value, (u64)page_word(lapic, i * LAPIC_STRIDE + 4) << 32 |
						page_word(lapic, i * LAPIC_STRIDE));
	}
}

UNIT(interrupt_status_is_svi_and_rvi)
{
	struct lapic *lapic = box_enabled(&box, 0);

	assert_int_equal(apicv_interrupt_status(lapic), 0);
	arrive(lapic, 0x41);
	arrive(lapic, 0x91);
	assert_int_equal(apicv_interrupt_status(lapic), 0x0091);
	lapic_acknowledge(lapic, 0x91);
	assert_int_equal(apicv_interrupt_status(lapic), 0x9141);
	lapic_write(lapic, LAPIC_EOI, 0, 0);
	assert_int_equal(apicv_interrupt_status(lapic), 0x0041);
}

UNIT(an_event_in_service_is_an_external_interrupt)
{
	struct lapic *lapic = box_enabled(&box, 0);

	assert_int_equal(apicv_event_in_service(lapic, 0x80000b0e), 0x80000b0e);
	arrive(lapic, 0x41);
	assert_int_equal(apicv_event_in_service(lapic, 0x80000b0e), 0x80000b0e);
	lapic_acknowledge(lapic, 0x41);
	assert_int_equal(apicv_event_in_service(lapic, 0x80000b0e), 0x80000041);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(levels_follow_the_model),
		cmocka_unit_test(full_needs_all_of_it),
		cmocka_unit_test(a_disabled_apic_is_not_delivered_to),
		cmocka_unit_test(controls_follow_the_mode),
		cmocka_unit_test(cr8_exits_or_has_its_shadow),
		cmocka_unit_test(only_what_the_cpu_virtualizes_passes),
		cmocka_unit_test(reads_pass_where_the_page_has_the_answer),
		cmocka_unit_test(interrupt_status_is_svi_and_rvi),
		cmocka_unit_test(an_event_in_service_is_an_external_interrupt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
