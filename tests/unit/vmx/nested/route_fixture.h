/* SPDX-License-Identifier: MIT */
/* An exit of L2, L1's controls, and pages of bitmaps in L1's memory. */
#ifndef ROUTE_FIXTURE_H
#define ROUTE_FIXTURE_H

#include "unit.h"
#include "hv/errno.h"
#include "vmx/controls.h"
#include "vmx/event.h"
#include "vmx/exit_reasons.h"
#include "vmx/nested/route.h"
#include "vmx/vcpu.h"

enum bitmap_page { PAGE_IO_A, PAGE_IO_B, PAGE_MSR, PAGE_VMREAD, PAGE_VMWRITE, PAGES };

/* Apart from each other, so that no byte of one is a byte of another. */
#define PAGE_AT(page) (0x10000ULL + (page)*0x3000ULL)

struct route_fixture {
	u8 pages[PAGES][PAGE_SIZE];
	bool unbacked; /* L1 has no memory */
	u64 regs[GPRS];
	struct vmcs12 v12;
	struct exit02 exit;
	struct bitmap_source bitmaps;
	u64 seed;
};

static struct route_fixture f;

/* Around the pages, memory is 0. */
static inline int read_byte(void *context, l1_gpa_t at, u8 *byte)
{
	struct route_fixture *fixture = context;

	if (fixture->unbacked)
		return -EFAULT;
	*byte = 0;
	for (u32 page = 0; page < PAGES; page++)
		if (at.raw - PAGE_AT(page) < PAGE_SIZE)
			*byte = fixture->pages[page][at.raw - PAGE_AT(page)];
	return 0;
}

static inline int set_up(void **state)
{
	(void)state;
	memset(&f, 0, sizeof(f));
	f.seed = 1;
	f.exit.regs = f.regs;
	f.exit.long_code = true;
	f.bitmaps = (struct bitmap_source){ read_byte, &f };
	f.v12.IO_BITMAP_A = PAGE_AT(PAGE_IO_A);
	f.v12.IO_BITMAP_B = PAGE_AT(PAGE_IO_B);
	f.v12.MSR_BITMAP = PAGE_AT(PAGE_MSR);
	f.v12.VMREAD_BITMAP = PAGE_AT(PAGE_VMREAD);
	f.v12.VMWRITE_BITMAP = PAGE_AT(PAGE_VMWRITE);
	return 0;
}

static inline bool wants(u32 reason)
{
	f.exit.reason = reason;
	return l1_wants(&f.exit, &f.v12, &f.bitmaps);
}

static inline bool page_bit(enum bitmap_page page, u32 bit)
{
	return f.pages[page][bit / 8] >> bit % 8 & 1;
}

static inline void fill_at_random(enum bitmap_page page)
{
	for (u32 i = 0; i < PAGE_SIZE; i++) {
		u64 r = unit_random(&f.seed);

		f.pages[page][i] = (u8)(r & r >> 8);
	}
}

#endif
