/* SPDX-License-Identifier: MIT */
/* I/O instructions of an L2: unconditional exits and I/O bitmaps, and what the exits tell (SDM
 * "Exit Qualification for I/O Instructions"). */
#include "hv/msr_index.h"
#include "tests/guest/lib/com1.h"
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/memory.h"
#include "tests/guest/lib/paging.h"
#include "tests/guest/lib/vmx_l2.h"
#include "vmx/access_rights.h"
#include "vmx/qualification.h"

#define IO_IMMEDIATE         (1u << 6)
#define IO(bytes, port)      (((bytes)-1) | (u32)(port) << 16)
#define PORT                 0x80u
#define INFO_ADDRESS(bits)   ((u32)(bits) / 32 << 7) /* 16, 32 or 64 */
#define INFO_ADDRESS_MASK    (7u << 7)
#define INFO_SEGMENT(number) ((u32)(number) << 15)
#define INFO_SEGMENT_MASK    (7u << 15)

L2_CODE(out_imm, "out %al, $0x80");
L2_CODE(in_imm, "in $0x80, %al");
L2_CODE(out_dx8, "out %al, %dx");
L2_CODE(out_dx16, "out %ax, %dx");
L2_CODE(out_dx32, "out %eax, %dx");
L2_CODE(in_dx8, "in %dx, %al");
L2_CODE(in_dx16, "in %dx, %ax");
L2_CODE(in_dx32, "in %dx, %eax");
L2_CODE(outs8, "outsb");
L2_CODE(outs32_fs, "outsl %fs:(%rsi), %dx");
L2_CODE(outs16_small, "outsw (%esi), %dx");
L2_CODE(ins16, "insw");
L2_CODE(rep_outs8, "rep outsb");
L2_CODE(rep_ins32, "rep insl");

struct io_case {
	const char *code, *end;
	u64 qualification;
};

#define IO_CASE(code, qualification)              \
	{                                         \
		code, code##_end, (qualification) \
	}

static const struct io_case plain[] = {
	IO_CASE(out_imm, IO(1, 0x80) | IO_IMMEDIATE),
	IO_CASE(in_imm, IO(1, 0x80) | IO_IMMEDIATE | QUALIFICATION_IN),
	IO_CASE(out_dx8, IO(1, PORT)),
	IO_CASE(out_dx16, IO(2, PORT)),
	IO_CASE(out_dx32, IO(4, PORT)),
	IO_CASE(in_dx8, IO(1, PORT) | QUALIFICATION_IN),
	IO_CASE(in_dx16, IO(2, PORT) | QUALIFICATION_IN),
	IO_CASE(in_dx32, IO(4, PORT) | QUALIFICATION_IN),
};

static struct l2 *l2_io(const char *code, u16 port)
{
	struct l2 *l2 = l2_new(code);

	control_on(CONTROL_SET_CPU, CPU_UNCOND_IO);
	l2->regs[RDX] = port;
	l2->regs[RSI] = l2->regs[RDI] = vmx_page();
	return l2;
}

VMX_TEST(vmx_exit, io_tells_size_direction_and_port, 0)
{
	/* Expect: IN and OUT of 1, 2 and 4 bytes, port by DX and as immediate; RAX untouched. */
	NEEDS_CONTROL(CONTROL_SET_CPU, CPU_UNCOND_IO);
	for (size_t i = 0; i < ARRAY_SIZE(plain); i++) {
		struct l2 *l2 = l2_io(plain[i].code, PORT);

		l2->regs[RAX] = 0xa5a5a5a5a5ULL;
		EXPECT_EQ(l2_enter(l2), EXIT_IO);
		EXPECT_FIELD(EXIT_QUALIFICATION, plain[i].qualification);
		EXPECT_FIELD(GUEST_RIP, (u64)plain[i].code);
		EXPECT_FIELD(EXIT_INSN_LEN, plain[i].end - plain[i].code);
		EXPECT_EQ(l2->regs[RAX], 0xa5a5a5a5a5ULL);
	}
}

/* What of the instruction information of INS and OUTS has a meaning: the segment only of OUTS. */
static void expect_string(const struct io_case *c, u32 info, u32 mask)
{
	struct l2 *l2 = l2_io(c->code, PORT);

	l2->regs[RCX] = 3;
	EXPECT_EQ(l2_enter(l2), EXIT_IO);
	EXPECT_FIELD(EXIT_QUALIFICATION, c->qualification);
	EXPECT_FIELD(GUEST_RIP, (u64)c->code);
	EXPECT_FIELD(EXIT_INSN_LEN, c->end - c->code);
	EXPECT_FIELD(GUEST_LINEAR_ADDR, l2->regs[RSI]);
	EXPECT_EQ(l2->regs[RCX], 3);
	if (rdmsr(MSR_IA32_VMX_BASIC) & BIT(54))
		EXPECT_EQ(vmx_read(VMCS_EXIT_INSN_INFO) & mask, info);
}

VMX_TEST(vmx_exit, outs_tells_where_it_reads, 0)
{
	/* Expect: string, REP, address size, segment, linear address; RCX and RSI untouched. */
	static const struct io_case once = IO_CASE(outs8, IO(1, PORT) | QUALIFICATION_STRING);
	static const struct io_case small =
		IO_CASE(outs16_small, IO(2, PORT) | QUALIFICATION_STRING);
	static const struct io_case again =
		IO_CASE(rep_outs8, IO(1, PORT) | QUALIFICATION_STRING | QUALIFICATION_REP);
	u32 mask = INFO_ADDRESS_MASK | INFO_SEGMENT_MASK;

	NEEDS_CONTROL(CONTROL_SET_CPU, CPU_UNCOND_IO);
	expect_string(&once, INFO_ADDRESS(64) | INFO_SEGMENT(SEGMENT_DS), mask);
	expect_string(&small, INFO_ADDRESS(32) | INFO_SEGMENT(SEGMENT_DS), mask);
	expect_string(&again, INFO_ADDRESS(64) | INFO_SEGMENT(SEGMENT_DS), mask);
}

VMX_TEST(vmx_exit, ins_tells_where_it_writes, 0)
{
	/* Expect: string, REP, address size and linear address; nothing is written. */
	static const struct io_case once =
		IO_CASE(ins16, IO(2, PORT) | QUALIFICATION_STRING | QUALIFICATION_IN);
	static const struct io_case again =
		IO_CASE(rep_ins32,
			IO(4, PORT) | QUALIFICATION_STRING | QUALIFICATION_IN | QUALIFICATION_REP);

	NEEDS_CONTROL(CONTROL_SET_CPU, CPU_UNCOND_IO);
	expect_string(&once, INFO_ADDRESS(64), INFO_ADDRESS_MASK);
	expect_string(&again, INFO_ADDRESS(64), INFO_ADDRESS_MASK);
}

VMX_TEST(vmx_exit, outs_through_fs_adds_its_base, 0)
{
	/* Expect: segment FS, and its base in the linear address. */
	struct l2 *l2;

	NEEDS_CONTROL(CONTROL_SET_CPU, CPU_UNCOND_IO);
	l2 = l2_io(outs32_fs, PORT);
	vmx_write(VMCS_GUEST_BASE_FS, 0x10000);
	l2->regs[RSI] = 0x234;
	EXPECT_EQ(l2_enter(l2), EXIT_IO);
	EXPECT_FIELD(EXIT_QUALIFICATION, IO(4, PORT) | QUALIFICATION_STRING);
	EXPECT_FIELD(GUEST_LINEAR_ADDR, 0x10234);
	if (rdmsr(MSR_IA32_VMX_BASIC) & BIT(54))
		EXPECT_EQ(vmx_read(VMCS_EXIT_INSN_INFO) & INFO_SEGMENT_MASK,
			  INFO_SEGMENT(SEGMENT_FS));
}

VMX_TEST(vmx_exit, string_io_exits_before_a_page_fault, 0)
{
	/* Expect: where the operand's page is missing, the exit comes first. */
	struct l2 *l2;

	NEEDS_CONTROL(CONTROL_SET_CPU, CPU_UNCOND_IO);
	l2 = l2_io(outs8, PORT);
	l2->regs[RSI] = PAGING_TEST_VA + 0x777000;
	EXPECT_EQ(l2_enter(l2), EXIT_IO);
	EXPECT_FIELD(GUEST_LINEAR_ADDR, PAGING_TEST_VA + 0x777000);
	control_off(CONTROL_SET_CPU, CPU_UNCOND_IO);
	EXPECT_EQ(l2_enter(l2), EXIT_EXCEPTION_NMI);
	EXPECT_FIELD(EXIT_INTR_INFO, FAULT_INFO(VECTOR_PF) | INTR_INFO_ERROR_CODE);
}

/* --- bitmaps --- */
/* All ports are L2's. */
static struct l2 *l2_with_bitmaps(const char *code, u16 port, u64 bitmap[2])
{
	struct l2 *l2 = l2_io(code, port);

	bitmap[0] = vmx_page();
	bitmap[1] = vmx_page();
	vmx_write(VMCS_IO_BITMAP_A, bitmap[0]);
	vmx_write(VMCS_IO_BITMAP_B, bitmap[1]);
	control_on(CONTROL_SET_CPU, CPU_IO_BITMAPS);
	return l2;
}

static void intercept(const u64 bitmap[2], u16 port)
{
	((u8 *)bitmap[port >> 15])[(port & 0x7fff) / 8] |= (u8)(1u << port % 8);
}

/* Whether an access exits when only this port's bit is set. */
static void expect_with_bit(const char *code, u16 port, u16 bit, u32 reason)
{
	u64 bitmap[2];
	struct l2 *l2 = l2_with_bitmaps(code, port, bitmap);

	intercept(bitmap, bit);
	EXPECT_EQ(l2_enter(l2), reason);
	EXPECT_EQ(QUALIFICATION_PORT(vmx_read(VMCS_EXIT_QUALIFICATION)),
		  reason == EXIT_IO ? port : 0);
}

VMX_TEST(vmx_exit, io_bitmaps_decide_port_by_port, 0)
{
	/* Expect: an exit where the port's bit is set, in either bitmap; none for a neighbour. */
	static const u16 ports[] = { 0x80, 0x6f1, 0x7ffe, 0x8001, 0xc0de, 0xfff0 };

	NEEDS_CONTROL(CONTROL_SET_CPU, CPU_IO_BITMAPS);
	for (size_t i = 0; i < ARRAY_SIZE(ports); i++) {
		expect_with_bit(in_dx8, ports[i], ports[i], EXIT_IO);
		expect_with_bit(in_dx8, ports[i], (u16)(ports[i] - 1), EXIT_VMCALL);
		expect_with_bit(in_dx8, ports[i], (u16)(ports[i] + 1), EXIT_VMCALL);
	}
}

VMX_TEST(vmx_exit, wide_io_exits_by_any_of_its_ports, 0)
{
	/* Expect: each of the ports that an access covers counts, the ones beside it don't; across
	 * the two bitmaps, too. */
	static const u16 ports[] = { 0x6f0, 0x6f3, 0x7ffc, 0x7ffe };

	NEEDS_CONTROL(CONTROL_SET_CPU, CPU_IO_BITMAPS);
	for (size_t i = 0; i < ARRAY_SIZE(ports); i++) {
		for (u16 j = 0; j < 4; j++)
			expect_with_bit(in_dx32, ports[i], (u16)(ports[i] + j), EXIT_IO);
		expect_with_bit(in_dx32, ports[i], (u16)(ports[i] + 4), EXIT_VMCALL);
		expect_with_bit(in_dx16, ports[i], (u16)(ports[i] + 1), EXIT_IO);
		expect_with_bit(in_dx16, ports[i], (u16)(ports[i] + 2), EXIT_VMCALL);
	}
}

VMX_TEST(vmx_exit, io_that_wraps_around_exits, 0)
{
	/* Expect: an access over port FFFFh exits though no bit is set. */
	u64 bitmap[2];

	NEEDS_CONTROL(CONTROL_SET_CPU, CPU_IO_BITMAPS);
	EXPECT_EQ(l2_enter(l2_with_bitmaps(in_dx16, 0xffff, bitmap)), EXIT_IO);
	EXPECT_FIELD(EXIT_QUALIFICATION, IO(2, 0xffff) | QUALIFICATION_IN);
	EXPECT_EQ(l2_enter(l2_with_bitmaps(in_dx32, 0xfffd, bitmap)), EXIT_IO);
	EXPECT_FIELD(EXIT_QUALIFICATION, IO(4, 0xfffd) | QUALIFICATION_IN);
	EXPECT_EQ(l2_enter(l2_with_bitmaps(in_dx8, 0xffff, bitmap)), EXIT_VMCALL);
}

VMX_TEST(vmx_exit, io_bitmaps_override_unconditional_exits, 0)
{
	/* Expect: with both controls the bitmaps decide; without bitmaps the access exits. */
	u64 bitmap[2];
	struct l2 *l2;

	NEEDS_CONTROL(CONTROL_SET_CPU, CPU_IO_BITMAPS | CPU_UNCOND_IO);
	l2 = l2_with_bitmaps(out_imm, PORT, bitmap);
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	control_off(CONTROL_SET_CPU, CPU_IO_BITMAPS);
	EXPECT_EQ(l2_enter_at(l2, out_imm), EXIT_IO);
}

VMX_TEST(vmx_exit, a_bit_set_later_counts, 0)
{
	/* Expect: the bitmaps are read when L2 runs: a bit set between two entries makes the second
	 * access exit, and one that is cleared lets the third through. */
	u64 bitmap[2];
	struct l2 *l2;

	NEEDS_CONTROL(CONTROL_SET_CPU, CPU_IO_BITMAPS);
	l2 = l2_with_bitmaps(out_imm, PORT, bitmap);
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	intercept(bitmap, PORT);
	EXPECT_EQ(l2_enter_at(l2, out_imm), EXIT_IO);
	((u8 *)bitmap[0])[PORT / 8] = 0;
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
}

L2_CODE(scratch_round, "mov $0x3c, %al; out %al, %dx; xor %eax, %eax; in %dx, %al");
L2_CODE(rep_outs_then_ins, "mov $3, %ecx; rep outsb; mov $5, %ecx; rep insb");

VMX_TEST(vmx_exit, io_without_exits_reaches_the_device, NEED_COM1)
{
	/* Expect: what L2 writes to a UART's scratch register is what L1 finds there. */
	struct l2 *l2 = l2_new(scratch_round);

	l2->regs[RDX] = COM1_SCRATCH;
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	EXPECT_EQ(l2->regs[RAX], 0x3c);
	EXPECT_EQ(in8(COM1_SCRATCH), 0x3c);
}

VMX_TEST(vmx_exit, string_io_without_exits_reaches_the_device, NEED_COM1)
{
	/* Expect: REP OUTS leaves its last byte there, REP INS reads it as often as RCX says,
	 * over a page's end, and all three registers count. */
	struct l2 *l2 = l2_new(rep_outs_then_ins);
	u64 source = vmx_page(), target = vmx_page();

	((u8 *)source)[2] = 0x77;
	l2->regs[RDX] = COM1_SCRATCH;
	l2->regs[RSI] = source;
	l2->regs[RDI] = target + 0x100;
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	EXPECT_EQ(l2->regs[RSI], source + 3);
	EXPECT_EQ(l2->regs[RDI], target + 0x105);
	EXPECT_EQ(l2->regs[RCX], 0);
	EXPECT_EQ(*(u64 *)(target + 0x100), 0x7777777777ULL);
}
