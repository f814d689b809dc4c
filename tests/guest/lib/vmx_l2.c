/* SPDX-License-Identifier: MIT */
/* What a test in VMX operation has, and how it is taken away again: all of it belongs to one CPU,
 * the one that runs the test. */
#include "tests/guest/lib/vmx_l2.h"
#include "tests/guest/lib/memory.h"
#include "tests/guest/lib/report.h"
#include "vmx/event.h"

#define L2S_MAX   300
#define PAGES_MAX 1024

static struct l2 l2s[L2S_MAX];
static u64 pages[PAGES_MAX];
static u32 l2_count, page_count;

/* Those that software writes before the first entry (SDM "Preparation and Launching a Virtual
 * Machine") and l2_create() does not. */
static const enum vmcs_field zeroed[] = {
	VMCS_PF_ERROR_MASK,
	VMCS_PF_ERROR_MATCH,
	VMCS_CR3_TARGET_COUNT,
	VMCS_EXIT_MSR_STORE_COUNT,
	VMCS_EXIT_MSR_LOAD_COUNT,
	VMCS_ENTRY_MSR_LOAD_COUNT,
	VMCS_ENTRY_INTR_INFO,
	VMCS_TSC_OFFSET,
	VMCS_CR0_MASK,
	VMCS_CR4_MASK,
	VMCS_GUEST_SEL_LDTR,
	VMCS_GUEST_BASE_ES,
	VMCS_GUEST_BASE_CS,
	VMCS_GUEST_BASE_SS,
	VMCS_GUEST_BASE_DS,
	VMCS_GUEST_INTERRUPTIBILITY,
	VMCS_GUEST_ACTIVITY,
	VMCS_GUEST_PENDING_DEBUG,
	VMCS_GUEST_DEBUGCTL,
};

static void release(void)
{
	while (l2_count)
		l2_destroy(&l2s[--l2_count]);
	while (page_count)
		memory_page_free(pages[--page_count]);
}

void vmx_test(void (*body)(void))
{
	const char *why = vmx_lacks();
	struct trap trap;

	if (why) {
		test_skip(why);
		return;
	}
	vmx_on();
	trap = TRAP_OF(body());
	release();
	vmx_off();
	unblock_nmi();
	if (trap.vector != TRAP_NONE)
		test_fail(__FILE__, __LINE__, "trap %llu error 0x%llx at rip 0x%llx cr2 0x%llx",
			  (unsigned long long)trap.vector, (unsigned long long)trap.error,
			  (unsigned long long)trap.rip, (unsigned long long)trap.cr2);
}

u64 vmx_page(void)
{
	if (page_count == PAGES_MAX)
		report_fatal("a test wants more than %d pages", PAGES_MAX);
	pages[page_count] = memory_page_alloc();
	return pages[page_count++];
}

u64 vmx_page_with(u64 value)
{
	u64 page = vmx_page();

	poke(page, value);
	return page;
}

struct l2 *l2_new(const void *code)
{
	struct l2 *l2 = &l2s[l2_count];

	if (l2_count == L2S_MAX)
		report_fatal("a test wants more than %d L2s", L2S_MAX);
	l2_create(l2, (void (*)(void))(u64)code, 0, 0);
	l2_count++;
	for (size_t i = 0; i < ARRAY_SIZE(zeroed); i++)
		vmx_write(zeroed[i], 0);
	if (control_is_offered(CONTROL_SET_CPU, CPU_SECONDARY))
		vmx_write(VMCS_CPU_CONTROLS2, 0);
	vmx_write(VMCS_EXCEPTION_BITMAP, ~0u);
	return l2;
}

static bool has_set(enum control_set set)
{
	return set != CONTROL_SET_CPU2 || vmx_allows(CONTROL_SET_CPU, CPU_SECONDARY);
}

bool control_is_offered(enum control_set set, u32 mask)
{
	return has_set(set) && vmx_allows(set, mask);
}

bool control_is_optional(enum control_set set, u32 mask)
{
	return !has_set(set) || !((u32)vmx_capabilities(set) & mask);
}

static enum vmcs_field field_of(enum control_set set)
{
	static const enum vmcs_field fields[CONTROL_SETS] = {
		[CONTROL_SET_PIN] = VMCS_PIN_CONTROLS,     [CONTROL_SET_CPU] = VMCS_CPU_CONTROLS,
		[CONTROL_SET_CPU2] = VMCS_CPU_CONTROLS2,   [CONTROL_SET_EXIT] = VMCS_EXIT_CONTROLS,
		[CONTROL_SET_ENTRY] = VMCS_ENTRY_CONTROLS,
	};

	return fields[set];
}

void control_on(enum control_set set, u32 mask)
{
	if (set == CONTROL_SET_CPU2)
		vmx_change(VMCS_CPU_CONTROLS, CPU_SECONDARY, 0);
	vmx_change(field_of(set), mask, 0);
}

void control_off(enum control_set set, u32 mask)
{
	if (has_set(set))
		vmx_change(field_of(set), 0, mask);
}

u32 l2_enter_at(struct l2 *l2, const void *code)
{
	vmx_write(VMCS_GUEST_RIP, (u64)code);
	return l2_enter(l2);
}

void l2_skip(void)
{
	vmx_write(VMCS_GUEST_RIP, vmx_read(VMCS_GUEST_RIP) + vmx_read(VMCS_EXIT_INSN_LEN));
	vmx_change(VMCS_GUEST_INTERRUPTIBILITY, 0, BLOCKED_BY_STI | BLOCKED_BY_MOV_SS);
}
