/* SPDX-License-Identifier: MIT */
/* The compacted form of XSAVE areas, tried out. */
#include "vmx/xsave_probe.h"
#include "hv/cpuid.h"
#include "hv/msr_index.h"
#include "hv/x86.h"
#include "hv/xsave_format.h"

#define AREA_WORDS  104u /* legacy region, header, AVX: 832 bytes */
#define XSTATE_BV   (XSAVE_XSTATE_BV / sizeof(u64))
#define FIRST_VALUE (XSAVE_HEADER_END / sizeof(u64)) /* of AVX, in either form */
#define MASK        (XCR0_X87 | XCR0_SSE | XCR0_AVX)

static bool has_compacted_avx(void)
{
	return (read_cr4() & CR4_OSXSAVE) && cpuid(0, 0).eax >= CPUID_LEAF_XSTATE &&
	       (cpuid(CPUID_LEAF_XSTATE, 0).eax & MASK) == MASK &&
	       (cpuid(CPUID_LEAF_XSTATE, 1).eax & CPUID_D1_EAX_XSAVEC);
}

bool xsave_compacts(void)
{
	static _Alignas(64) u64 loaded[AREA_WORDS], stored[AREA_WORDS], initial[AREA_WORDS];

	if (!has_compacted_avx())
		return true;
	loaded[XSTATE_BV] = XCR0_AVX;
	loaded[FIRST_VALUE] = 1;
	xsetbv(0, MASK);
	xrstor(loaded, MASK);
	xsavec(stored, MASK);
	xrstor(initial, MASK);
	xsetbv(0, XCR0_X87);
	return stored[FIRST_VALUE] == 1;
}
