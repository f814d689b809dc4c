/* SPDX-License-Identifier: MIT */
/* What a test needs of the machine, and the quiet before and after it. */
#include "tests/guest/lib/machine_test.h"
#include "hv/x86.h"
#include "tests/guest/lib/apic.h"
#include "tests/guest/lib/com1.h"
#include "tests/guest/lib/ioapic.h"
#include "tests/guest/lib/machine.h"
#include "tests/guest/lib/pic.h"
#include "tests/guest/lib/pit.h"
#include "tests/guest/lib/rtc.h"
#include "tests/guest/lib/smp.h"

#define NEED_ANY_APIC (NEED_APIC | NEED_XAPIC | NEED_X2APIC | NEED_CPUS_2 | NEED_IOAPIC)

static bool is_in_xapic(void)
{
	apic_find_mode();
	return !apic_is_x2apic();
}

static bool has_two_cpus(void)
{
	return smp_count() >= 2;
}

static bool is_not_bochs(void)
{
	return !machine_is_bochs();
}

/* In this order: who asks for the second CPU may take the local APIC for granted. */
static const struct {
	u32 needs;
	bool (*has)(void);
	const char *why;
} checks[] = {
	{ NEED_ANY_APIC, apic_is_present, "no local APIC in CPUID" },
	{ NEED_XAPIC, is_in_xapic, "the local APIC is in x2APIC mode already" },
	{ NEED_X2APIC, apic_has_x2apic, "no x2APIC mode in CPUID" },
	{ NEED_DEADLINE, apic_has_deadline, "no TSC-deadline timer in CPUID" },
	{ NEED_PIC, pic_is_present, "no 8259 interrupt controllers" },
	{ NEED_PIT, pit_is_present, "no 8254 timer" },
	{ NEED_IOAPIC, ioapic_is_present, "no I/O APIC at FEC00000h" },
	{ NEED_RTC, rtc_is_present, "no CMOS clock" },
	{ NEED_COM1, com1_is_present, "no UART at COM1" },
	{ NEED_NOT_BOCHS, is_not_bochs, "Bochs 2.7 does otherwise" },
	{ NEED_CPUS_2, has_two_cpus, "fewer than two CPUs" },
};

const char *machine_lacks(u32 needs)
{
	for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
		if ((needs & checks[i].needs) && !checks[i].has())
			return checks[i].why;
	}
	return NULL;
}

void machine_quiet(void)
{
	if (pit_is_present())
		pit_stop(0);
	if (rtc_is_present())
		rtc_quiet();
	if (com1_is_present())
		com1_quiet();
	if (pic_is_present())
		pic_init(PIC_MANUAL_EOI);
	if (!apic_is_present())
		return;
	apic_find_mode();
	apic_reset();
	if (ioapic_is_present())
		ioapic_mask_all();
	irq_window();
}

void machine_test(u32 needs, void (*body)(void))
{
	const char *why = machine_lacks(needs);

	if (why) {
		test_skip(why);
		return;
	}
	irq_begin();
	machine_quiet();
	if ((needs & NEED_X2APIC) && !apic_is_x2apic() && !smp_enter_x2apic())
		ERROR("a CPU did not take x2APIC mode");
	irq_end();
	irq_begin(); /* what came in late counts for nobody */
	body();
	machine_quiet();
	irq_end();
}
