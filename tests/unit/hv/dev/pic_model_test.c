/* SPDX-License-Identifier: MIT */
/* Random sequences on an 8259 beside a naive model: the master alone, its priorities as a list. */
#include "unit.h"
#include "pic_ports.h"

struct naive {
	u32 order[8]; /* highest first */
	bool line[8], latched[8], served[8], masked[8], level[8];
	bool special;
};

static void naive_rotate(struct naive *m, u32 lowest)
{
	for (u32 i = 0; i < 8; i++)
		m->order[i] = (lowest + 1 + i) % 8;
}

static s32 naive_winner(const struct naive *m)
{
	for (u32 i = 0; i < 8; i++) {
		u32 n = m->order[i];

		if (m->served[n] && !(m->special && m->masked[n]))
			return -1;
		if (m->line[n] && (m->latched[n] || m->level[n]) && !m->masked[n])
			return (s32)n;
	}
	return -1;
}

static s32 naive_eoi(struct naive *m)
{
	for (u32 i = 0; i < 8; i++) {
		u32 n = m->order[i];

		if (m->served[n] && !(m->special && m->masked[n])) {
			m->served[n] = false;
			return (s32)n;
		}
	}
	return -1;
}

static void naive_line(struct naive *m, u32 n, bool level)
{
	if (level && !m->line[n])
		m->latched[n] = true;
	if (!level)
		m->latched[n] = false;
	m->line[n] = level;
}

static void random_step(struct pic *pic, struct naive *m, u64 random)
{
	u32 n = (u32)(random >> 8) % 8;
	u8 byte = (u8)(random >> 16);
	s32 winner;

	switch (random % 10) {
	case 0:
	case 1:
	case 2:
		if (n == PIC_CASCADE)
			return;
		naive_line(m, n, byte & 1);
		pic_set_line(pic, n, byte & 1);
		break;
	case 3:
		for (u32 i = 0; i < 8; i++)
			m->masked[i] = byte >> i & 1;
		out(pic, 0x21, byte);
		break;
	case 4:
	case 5:
		winner = naive_winner(m);
		assert_int_equal(pic_acknowledge(pic), 0x30 + (winner < 0 ? 7 : winner));
		if (winner >= 0) {
			m->latched[winner] = false;
			m->served[winner] = true;
		}
		break;
	case 6:
		winner = naive_eoi(m);
		if ((byte & 1) && winner >= 0)
			naive_rotate(m, (u32)winner);
		out(pic, 0x20, byte & 1 ? 0xa0 : 0x20);
		break;
	case 7:
		m->served[n] = false;
		if (byte & 1)
			naive_rotate(m, n);
		out(pic, 0x20, (u8)((byte & 1 ? 0xe0 : 0x60) | n));
		break;
	case 8:
		m->special = byte & 1;
		out(pic, 0x20, byte & 1 ? 0x68 : 0x48);
		break;
	default:
		for (u32 i = 3; i < 8; i++)
			m->level[i] = byte >> i & 1;
		out(pic, 0x4d0, byte);
		break;
	}
}

UNIT(random_sequences_follow_the_model)
{
	struct pic pic;
	struct naive m = { 0 };
	u64 seed = 3;
	u32 raised = 0;

	pic_start(&pic, (struct irq_line){ 0 }, 1);
	naive_rotate(&m, 7);
	for (u32 i = 0; i < 100000; i++) {
		u8 served = 0, asks = 0;

		random_step(&pic, &m, unit_random(&seed) >> 20);
		for (u32 n = 0; n < 8; n++) {
			served |= (u8)(m.served[n] << n);
			asks |= (u8)((m.line[n] && (m.latched[n] || m.level[n])) << n);
		}
		assert_int_equal(pic_intr(&pic), naive_winner(&m) >= 0);
		assert_int_equal(isr(&pic, 0x20), served);
		assert_int_equal(irr(&pic, 0x20), asks);
		raised += pic_intr(&pic);
	}
	assert_true(raised > 10000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_sequences_follow_the_model),
	};

	return cmocka_run_group_tests_name("hv/dev/pic model", tests, NULL, NULL);
}
