/* SPDX-License-Identifier: MIT */
/*
 * Rows: bytes, what a disassembler calls them, what the decoder makes of them; each row is a test.
 * Then a sweep over opcodes, ModRM bytes and prefixes in which decoder and disassembler must agree.
 */
#include <stdio.h>
#include "insn_oracle.h"
#include "unit.h"

enum { AX, CX, DX, BX, SP, BP, SI, DI };

struct row {
	const char *text;
	const char *bytes;
	u32 count;
	enum mmio_code code;
	struct mmio_insn insn; /* but for length and code */
};

#define NO             MMIO_REG_NONE
#define AT(...)        .address = { __VA_ARGS__ }
#define REG(n, size)   .reg = (n), .reg_bytes = (size)
#define HIGH(n)        .reg = (n), .reg_bytes = 1, .reg_high = true
#define VALUE(size, n) .reg_bytes = (size), .immediate = true, .value = (n)
#define STORE          .memory_first = true
#define SIGNED         .sign_extend = true
#define ROW(text_, code_, bytes_, operation_, size_, ...) \
	{ text_,                                          \
	  bytes_,                                         \
	  sizeof(bytes_) - 1,                             \
	  MMIO_CODE_##code_,                              \
	  { .operation = MMIO_##operation_, .bytes = (size_), __VA_ARGS__ } },
#define REFUSE(text_, code_, bytes_)
static const struct row rows[] = {
#include "mmio_decode_rows.def"
};
#undef ROW
#undef REFUSE

#define ROW(...)
#define REFUSE(text_, code_, bytes_) \
	{ text_, bytes_, sizeof(bytes_) - 1, MMIO_CODE_##code_, { 0 } },
static const struct row refused[] = {
#include "mmio_decode_rows.def"
};
#undef ROW
#undef REFUSE

static enum mmio_result decode(struct mmio_insn *insn, const struct row *row, u32 count)
{
	memset(insn, 0xaa, sizeof(*insn));
	return mmio_decode(insn, row->code, (const u8 *)row->bytes, count);
}

UNIT(row_decodes)
{
	const struct row *row = *state;
	const struct mmio_insn *want = &row->insn;
	struct mmio_insn got;

	assert_string_equal(oracle_text(row->code, (const u8 *)row->bytes, row->count), row->text);
	assert_int_equal(decode(&got, row, row->count), MMIO_DECODED);
	assert_int_equal(got.length, row->count);
	assert_int_equal(got.code, row->code);
	assert_int_equal(got.operation, want->operation);
	assert_int_equal(got.bytes, want->bytes);
	assert_int_equal(got.reg, want->reg);
	assert_int_equal(got.reg_bytes, want->reg_bytes);
	assert_int_equal(got.reg_high, want->reg_high);
	assert_int_equal(got.immediate, want->immediate);
	assert_int_equal(got.sign_extend, want->sign_extend);
	assert_int_equal(got.memory_first, want->memory_first);
	assert_int_equal(got.value, want->value);
	assert_int_equal(got.address.address_bytes, want->address.address_bytes);
	assert_int_equal(got.address.base, want->address.base);
	assert_int_equal(got.address.index, want->address.index);
	assert_int_equal(got.address.scale, want->address.scale);
	assert_int_equal(got.address.segment, want->address.segment);
	assert_int_equal(got.address.disp, want->address.disp);
}

UNIT(row_is_refused)
{
	const struct row *row = *state;
	struct mmio_insn insn;

	assert_int_equal(decode(&insn, row, row->count), MMIO_UNSUPPORTED);
}

UNIT(a_part_of_an_instruction_is_truncated)
{
	struct mmio_insn insn;

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(rows); i++)
		for (u32 count = 0; count < rows[i].count; count++)
			assert_int_equal(decode(&insn, &rows[i], count), MMIO_TRUNCATED);
}

UNIT(what_follows_an_instruction_does_not_matter)
{
	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		u8 bytes[INSN_BYTES_MAX];
		struct mmio_insn alone, followed;

		memset(&alone, 0, sizeof(alone));
		memset(&followed, 0, sizeof(followed));
		memset(bytes, 0xff, sizeof(bytes));
		memcpy(bytes, rows[i].bytes, rows[i].count);
		assert_int_equal(mmio_decode(&alone, rows[i].code, bytes, rows[i].count),
				 MMIO_DECODED);
		assert_int_equal(mmio_decode(&followed, rows[i].code, bytes, sizeof(bytes)),
				 MMIO_DECODED);
		assert_memory_equal(&alone, &followed, sizeof(alone));
	}
}

UNIT(fifteen_bytes_are_the_limit)
{
	/* mov qword ptr [rax + disp32], imm32 is 11 bytes with REX: four prefixes fit. */
	u8 bytes[16] = { 0x3e, 0x3e, 0x3e, 0x3e, 0x48, 0xc7, 0x80, 1, 0, 0, 0, 2, 0, 0, 0 };
	u8 longer[16] = { 0x3e, 0x3e, 0x3e, 0x3e, 0x3e, 0x48, 0xc7, 0x80, 1, 0, 0, 0, 2, 0, 0, 0 };
	struct mmio_insn insn;

	(void)state;
	assert_int_equal(mmio_decode(&insn, MMIO_CODE_64, bytes, 15), MMIO_DECODED);
	assert_int_equal(insn.length, 15);
	assert_int_equal(mmio_decode(&insn, MMIO_CODE_64, longer, 16), MMIO_UNSUPPORTED);
	assert_int_equal(mmio_decode(&insn, MMIO_CODE_64, longer, 15), MMIO_UNSUPPORTED);
	assert_int_equal(mmio_decode(&insn, MMIO_CODE_64, longer, 14), MMIO_TRUNCATED);
}

UNIT(prefixes_without_end_are_refused)
{
	u8 bytes[15];
	struct mmio_insn insn;

	(void)state;
	memset(bytes, 0x66, sizeof(bytes));
	assert_int_equal(mmio_decode(&insn, MMIO_CODE_32, bytes, 15), MMIO_UNSUPPORTED);
	assert_int_equal(mmio_decode(&insn, MMIO_CODE_32, bytes, 3), MMIO_TRUNCATED);
}

/* How many instructions were accepted by us, and how many should have been but were not. */
struct tally {
	u32 accepted;
	u32 missed;
};

static void show(const char *what, enum mmio_code code, const u8 *bytes)
{
	fprintf(stderr, "%s, code %d:", what, (int)code);
	for (u32 i = 0; i < 15; i++)
		fprintf(stderr, " %02x", bytes[i]);
	fprintf(stderr, ": %s\n", oracle_text(code, bytes, 15));
}

static void judge(enum mmio_code code, const u8 *bytes, struct tally *tally)
{
	struct mmio_insn insn;

	if (mmio_decode(&insn, code, bytes, 15) == MMIO_DECODED) {
		const char *objection = oracle_objection(&insn, code, bytes, 15);

		tally->accepted++;
		if (objection) {
			show(objection, code, bytes);
			fail();
		}
	} else if (oracle_expects(code, bytes, 15)) {
		tally->missed++;
		show("missed", code, bytes);
	}
}

/* Prefix bytes, an opcode with or without 0Fh, a ModRM byte, and numbers for the rest. */
static void sweep_prefix(enum mmio_code code, const char *prefix, struct tally *tally)
{
	static const u8 sibs[] = { 0x00, 0x24, 0x25, 0x2d, 0x4c, 0x9b, 0xe5, 0xfe };
	for (u32 opcode = 0; opcode < 0x200; opcode++) {
		for (u32 modrm = 0; modrm < 0x100; modrm++) {
			u8 bytes[15] = { [7] = 0x81, 0x92, 0x13, 0x94, 0xa5, 0x96, 0x17, 0x98 };
			u32 at = 0;

			for (; prefix[at]; at++)
				bytes[at] = (u8)prefix[at];
			if (opcode > 0xff)
				bytes[at++] = 0x0f;
			bytes[at++] = (u8)opcode;
			bytes[at++] = (u8)modrm;
			bytes[at] = sibs[(opcode + modrm) % ARRAY_SIZE(sibs)];
			judge(code, bytes, tally);
		}
	}
}

UNIT(a_disassembler_agrees)
{
	static const char *const prefixes[] = { "",         "\x66", "\x67", "\x66\x67", "\x64",
						"\x65\x67", "\x2e", "\x36", "\x3e",     "\x26" };
	struct tally tally = { 0 };

	(void)state;
	for (enum mmio_code code = MMIO_CODE_16; code <= MMIO_CODE_64; code++)
		for (u32 i = 0; i < ARRAY_SIZE(prefixes); i++)
			sweep_prefix(code, prefixes[i], &tally);
	assert_in_range(tally.accepted, 3 * 10 * 24 * 192, ~0u);
	assert_int_equal(tally.missed, 0);
}

UNIT(a_disassembler_agrees_on_rex)
{
	struct tally tally = { 0 };

	(void)state;
	for (u32 rex = 0x40; rex < 0x50; rex++) {
		const char prefixes[2][4] = { { (char)rex }, { 0x67, 0x64, (char)rex } };

		sweep_prefix(MMIO_CODE_64, prefixes[0], &tally);
		sweep_prefix(MMIO_CODE_64, prefixes[1], &tally);
	}
	assert_in_range(tally.accepted, 32 * 24 * 192, ~0u);
	assert_int_equal(tally.missed, 0);
}

#define ROWS_MAX 160

int main(void)
{
	static struct CMUnitTest tests[ROWS_MAX] = {
		cmocka_unit_test(a_part_of_an_instruction_is_truncated),
		cmocka_unit_test(what_follows_an_instruction_does_not_matter),
		cmocka_unit_test(fifteen_bytes_are_the_limit),
		cmocka_unit_test(prefixes_without_end_are_refused),
		cmocka_unit_test(a_disassembler_agrees),
		cmocka_unit_test(a_disassembler_agrees_on_rex),
	};
	u32 count = 6;

	_Static_assert(ARRAY_SIZE(rows) + ARRAY_SIZE(refused) + 6 <= ROWS_MAX, "ROWS_MAX");
	for (u32 i = 0; i < ARRAY_SIZE(rows); i++)
		tests[count++] = (struct CMUnitTest){ rows[i].text, row_decodes, NULL, NULL,
						      (void *)(uintptr_t)&rows[i] };
	for (u32 i = 0; i < ARRAY_SIZE(refused); i++)
		tests[count++] = (struct CMUnitTest){ refused[i].text, row_is_refused, NULL, NULL,
						      (void *)(uintptr_t)&refused[i] };
	return _cmocka_run_group_tests("vmx/mmio_decode", tests, count, NULL, NULL);
}
