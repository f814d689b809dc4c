/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as an instruction, in each kind of code: no byte is read behind the given ones, the
 * answer depends on nothing else, shorter input is truncated or the same, and what is accepted is
 * what a disassembler sees.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/host/insn_oracle.h"
#include "vmx/mmio_execute.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* From a copy that ends with the last byte: the sanitizer sees a read behind it. */
static enum mmio_result decode_copy(struct mmio_insn *insn, enum mmio_code code, const u8 *bytes,
				    u32 count)
{
	u8 *copy = malloc(count + 1);
	enum mmio_result result;

	assert(copy);
	memcpy(copy + 1, bytes, count);
	memset(insn, (int)count, sizeof(*insn));
	result = mmio_decode(insn, code, copy + 1, count);
	free(copy);
	return result;
}

static void object(const char *objection, enum mmio_code code, const u8 *bytes, u32 count)
{
	fprintf(stderr, "%s differs, code %d:", objection, (int)code);
	for (u32 i = 0; i < count; i++)
		fprintf(stderr, " %02x", bytes[i]);
	fprintf(stderr, ": %s\n", oracle_text(code, bytes, count));
	abort();
}

static void check_shorter(const struct mmio_insn *insn, enum mmio_code code, const u8 *bytes)
{
	struct mmio_insn other;

	for (u32 count = 0; count < insn->length; count++)
		assert(decode_copy(&other, code, bytes, count) == MMIO_TRUNCATED);
	assert(decode_copy(&other, code, bytes, insn->length) == MMIO_DECODED);
	assert(other.length == insn->length);
	assert(!oracle_objection(&other, code, bytes, insn->length));
}

/* No register contents make the executor do what is not defined. */
static void execute(const struct mmio_insn *insn, const u8 *data, size_t size)
{
	u64 regs[16] = { 0 }, rflags = 2;
	u64 old;

	memcpy(regs, data, MIN(size, sizeof(regs)));
	(void)mmio_linear(insn, regs, ~0ULL, regs[15]);
	old = regs[14] & mmio_mask(insn->bytes);
	assert(!(mmio_store_value(insn, regs, old) & ~mmio_mask(insn->bytes)));
	if (mmio_reads(insn))
		mmio_finish_read(insn, regs, &rflags, old);
}

static void check(enum mmio_code code, const u8 *bytes, u32 count)
{
	struct mmio_insn insn;
	const char *objection;

	if (decode_copy(&insn, code, bytes, count) != MMIO_DECODED)
		return;
	assert(insn.length >= 2 && insn.length <= MIN(count, INSN_BYTES_MAX));
	objection = oracle_objection(&insn, code, bytes, count);
	if (objection)
		object(objection, code, bytes, count);
	check_shorter(&insn, code, bytes);
	execute(&insn, bytes, count);
}

/* The first byte says which kind of code. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 0)
		check(data[0] % 3, data + 1, (u32)MIN(size - 1, sizeof(u64) * 16));
	return 0;
}
