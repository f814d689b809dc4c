/* SPDX-License-Identifier: MIT */
/* Lists of MSRs of an exit from an L2 that halts: they are this CPU's, whoever shares it. */
#include "hv/msr_index.h"
#include "hv/x86.h"
#include "tests/guest/lib/apic.h"
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/vmx_smp.h"

#define OTHER  1u
#define VECTOR 0x51u
#define LISTEN 1000000ULL /* several turns of a CPU that is shared */
#define BASE_0 0x2222000ULL
#define BASE_1 0x1111000ULL
#define LOADED 0x3333000ULL

struct msr_entry {
	u64 index, value;
};

L2_CODE(hlt_insn, "incq (%rdi); hlt");

static struct {
	struct l2 *l2;
	u32 reason;
	u64 found;
} there;

static void halt_there(void *unused)
{
	(void)unused;
	wrmsr(MSR_IA32_KERNEL_GS_BASE, BASE_1);
	l2_arrive(there.l2);
	there.reason = l2_enter(there.l2);
	there.found = rdmsr(MSR_IA32_KERNEL_GS_BASE);
	irq_window();
	l2_clear(there.l2);
}

VMX_TEST(vmx_smp, lists_of_a_halted_l2_are_its_own_cpus, NEED_CPUS_2)
{
	/* Expect: the interrupt that ends the halt stores CPU 1's KERNEL_GS_BASE and loads another;
	 * CPU 0, which runs meanwhile, keeps its own. */
	struct msr_entry *list = (struct msr_entry *)vmx_page();
	volatile u64 *began = (volatile u64 *)vmx_page();
	u64 before = rdmsr(MSR_IA32_KERNEL_GS_BASE), start;

	NEEDS_CONTROL(CONTROL_SET_PIN, PIN_EXT_INT_EXITING);
	NEEDS_CONTROL_OFF(CONTROL_SET_CPU, CPU_HLT_EXITING);
	list[0] = (struct msr_entry){ MSR_IA32_KERNEL_GS_BASE, 0 };
	list[1] = (struct msr_entry){ MSR_IA32_KERNEL_GS_BASE, LOADED };
	there.l2 = l2_new(hlt_insn);
	there.l2->regs[RDI] = (u64)began;
	control_on(CONTROL_SET_PIN, PIN_EXT_INT_EXITING);
	vmx_change(VMCS_GUEST_RFLAGS, RFLAGS_IF, 0);
	vmx_write(VMCS_EXIT_MSR_STORE_ADDR, (u64)&list[0]);
	vmx_write(VMCS_EXIT_MSR_STORE_COUNT, 1);
	vmx_write(VMCS_EXIT_MSR_LOAD_ADDR, (u64)&list[1]);
	vmx_write(VMCS_EXIT_MSR_LOAD_COUNT, 1);
	l2_clear(there.l2);
	EXPECT(vmx_smp_on(OTHER));
	wrmsr(MSR_IA32_KERNEL_GS_BASE, BASE_0);
	smp_start(OTHER, halt_there, NULL);
	start = rdtsc();
	while (!*began || rdtsc() - start < LISTEN)
		cpu_pause();
	apic_send(smp_apic_id(OTHER), APIC_ICR_ASSERT | VECTOR);
	EXPECT(smp_finish(OTHER));
	EXPECT_EQ(rdmsr(MSR_IA32_KERNEL_GS_BASE), BASE_0);
	wrmsr(MSR_IA32_KERNEL_GS_BASE, before);
	EXPECT_EQ(there.reason, EXIT_EXTERNAL_INTERRUPT);
	EXPECT_EQ(list[0].value, BASE_1);
	EXPECT_EQ(there.found, LOADED);
	EXPECT_EQ(irq_count_on(OTHER, VECTOR), 1);
	EXPECT(vmx_smp_off(OTHER));
}
