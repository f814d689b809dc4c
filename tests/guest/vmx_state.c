/* SPDX-License-Identifier: MIT */
/*
 * Guest state through exits, VMREAD, VMWRITE, VMPTRLD and VMCLEAR in any order, beside a model of
 * it. A hypervisor below brings guest state from where it is to the VMCS when it likes; L1 must not
 * notice.
 */
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/vmx_caps.h"
#include "tests/guest/lib/vmx_insn.h"

#define L2S        3u
#define STEPS      4000u
#define REG_RDI    7
#define CR4_TOGGLE (CR4_DE | CR4_TSD | CR4_PGE)
#define CR0_TOGGLE (CR0_TS | CR0_AM | CR0_MP)

#define ENTRY_CTLS (ENTRY_CTL_LOAD_DEBUG | ENTRY_CTL_LOAD_PAT | ENTRY_CTL_LOAD_EFER)
#define EXIT_CTLS                                                                           \
	(EXIT_CTL_SAVE_DEBUG | EXIT_CTL_SAVE_PAT | EXIT_CTL_SAVE_EFER | EXIT_CTL_LOAD_PAT | \
	 EXIT_CTL_LOAD_EFER)

/* What L2 can change without an exit, and L1 by VMWRITE. */
enum item {
	ITEM_FS,
	ITEM_GS,
	ITEM_SYSENTER_CS,
	ITEM_SYSENTER_ESP,
	ITEM_SYSENTER_EIP,
	ITEM_DR7,
	ITEM_CR0,
	ITEM_CR4,
	ITEM_GDTR_LIMIT,
	ITEM_IDTR_BASE,
	ITEM_IDTR_LIMIT,
	ITEM_DS,
	ITEM_PAT,
	ITEM_EFER,
	ITEMS
};

static const enum vmcs_field fields[ITEMS] = {
	[ITEM_FS] = VMCS_GUEST_BASE_FS,
	[ITEM_GS] = VMCS_GUEST_BASE_GS,
	[ITEM_SYSENTER_CS] = VMCS_GUEST_SYSENTER_CS,
	[ITEM_SYSENTER_ESP] = VMCS_GUEST_SYSENTER_ESP,
	[ITEM_SYSENTER_EIP] = VMCS_GUEST_SYSENTER_EIP,
	[ITEM_DR7] = VMCS_GUEST_DR7,
	[ITEM_CR0] = VMCS_GUEST_CR0,
	[ITEM_CR4] = VMCS_GUEST_CR4,
	[ITEM_GDTR_LIMIT] = VMCS_GUEST_LIMIT_GDTR,
	[ITEM_IDTR_BASE] = VMCS_GUEST_BASE_IDTR,
	[ITEM_IDTR_LIMIT] = VMCS_GUEST_LIMIT_IDTR,
	[ITEM_DS] = VMCS_GUEST_SEL_DS,
	[ITEM_PAT] = VMCS_GUEST_PAT,
	[ITEM_EFER] = VMCS_GUEST_EFER,
};

/* One L2; the model is what its VMCS should say, the wish what it sets when it runs. */
struct subject {
	struct l2 l2;
	u64 model[ITEMS], wish[ITEMS];
	u32 wished; /* the items that it sets */
};

/* Controls of IA32_PAT, IA32_EFER and the debug registers. */
struct sharing {
	u32 entry, exit;
};

static struct subject subjects[L2S];
static u32 not_saved;  /* items that an exit leaves as they are in the VMCS */
static u32 not_loaded; /* those that L2 shares with L1, and leaves alone */
static u64 seed;

/* Marsaglia's xorshift. */
static u64 random(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static u64 new_value(enum item item, u64 old)
{
	u64 value = random();

	switch (item) {
	case ITEM_SYSENTER_CS:
		return value & 0xfff8;
	case ITEM_DR7: /* kinds of breakpoints that are not on */
		return DR7_AT_RESET | (value & 1 ? BITS(17, 16) : 0) | (value & 2 ? BIT(20) : 0);
	case ITEM_CR0:
		return old ^ (value & CR0_TOGGLE);
	case ITEM_CR4:
		return old ^ (value & CR4_TOGGLE);
	case ITEM_GDTR_LIMIT:
		return descriptor_gdt_pointer.limit + (value & 0xfff);
	case ITEM_IDTR_LIMIT:
		return value & 0xffff;
	case ITEM_DS:
		return value & 1 ? KERNEL_DS : SMALL_READ_ONLY;
	case ITEM_PAT:
		return (old & ~BITS(63, 56)) | (value & 1 ? 6ULL : 4ULL) << 56;
	case ITEM_EFER:
		return old ^ (value & EFER_SCE);
	case ITEM_FS:
	case ITEM_GS:
	case ITEM_SYSENTER_ESP:
	case ITEM_SYSENTER_EIP:
	case ITEM_IDTR_BASE:
	case ITEMS:
		break;
	}
	return value & BITS(46, 0); /* an address */
}

/* In L2. DS goes last but for the way back: 64-bit code does not look at it. */
static void set_wishes(const struct subject *s)
{
	static const u32 msrs[ITEMS] = {
		[ITEM_FS] = MSR_IA32_FS_BASE,
		[ITEM_GS] = MSR_IA32_GS_BASE,
		[ITEM_SYSENTER_CS] = MSR_IA32_SYSENTER_CS,
		[ITEM_SYSENTER_ESP] = MSR_IA32_SYSENTER_ESP,
		[ITEM_SYSENTER_EIP] = MSR_IA32_SYSENTER_EIP,
		[ITEM_PAT] = MSR_IA32_PAT,
		[ITEM_EFER] = MSR_IA32_EFER,
	};
	struct table_pointer table;

	for (u32 item = 0; item < ITEMS; item++)
		if ((s->wished & BIT(item)) && msrs[item])
			wrmsr(msrs[item], s->wish[item]);
	if (s->wished & BIT(ITEM_DR7))
		write_dr7(s->wish[ITEM_DR7]);
	if (s->wished & BIT(ITEM_CR0))
		write_cr0(s->wish[ITEM_CR0]);
	if (s->wished & BIT(ITEM_CR4))
		write_cr4(s->wish[ITEM_CR4]);
	if (s->wished & BIT(ITEM_GDTR_LIMIT)) {
		table = descriptor_gdt_pointer;
		table.limit = (u16)s->wish[ITEM_GDTR_LIMIT];
		__asm__ volatile("lgdt %0" ::"m"(table));
	}
	if (s->wished & BIT(ITEM_IDTR_BASE)) { /* both or neither */
		table.base = s->wish[ITEM_IDTR_BASE];
		table.limit = (u16)s->wish[ITEM_IDTR_LIMIT];
		__asm__ volatile("lidt %0" ::"m"(table));
	}
	if (s->wished & BIT(ITEM_DS))
		__asm__ volatile("mov %0, %%ds" ::"r"((u32)s->wish[ITEM_DS]));
}

static void run_l2(const struct subject *s)
{
	for (;;) {
		set_wishes(s);
		vmcall();
	}
}

static void create(struct subject *s, const struct sharing *sharing)
{
	l2_create(&s->l2, (void (*)(void))run_l2, 0, 0);
	s->l2.regs[REG_RDI] = (u64)s;
	vmx_change(VMCS_EXIT_CONTROLS, sharing->exit, EXIT_CTLS & ~sharing->exit);
	vmx_change(VMCS_ENTRY_CONTROLS, sharing->entry, 0);
	vmx_write(VMCS_GUEST_PAT, rdmsr(MSR_IA32_PAT));
	vmx_write(VMCS_HOST_PAT, rdmsr(MSR_IA32_PAT));
	vmx_write(VMCS_GUEST_EFER, rdmsr(MSR_IA32_EFER));
	vmx_write(VMCS_HOST_EFER, rdmsr(MSR_IA32_EFER));
	for (u32 item = 0; item < ITEMS; item++)
		s->model[item] = vmx_read(fields[item]);
}

static void expect_item(struct subject *s, enum item item)
{
	u64 got = vmx_read(fields[item]);

	if (got == s->model[item])
		return;
	test_fail(__FILE__, __LINE__, "L2 %u, item %u: expected 0x%llx got 0x%llx",
		  (u32)(s - subjects), item, (unsigned long long)s->model[item],
		  (unsigned long long)got);
	s->model[item] = got; /* tell each difference once */
}

static void enter(struct subject *s)
{
	s->wished = (u32)random() & ~not_loaded;
	for (u32 item = 0; item < ITEMS; item++) {
		s->wish[item] = new_value((enum item)item, s->model[item]);
		if (item == ITEM_IDTR_LIMIT)
			s->wished = (s->wished & ~(u32)BIT(item)) |
				    (s->wished & (u32)BIT(ITEM_IDTR_BASE)) << 1;
		if (s->wished & ~not_saved & BIT(item))
			s->model[item] = s->wish[item];
	}
	EXPECT_EQ(l2_enter(&s->l2), EXIT_VMCALL);
	vmx_write(VMCS_GUEST_RIP, vmx_read(VMCS_GUEST_RIP) + vmx_read(VMCS_EXIT_INSN_LEN));
}

static void write_item(struct subject *s, enum item item)
{
	if (item == ITEM_DS)
		return; /* would want its descriptor too */
	s->model[item] = new_value(item, s->model[item]);
	vmx_write(fields[item], s->model[item]);
}

static void clear_and_load(struct subject *s)
{
	EXPECT_OUTCOME(vmx_try_vmclear(s->l2.vmcs), VMSUCCEED);
	s->l2.launched = 0;
	l2_load(&s->l2);
}

static void step(struct subject *s)
{
	switch (random() % 8) {
	case 0:
	case 1:
	case 2:
		enter(s);
		break;
	case 3:
		write_item(s, (enum item)(random() % ITEMS));
		break;
	case 4:
		clear_and_load(s);
		break;
	case 5:
		for (u32 item = 0; item < ITEMS; item++)
			expect_item(s, (enum item)item);
		break;
	default:
		expect_item(s, (enum item)(random() % ITEMS));
		break;
	}
}

/* The exit controls below are at the test's will. */
static bool may_clear(u32 controls)
{
	return !((u32)vmx_capabilities(CONTROL_SET_EXIT) & controls);
}

static void follow(const struct sharing *sharing)
{
	seed = 0x9e3779b97f4a7c15;
	not_saved = (sharing->exit & EXIT_CTL_SAVE_PAT ? 0 : (u32)BIT(ITEM_PAT)) |
		    (sharing->exit & EXIT_CTL_SAVE_DEBUG ? 0 : (u32)BIT(ITEM_DR7)) |
		    (sharing->exit & EXIT_CTL_SAVE_EFER ? 0 : (u32)BIT(ITEM_EFER));
	not_loaded = sharing->entry & ENTRY_CTL_LOAD_EFER ? 0 : (u32)BIT(ITEM_EFER);
	for (u32 i = 0; i < L2S; i++)
		create(&subjects[i], sharing);
	for (u32 i = 0; i < STEPS; i++) {
		struct subject *s = &subjects[random() % L2S];

		if (vmx_current() != s->l2.vmcs)
			l2_load(&s->l2);
		step(s);
	}
	for (u32 i = 0; i < L2S; i++) {
		l2_load(&subjects[i].l2);
		for (u32 item = 0; item < ITEMS; item++)
			expect_item(&subjects[i], (enum item)item);
		l2_destroy(&subjects[i].l2);
	}
}

#define FOLLOW_TEST(name_)                                                                 \
	static const struct sharing sharing_##name_;                                       \
	VMX_TEST(vmx_insn, name_)                                                          \
	{                                                                                  \
		if (!vmx_allows(CONTROL_SET_ENTRY, ENTRY_CTLS) ||                          \
		    !vmx_allows(CONTROL_SET_EXIT, EXIT_CTLS) || !may_clear(EXIT_CTLS))     \
			SKIP("controls of PAT, EFER and the debug registers not offered"); \
		follow(&sharing_##name_);                                                  \
	}                                                                                  \
	static const struct sharing sharing_##name_

/* Expect, in each: whatever L2s change as they run, and L1 by VMWRITE, is what VMREAD finds, with
 * three VMCSs taking turns, cleared or not. */
FOLLOW_TEST(guest_state_follows_a_model_where_all_is_loaded_and_saved) = { ENTRY_CTLS, EXIT_CTLS };
FOLLOW_TEST(guest_state_follows_a_model_where_efer_is_not_loaded) = {
	ENTRY_CTL_LOAD_DEBUG | ENTRY_CTL_LOAD_PAT,
	EXIT_CTL_SAVE_DEBUG | EXIT_CTL_SAVE_PAT | EXIT_CTL_LOAD_PAT,
};
FOLLOW_TEST(guest_state_follows_a_model_where_pat_is_not_saved) = {
	ENTRY_CTLS,
	EXIT_CTLS & ~(u32)EXIT_CTL_SAVE_PAT,
};
FOLLOW_TEST(guest_state_follows_a_model_where_little_is_saved) = {
	ENTRY_CTLS,
	EXIT_CTL_LOAD_PAT | EXIT_CTL_LOAD_EFER,
};
