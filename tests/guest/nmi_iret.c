/* SPDX-License-Identifier: MIT */
/*
 * An IRET that ends an NMI's handler and faults in the hypervisor's own tables on its way: NMIs are
 * still blocked when it runs again. Needs test_calls = on: the handler moves the region that its
 * stack lies in away and back, so nothing maps it when IRET looks there.
 */
#include "tests/guest/lib/apic.h"
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/machine_test.h"
#include "tests/guest/lib/nestor.h"
#include "tests/guest/lib/smp.h"

/* Nothing of the machine is here. */
#define HERE  0xd0000000ULL
#define THERE 0xd1000000ULL
#define BYTES 0x4000ULL

/* Known to the handler below. */
u32 nmi_iret_count;
u64 nmi_iret_second_rip, nmi_iret_destination;

extern const char nmi_iret_handler[], nmi_iret_itself[];

/*
 * The first one asks for a second, which waits, and makes its own stack's page a new one for the
 * hypervisor; the second says where it came. RAX, RBX, RCX, RDX are free where they come.
 */
__asm__(".text\n"
	"nmi_iret_handler:\n\t"
	"incl nmi_iret_count\n\t"
	"cmpl $1, nmi_iret_count\n\t"
	"jne 1f\n\t"
	"movl $0xfee00300, %ebx\n\t"
	"movl nmi_iret_destination, %eax\n\t"
	"movl %eax, 0x10(%rbx)\n\t"
	"movl $0x4400, (%rbx)\n\t"
	"movl $10, %eax\n\t"
	"movl $0xd0000000, %ebx\n\t"
	"movl $0xd1000000, %ecx\n\t"
	"vmcall\n\t"
	"movl $10, %eax\n\t"
	"movl $0xd1000000, %ebx\n\t"
	"movl $0xd0000000, %ecx\n\t"
	"vmcall\n"
	"nmi_iret_itself:\n\t"
	"iretq\n"
	"1:\tmovq (%rsp), %rax\n\t"
	"movq %rax, nmi_iret_second_rip\n\t"
	"iretq\n");
_Static_assert(NESTOR_CALL_REGION_MOVE == 10, "as the handler has it");

/* Ask for the first, with the stack in the region, and wait for both. */
static void take_two_nmis(void)
{
	u64 turns = 10000000;

	__asm__ volatile("movq %%rsp, %%r12\n\t"
			 "movq %[stack], %%rsp\n\t"
			 "movl $0xfee00300, %%ebx\n\t"
			 "movl nmi_iret_destination, %%eax\n\t"
			 "movl %%eax, 0x10(%%rbx)\n\t"
			 "movl $0x4400, (%%rbx)\n"
			 "2:\tpause\n\t"
			 "decq %[turns]\n\t"
			 "jz 3f\n\t"
			 "cmpl $2, nmi_iret_count\n\t"
			 "jb 2b\n"
			 "3:\tmovq %%r12, %%rsp"
			 : [turns] "+r"(turns)
			 : [stack] "r"(HERE + BYTES)
			 : "rax", "rbx", "rcx", "rdx", "r12", "cc", "memory");
}

MACHINE_TEST(nmi, iret_that_faults_in_ept_blocks_on, NEED_XAPIC)
{
	/* Expect: the NMI that waits comes behind the IRET, not at it a second time. */
	TEST_CALLS_REQUIRED();
	EXPECT_EQ(nestor_call(NESTOR_CALL_REGION_ADD, HERE, BYTES, NULL), 0);
	nmi_iret_count = 0;
	nmi_iret_destination = (u64)smp_apic_id(0) << 24;
	descriptor_set_handler(VECTOR_NMI, nmi_iret_handler);
	descriptor_use_nmi_stack(VECTOR_NMI, false);
	take_two_nmis();
	descriptor_use_nmi_stack(VECTOR_NMI, true);
	descriptor_set_handler(VECTOR_NMI, NULL);
	EXPECT_EQ(nestor_call(NESTOR_CALL_REGION_DELETE, HERE, 0, NULL), 0);
	EXPECT_EQ(nmi_iret_count, 2);
	EXPECT(nmi_iret_second_rip != (u64)nmi_iret_itself);
}
