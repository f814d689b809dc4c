/* SPDX-License-Identifier: MIT */
/*
 * Instructions carried out by us and by the CPU that runs this test: registers, memory and flags
 * must be the same afterwards, for operands at the edges and for random ones. What only other kinds
 * of code have (16-bit and 32-bit addresses) is computed by hand.
 */
#include <stdio.h>
#include <sys/mman.h>
#include "hv/msr_index.h"
#include "unit.h"
#include "vmx/mmio_execute.h"

#define STATUS 0x8d5ULL /* CF PF AF ZF SF OF */

enum { AX, CX, DX, BX, SP, BP, SI, DI };

struct state {
	u64 regs[16]; /* RAX, RCX, RDX, RBX and R8 are the instruction's; RSI points to memory */
	u64 rflags;
	u64 memory;
};

static u8 *code_page;

/* Run one instruction and RET. The stack's red zone is kept. */
static void run_native(struct state *s, const char *bytes, u32 count)
{
	u64 *memory = &s->memory;

	memcpy(code_page, bytes, count);
	code_page[count] = 0xc3;
	register u64 r8 __asm__("r8") = s->regs[8];

	__asm__ volatile("lea -128(%%rsp), %%rsp\n\t"
			 "push %[flags]\n\t"
			 "popf\n\t"
			 "call *%[code]\n\t"
			 "pushf\n\t"
			 "pop %[flags]\n\t"
			 "lea 128(%%rsp), %%rsp"
			 : "+a"(s->regs[AX]), "+c"(s->regs[CX]), "+d"(s->regs[DX]),
			   "+b"(s->regs[BX]), "+r"(r8), [flags] "+&D"(s->rflags)
			 : [code] "r"(code_page), "S"(memory)
			 : "cc", "memory");
	s->regs[8] = r8;
}

static void run_ours(struct state *s, const char *bytes, u32 count)
{
	struct mmio_insn insn;
	u64 old = 0, value;

	assert_int_equal(mmio_decode(&insn, MMIO_CODE_64, (const u8 *)bytes, count), MMIO_DECODED);
	assert_int_equal(mmio_linear(&insn, s->regs, 0, 0), s->regs[SI]);
	if (mmio_reads(&insn))
		memcpy(&old, &s->memory, insn.bytes);
	if (mmio_writes(&insn)) {
		value = mmio_store_value(&insn, s->regs, old);
		assert_int_equal(value & ~mmio_mask(insn.bytes), 0);
		memcpy(&s->memory, &value, insn.bytes);
	}
	if (mmio_reads(&insn))
		mmio_finish_read(&insn, s->regs, &s->rflags, old);
}

struct row {
	const char *name;
	const char *bytes;
	u32 count;
	bool undefined_af;
};

#define ROW(name_, bytes_)                               \
	{                                                \
		name_, bytes_, sizeof(bytes_) - 1, false \
	}
#define LOGIC(name_, bytes_)                            \
	{                                               \
		name_, bytes_, sizeof(bytes_) - 1, true \
	}

static const struct row rows[] = {
	ROW("mov [rsi], al", "\x88\x06"),
	ROW("mov [rsi], bh", "\x88\x3e"),
	ROW("mov [rsi], r8b", "\x44\x88\x06"),
	ROW("mov [rsi], cx", "\x66\x89\x0e"),
	ROW("mov [rsi], ecx", "\x89\x0e"),
	ROW("mov [rsi], rcx", "\x48\x89\x0e"),
	ROW("mov al, [rsi]", "\x8a\x06"),
	ROW("mov dh, [rsi]", "\x8a\x36"),
	ROW("mov r8b, [rsi]", "\x44\x8a\x06"),
	ROW("mov cx, [rsi]", "\x66\x8b\x0e"),
	ROW("mov ecx, [rsi]", "\x8b\x0e"),
	ROW("mov rcx, [rsi]", "\x48\x8b\x0e"),
	ROW("mov byte [rsi], 0x85", "\xc6\x06\x85"),
	ROW("mov word [rsi], 0x8765", "\x66\xc7\x06\x65\x87"),
	ROW("mov dword [rsi], 0x87654321", "\xc7\x06\x21\x43\x65\x87"),
	ROW("mov qword [rsi], 0xffffffff87654321", "\x48\xc7\x06\x21\x43\x65\x87"),
	ROW("movzx cx, byte [rsi]", "\x66\x0f\xb6\x0e"),
	ROW("movzx ecx, byte [rsi]", "\x0f\xb6\x0e"),
	ROW("movzx rcx, word [rsi]", "\x48\x0f\xb7\x0e"),
	ROW("movsx cx, byte [rsi]", "\x66\x0f\xbe\x0e"),
	ROW("movsx ecx, byte [rsi]", "\x0f\xbe\x0e"),
	ROW("movsx rcx, byte [rsi]", "\x48\x0f\xbe\x0e"),
	ROW("movsx ecx, word [rsi]", "\x0f\xbf\x0e"),
	ROW("movsx rcx, word [rsi]", "\x48\x0f\xbf\x0e"),
	ROW("movsxd rcx, dword [rsi]", "\x48\x63\x0e"),
	ROW("movsxd ecx, dword [rsi]", "\x63\x0e"),
	ROW("xchg [rsi], cl", "\x86\x0e"),
	ROW("xchg [rsi], ch", "\x86\x2e"),
	ROW("xchg [rsi], cx", "\x66\x87\x0e"),
	ROW("xchg [rsi], ecx", "\x87\x0e"),
	ROW("lock xchg [rsi], r8", "\xf0\x4c\x87\x06"),
	LOGIC("or [rsi], ah", "\x08\x26"),
	LOGIC("or [rsi], cx", "\x66\x09\x0e"),
	LOGIC("or [rsi], ecx", "\x09\x0e"),
	LOGIC("lock or [rsi], rcx", "\xf0\x48\x09\x0e"),
	LOGIC("or ch, [rsi]", "\x0a\x2e"),
	LOGIC("or cx, [rsi]", "\x66\x0b\x0e"),
	LOGIC("or ecx, [rsi]", "\x0b\x0e"),
	LOGIC("or rcx, [rsi]", "\x48\x0b\x0e"),
	LOGIC("or byte [rsi], 0x80", "\x80\x0e\x80"),
	LOGIC("or dword [rsi], 0x87654321", "\x81\x0e\x21\x43\x65\x87"),
	LOGIC("or qword [rsi], byte -2", "\x48\x83\x0e\xfe"),
	LOGIC("and [rsi], cl", "\x20\x0e"),
	LOGIC("and [rsi], ecx", "\x21\x0e"),
	LOGIC("and cl, [rsi]", "\x22\x0e"),
	LOGIC("and ecx, [rsi]", "\x23\x0e"),
	LOGIC("and word [rsi], 0x8765", "\x66\x81\x26\x65\x87"),
	LOGIC("and qword [rsi], 0xffffffff87654321", "\x48\x81\x26\x21\x43\x65\x87"),
	LOGIC("and dword [rsi], byte -2", "\x83\x26\xfe"),
	LOGIC("test [rsi], cl", "\x84\x0e"),
	LOGIC("test [rsi], rcx", "\x48\x85\x0e"),
	LOGIC("test byte [rsi], 0x81", "\xf6\x06\x81"),
	LOGIC("test dword [rsi], 0x87654321", "\xf7\x06\x21\x43\x65\x87"),
	LOGIC("test qword [rsi], 0xffffffff87654321", "\x48\xf7\x06\x21\x43\x65\x87"),
	ROW("cmp [rsi], cl", "\x38\x0e"),
	ROW("cmp [rsi], cx", "\x66\x39\x0e"),
	ROW("cmp [rsi], ecx", "\x39\x0e"),
	ROW("cmp [rsi], rcx", "\x48\x39\x0e"),
	ROW("cmp ch, [rsi]", "\x3a\x2e"),
	ROW("cmp ecx, [rsi]", "\x3b\x0e"),
	ROW("cmp rcx, [rsi]", "\x48\x3b\x0e"),
	ROW("cmp byte [rsi], 0x80", "\x80\x3e\x80"),
	ROW("cmp word [rsi], 0x8000", "\x66\x81\x3e\x00\x80"),
	ROW("cmp dword [rsi], byte -1", "\x83\x3e\xff"),
	ROW("cmp qword [rsi], 0xffffffff80000000", "\x48\x81\x3e\x00\x00\x00\x80"),
};

static const u64 edges[] = { 0,
			     1,
			     0x7f,
			     0x80,
			     0xff,
			     0x7fff,
			     0x8000,
			     0xffff,
			     0x7fffffff,
			     0x80000000,
			     0xffffffff,
			     0x7fffffffffffffff,
			     0x8000000000000000,
			     0xffffffffffffffff,
			     0x1122334455667788,
			     0x8070605040302010 };

static void compare(const struct row *row, u64 memory, u64 reg, bool flags)
{
	struct state native = { .memory = memory, .rflags = 2 | (flags ? STATUS : 0) };
	struct state ours;

	native.regs[AX] = ~reg;
	native.regs[CX] = reg;
	native.regs[DX] = reg * 3;
	native.regs[BX] = reg ^ 0x5555;
	native.regs[8] = reg + 0x1234;
	native.regs[SI] = 0x123456789000;
	ours = native;
	run_native(&native, row->bytes, row->count);
	run_ours(&ours, row->bytes, row->count);
	assert_int_equal(ours.memory, native.memory);
	assert_memory_equal(ours.regs, native.regs, sizeof(ours.regs));
	assert_int_equal((ours.rflags ^ native.rflags) & STATUS & ~(row->undefined_af ? 0x10u : 0u),
			 0);
	assert_int_equal(ours.rflags & ~STATUS, 2);
}

UNIT(is_as_the_cpu_does_it)
{
	const struct row *row = *state;
	u64 seed = 0x4e6573746f72;

	for (u32 i = 0; i < ARRAY_SIZE(edges); i++)
		for (u32 j = 0; j < ARRAY_SIZE(edges); j++)
			compare(row, edges[i], edges[j], (i ^ j) & 1);
	for (u32 i = 0; i < 2000; i++) {
		u64 memory = unit_random(&seed), reg = unit_random(&seed);

		compare(row, memory, i & 1 ? reg : memory, i & 2);
	}
}

UNIT(undefined_af_is_cleared)
{
	struct state s = { .memory = 0xf, .rflags = 2 | STATUS };

	(void)state;
	run_ours(&s, "\x09\x0e", 2);
	assert_int_equal(s.rflags & RFLAGS_AF, 0);
}

static u64 linear(const char *bytes, enum mmio_code code, u64 base)
{
	u64 regs[16] = { [AX] = 0x10,  [BX] = 0xf000, [SI] = 0x2000,    [BP] = 0x123458000,
			 [DI] = ~0ULL, [SP] = 0x7000, [9] = 0x100000000 };
	struct mmio_insn insn;

	assert_int_equal(mmio_decode(&insn, code, (const u8 *)bytes, 15), MMIO_DECODED);
	return mmio_linear(&insn, regs, 0x401000, base);
}

static const struct {
	const char *name;
	char bytes[16];
	enum mmio_code code;
	u64 base;
	u64 want;
} addresses[] = {
	{ "16 bits wrap before the base is added", "\x8b\x00", MMIO_CODE_16, 0xffff0, 0x100ff0 },
	{ "16-bit displacement is taken modulo", "\x8b\x04\x80", MMIO_CODE_16, 0, 0x2000 },
	{ "the sum with the base wraps at 4 GiB", "\x8b\x06", MMIO_CODE_32, 0xfffff000, 0x1000 },
	{ "upper halves do not count in 32-bit code", "\x8b\x45", MMIO_CODE_32, 0, 0x23458000 },
	{ "67h in 32-bit code: 16 bits", "\x67\x8b\x00", MMIO_CODE_32, 0, 0x1000 },
	{ "67h in 16-bit code: 32 bits", "\x67\x8b\x07", MMIO_CODE_16, 0, 0xffffffff },
	{ "67h in 64-bit code: 32 bits", "\x67\x8b\x45", MMIO_CODE_64, 0, 0x23458000 },
	{ "64-bit code ignores the base of DS", "\x8b\x45", MMIO_CODE_64, 0x1000, 0x123458000 },
	{ "64-bit code ignores an override by ES", "\x26\x8b\x45", MMIO_CODE_64, 7, 0x123458000 },
	{ "64-bit code adds the base of FS", "\x64\x8b\x06", MMIO_CODE_64, BIT(40),
	  BIT(40) + 0x2000 },
	{ "the base of GS is added behind 67h's cut", "\x65\x67\x8b\x07", MMIO_CODE_64, BIT(40),
	  BIT(40) + 0xffffffff },
	{ "scaled index", "\x42\x8b\x44\xc8\x08", MMIO_CODE_64, 0, 0x800000018 },
	{ "the top of the address space wraps", "\x8b\x47\x03", MMIO_CODE_64, 0, 2 },
	{ "RIP is that of the next instruction", "\x8b\x05\x00\x01", MMIO_CODE_64, 0, 0x401106 },
	{ "also behind an immediate", "\xc7\x05\x00\x01", MMIO_CODE_64, 0, 0x40110a },
	{ "absolute 64-bit address", "\xa1\x88\x77\x66\x55\x44\x33\x22\x11", MMIO_CODE_64, 0,
	  0x1122334455667788 },
	{ "absolute 32-bit address is not extended", "\xa1\xb0\x00\xe0\xfe", MMIO_CODE_32, 0,
	  0xfee000b0 },
	{ "67h: absolute address of 32 bits", "\x67\xa1\xb0\x00\xe0\xfe", MMIO_CODE_64, 0,
	  0xfee000b0 },
};

UNIT(address_is_right)
{
	u64 i = (u64)*state;

	assert_int_equal(linear(addresses[i].bytes, addresses[i].code, addresses[i].base),
			 addresses[i].want);
}

int main(void)
{
	static struct CMUnitTest tests[ARRAY_SIZE(rows) + ARRAY_SIZE(addresses) + 1] = {
		cmocka_unit_test(undefined_af_is_cleared),
	};
	u32 count = 1;

	code_page = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (code_page == MAP_FAILED) {
		perror("mmap");
		return 1;
	}
	for (u32 i = 0; i < ARRAY_SIZE(rows); i++)
		tests[count++] = (struct CMUnitTest){ rows[i].name, is_as_the_cpu_does_it, NULL,
						      NULL, (void *)(uintptr_t)&rows[i] };
	for (u64 i = 0; i < ARRAY_SIZE(addresses); i++)
		tests[count++] = (struct CMUnitTest){ addresses[i].name, address_is_right, NULL,
						      NULL, (void *)i };
	return _cmocka_run_group_tests("vmx/mmio_execute", tests, count, NULL, NULL);
}
