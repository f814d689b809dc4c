/* SPDX-License-Identifier: MIT */
/* Blocking by NMI in VMX operation: whose it is, and what ends it. */
#include "hv/msr_index.h"
#include "tests/guest/lib/apic.h"
#include "tests/guest/lib/machine.h"
#include "tests/guest/lib/machine_test.h"
#include "tests/guest/lib/vmx.h"
#include "vmx/event.h"

#define VIRTUAL_NMIS (PIN_NMI_EXITING | PIN_VIRTUAL_NMI)
#define INJECT_NMI   (INTR_INFO_VALID | (u32)INTR_NMI << 8 | VECTOR_NMI)

static bool in_l2;

/* What L2s run. */
static void nmi_then_call(void)
{
	apic_nmi_to_self();
	vmcall_for_ever();
}

static void iret_then_call(void)
{
	unblock_nmi();
	vmcall_for_ever();
}

/* An NMI's handler in L2 that tells, and does not end until it is entered again. */
static void call_in_l2(struct trap_frame *frame)
{
	(void)frame;
	if (in_l2)
		vmcall();
}

static u32 enter(struct l2 *l2)
{
	u32 reason;

	in_l2 = true;
	reason = l2_enter(l2);
	in_l2 = false;
	return reason;
}

static u32 blocked_by_nmi(void)
{
	return vmx_read(VMCS_GUEST_INTERRUPTIBILITY) & BLOCKED_BY_NMI;
}

static const char *lacks_virtual_nmis(void)
{
	const char *why = vmx_lacks();

	if (!why && !vmx_allows(CONTROL_SET_PIN, VIRTUAL_NMIS))
		why = "no virtual NMIs";
	return why;
}

/* An L2 that stands in its NMI handler, its VMCS current. */
static void create_in_nmi_handler(struct l2 *l2)
{
	irq_set(VECTOR_NMI, IRQ_ACK_NONE, call_in_l2);
	l2_create(l2, vmcall_for_ever, VIRTUAL_NMIS, 0);
	vmx_write(VMCS_ENTRY_INTR_INFO, INJECT_NMI);
	EXPECT_EQ(enter(l2), EXIT_VMCALL);
	EXPECT_EQ(irq_count(VECTOR_NMI), 1);
	EXPECT_EQ(blocked_by_nmi(), BLOCKED_BY_NMI);
}

#define VMX_NMI_TEST(name_, needs_)                     \
	static void vmx_body_##name_(void);             \
	MACHINE_TEST(vmx, name_, NEED_APIC | (needs_))  \
	{                                               \
		const char *why = lacks_virtual_nmis(); \
                                                        \
		if (why)                                \
			SKIP(why);                      \
		vmx_on();                               \
		vmx_body_##name_();                     \
		vmx_off();                              \
	}                                               \
	static void vmx_body_##name_(void)

VMX_NMI_TEST(virtual_nmi_blocks_until_iret, 0)
{
	/* Expect: an NMI that is injected blocks; the handler's IRET ends it, which the NMI window
	 * tells. */
	struct l2 l2;

	create_in_nmi_handler(&l2);
	vmx_change(VMCS_CPU_CONTROLS, CPU_NMI_WINDOW, 0);
	vmx_write(VMCS_GUEST_RIP, vmx_read(VMCS_GUEST_RIP) + 3);
	EXPECT_EQ(enter(&l2), EXIT_NMI_WINDOW);
	EXPECT_EQ(blocked_by_nmi(), 0);
	l2_destroy(&l2);
}

VMX_NMI_TEST(virtual_nmi_blocking_is_the_vmcs_own, 0)
{
	/* Expect: while one L2 stands in its NMI handler, another whose VMCS shows no blocking has
	 * its NMI window open. */
	struct l2 blocked, open;
	u32 reason;

	create_in_nmi_handler(&blocked);
	l2_create(&open, vmcall_for_ever, VIRTUAL_NMIS, CPU_NMI_WINDOW);
	reason = enter(&open);
	l2_destroy(&open);
	l2_load(&blocked);
	l2_destroy(&blocked);
	unblock_nmi();
	if (machine_is_bochs() && reason == EXIT_VMCALL)
		SKIP("Bochs 2.7 keeps virtual-NMI blocking in the CPU: the window stays shut");
	EXPECT_EQ(reason, EXIT_NMI_WINDOW);
}

VMX_NMI_TEST(an_iret_in_any_l2_opens_the_window, 0)
{
	/* Expect: after an L2 was in its NMI handler, a third one executes IRET, then a second has
	 * its NMI window open. */
	struct l2 blocked, open, scrub;

	create_in_nmi_handler(&blocked);
	l2_create(&scrub, iret_then_call, VIRTUAL_NMIS, 0);
	EXPECT_EQ(enter(&scrub), EXIT_VMCALL);
	EXPECT_EQ(blocked_by_nmi(), 0);
	l2_create(&open, vmcall_for_ever, VIRTUAL_NMIS, CPU_NMI_WINDOW);
	EXPECT_EQ(enter(&open), EXIT_NMI_WINDOW);
	l2_destroy(&open);
	l2_load(&scrub);
	l2_destroy(&scrub);
	l2_load(&blocked);
	l2_destroy(&blocked);
}

VMX_NMI_TEST(nmi_exit_leaves_l2_unblocked, 0)
{
	/* Expect: an NMI that exits does not block L2's virtual NMIs. */
	struct l2 l2;
	u32 reason, blocked;

	l2_create(&l2, nmi_then_call, VIRTUAL_NMIS, 0);
	reason = enter(&l2);
	blocked = blocked_by_nmi();
	unblock_nmi();
	l2_destroy(&l2);
	EXPECT_EQ(reason, EXIT_EXCEPTION_NMI);
	EXPECT_EQ(irq_count(VECTOR_NMI), 0);
	if (machine_is_bochs() && blocked)
		SKIP("Bochs 2.7 saves L2 as blocked by NMI at every NMI exit");
	EXPECT_EQ(blocked, 0);
}

VMX_NMI_TEST(nmi_exit_blocks_root_until_iret, 0)
{
	/* Expect: after an NMI exit, NMIs wait in root operation; an IRET lets the next one in. */
	struct l2 l2;

	l2_create(&l2, nmi_then_call, VIRTUAL_NMIS, 0);
	EXPECT_EQ(enter(&l2), EXIT_EXCEPTION_NMI);
	apic_nmi_to_self();
	EXPECT_EQ(irq_count(VECTOR_NMI), 0);
	unblock_nmi();
	EXPECT_EQ(irq_count(VECTOR_NMI), 1);
	l2_destroy(&l2);
}

/* The second one comes to an L2 that is entered while L1 is blocked by the first. */
static void expect_nmi_after_nmi_to_exit(u32 pin)
{
	struct l2 first, second;
	u32 reason;

	l2_create(&first, nmi_then_call, pin, 0);
	EXPECT_EQ(enter(&first), EXIT_EXCEPTION_NMI);
	l2_create(&second, nmi_then_call, pin, 0);
	reason = enter(&second);
	l2_destroy(&second);
	l2_load(&first);
	l2_destroy(&first);
	irq_set(VECTOR_NMI, IRQ_ACK_NONE, NULL);
	unblock_nmi();
	if (machine_is_bochs() && reason == EXIT_VMCALL)
		SKIP("Bochs 2.7 never unmasks NMIs at an entry");
	EXPECT_EQ(reason, EXIT_EXCEPTION_NMI);
}

VMX_NMI_TEST(entry_lets_nmis_exit, 0)
{
	/* Expect: after an NMI exit without an IRET, an NMI that comes in L2 exits again. */
	expect_nmi_after_nmi_to_exit(VIRTUAL_NMIS);
}

/* --- NMIs that exit, and are not virtual --- */
static void nmi_iret_nmi_then_call(void)
{
	apic_nmi_to_self();
	unblock_nmi();
	apic_nmi_to_self();
	vmcall_for_ever();
}

/* L2 begins with this field and so many NMIs of its own; it ends blocked, and so is L1 then. */
static void expect_blocked_to_the_end(enum vmcs_field field, u64 value, u32 own)
{
	struct l2 l2;
	u32 reason, blocked;

	l2_create(&l2, nmi_iret_nmi_then_call, PIN_NMI_EXITING, 0);
	vmx_write(field, value);
	reason = enter(&l2);
	blocked = blocked_by_nmi();
	EXPECT_EQ(irq_count(VECTOR_NMI), own);
	unblock_nmi();
	EXPECT_EQ(reason, EXIT_VMCALL);
	EXPECT_EQ(blocked, BLOCKED_BY_NMI);
	EXPECT_EQ(irq_count(VECTOR_NMI), own + 1);
	l2_destroy(&l2);
}

VMX_NMI_TEST(iret_unblocks_no_nmi_that_exits, 0)
{
	/* Expect: L2 that is entered with NMIs blocked stays so through its IRETs, and so is L1
	 * then; an NMI that came meanwhile waits for L1's IRET. */
	expect_blocked_to_the_end(VMCS_GUEST_INTERRUPTIBILITY, BLOCKED_BY_NMI, 0);
}

VMX_NMI_TEST(injected_nmi_blocks_nmis_that_exit, 0)
{
	/* Expect: so does an NMI that the entry injects, from its handler's IRET on. */
	expect_blocked_to_the_end(VMCS_ENTRY_INTR_INFO, INJECT_NMI, 1);
}

VMX_NMI_TEST(nmi_exits_where_l2_is_not_blocked, 0)
{
	/* Expect: the exit, also of an L1 whose own NMIs were blocked: the entry says what
	 * counts. */
	expect_nmi_after_nmi_to_exit(PIN_NMI_EXITING);
}
