/* SPDX-License-Identifier: MIT */
/*
 * An IRET that ends an NMI's handler and finds the CPU's log of pages full on its way: it sets the
 * accessed flag of the code segment that it returns to, in a GDT in memory that logs writes. NMIs
 * are still blocked when it runs again. Needs test_calls = on.
 */
#include "hv/string.h"
#include "tests/guest/lib/apic.h"
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/descriptors.h"
#include "tests/guest/lib/machine_test.h"
#include "tests/guest/lib/regions.h"
#include "tests/guest/lib/smp.h"

#define PAGES        520u
#define LOG_ENTRIES  512u /* of the CPU */
#define EXIT_LOG_END 62u
#define RETURN_CS    (8u * GDT_ENTRIES) /* one more than the library has */
#define ACCESSED     BIT(40)
#define TURNS        1000000u

/* Known to the handler below. */
u32 log_nmi_count, log_nmi_destination;
u64 log_nmi_second_rip;

extern const char log_nmi_handler[], log_nmi_iret[];

/*
 * The first one asks for a second, which waits, and stores to page 512 of the region; the second
 * says where it came. No exit is between that store and IRET, but perhaps a full log's.
 */
__asm__(".text\n"
	"log_nmi_handler:\n\t"
	"pushq %rax\n\t"
	"pushq %rbx\n\t"
	"incl log_nmi_count\n\t"
	"cmpl $1, log_nmi_count\n\t"
	"jne 1f\n\t"
	"movl $0xfee00300, %ebx\n\t"
	"movl log_nmi_destination, %eax\n\t"
	"movl %eax, 0x10(%rbx)\n\t"
	"movl $0x4400, (%rbx)\n\t"
	"movl %eax, -8(%rsp)\n\t"
	"movl $0xd0200000, %ebx\n\t"
	"movl %eax, (%rbx)\n\t"
	"jmp 2f\n"
	"1:\tmovq 16(%rsp), %rax\n\t"
	"movq %rax, log_nmi_second_rip\n"
	"2:\tpopq %rbx\n\t"
	"popq %rax\n"
	"log_nmi_iret:\n\t"
	"iretq\n");

static void load_cs(u64 selector)
{
	__asm__ volatile("pushq %0\n\t"
			 "leaq 1f(%%rip), %%rax\n\t"
			 "pushq %%rax\n\t"
			 "lretq\n"
			 "1:" ::"r"(selector)
			 : "rax", "memory");
}

static void store(u64 page)
{
	*(volatile u64 *)(REGION_HERE + page * PAGE_SIZE) = page;
}

/* A copy of the GDT in page 0; CS has a segment that no other has. */
static void enter_gdt(void)
{
	u64 *gdt = (u64 *)REGION_HERE;

	memcpy(gdt, (const void *)descriptor_gdt_pointer.base, descriptor_gdt_pointer.limit + 1u);
	gdt[KERNEL_CS / 8] |= ACCESSED;
	gdt[KERNEL_DS / 8] |= ACCESSED;
	gdt[GDT_ENTRIES] = gdt[KERNEL_CS / 8];
	load_gdt(gdt, descriptor_gdt_pointer.limit + 8u);
	load_cs(RETURN_CS);
}

static void leave_gdt(void)
{
	load_cs(KERNEL_CS);
	load_gdt((const void *)descriptor_gdt_pointer.base, descriptor_gdt_pointer.limit);
}

static void make_clean(void)
{
	static u64 bits[(PAGES + 63) / 64];

	EXPECT_EQ(dirty_log(REGION_HERE, bits, sizeof(bits), NULL), 0);
}

/*
 * The CPU's log is full but for a few entries, and pages 0 and 512 are clean. False: it has no log.
 * The store that finds it full is logged next; on Bochs 2.7 any write finds it full.
 */
static bool fill_log(u64 stores)
{
	u64 exits = nestor_exit_count(EXIT_LOG_END);

	make_clean();
	for (u64 page = 1; nestor_exit_count(EXIT_LOG_END) == exits; page++) {
		if (page == PAGES)
			return false;
		store(page);
	}
	((u64 *)REGION_HERE)[GDT_ENTRIES] &= ~ACCESSED;
	make_clean();
	for (u64 page = 1; page <= stores; page++)
		store(page);
	return true;
}

static void take_two_nmis(void)
{
	log_nmi_count = 0;
	log_nmi_second_rip = 0;
	apic_send(smp_apic_id(0), APIC_ICR_NMI | APIC_ICR_ASSERT);
	for (u32 i = 0; i < TURNS && READ_ONCE(log_nmi_count) < 2; i++)
		cpu_pause();
	EXPECT_EQ(log_nmi_count, 2);
	EXPECT(log_nmi_second_rip != (u64)log_nmi_iret);
}

MACHINE_TEST(dirty_log, iret_that_finds_the_log_full_blocks_nmis_on, NEED_XAPIC)
{
	/* Expect: the NMI that waits comes behind the IRET, not at it a second time, whatever write
	 * around it finds the log full. */
	u64 stores = LOG_ENTRIES - 4;

	TEST_CALLS_REQUIRED();
	EXPECT_EQ(nestor_call3(NESTOR_CALL_REGION_ADD, REGION_HERE, PAGES * PAGE_SIZE,
			       NESTOR_REGION_LOG_DIRTY),
		  0);
	for (u64 page = 0; page < PAGES; page++)
		store(page);
	enter_gdt();
	log_nmi_destination = smp_apic_id(0) << 24;
	descriptor_set_handler(VECTOR_NMI, log_nmi_handler);
	descriptor_use_nmi_stack(VECTOR_NMI, false);
	for (; stores < LOG_ENTRIES && fill_log(stores); stores++)
		take_two_nmis();
	if (stores < LOG_ENTRIES)
		test_skip("the CPU logs nothing by itself");
	descriptor_use_nmi_stack(VECTOR_NMI, true);
	descriptor_set_handler(VECTOR_NMI, NULL);
	leave_gdt();
	EXPECT_EQ(region_delete(REGION_HERE), 0);
}
