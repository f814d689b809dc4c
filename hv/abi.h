/* SPDX-License-Identifier: MIT */
/*
 * The interface between Nestor and its guest, shared by both: CPUID leaves and hypercalls.
 * docs/abi.md tells it in prose.
 *
 * Discovery: one of the CPUID leaves 4000_0000h, 4000_0100h ... 4000_0F00h answers
 * EBX:ECX:EDX = "NestorNestor" and EAX = its last leaf; base + 1 answers EAX = NESTOR_ABI_VERSION.
 * A hypercall is VMCALL in ring 0 with RAX = number, RBX, RCX, RDX = arguments;
 * RAX = 0 or a negative error number (two's complement), RBX = result where one is named.
 * Other registers keep their values. From ring 1-3: #UD. In VMX operation a number without a call
 * does what the SDM says of VMCALL there.
 * With test_calls = on there is a second way, for programs that the guest's kernel lets at it: IN
 * EAX, DX from NESTOR_CALL_PORT, with RSI in the place of RDX.
 */
#ifndef HV_ABI_H
#define HV_ABI_H

#define NESTOR_ABI_VERSION        1
#define NESTOR_CPUID_BASE         0x40000000U
#define NESTOR_CPUID_STRIDE       0x100U
#define NESTOR_CPUID_LAST         0x40000F00U
#define NESTOR_SIGNATURE_EBX      0x7473654eU /* "Nest" */
#define NESTOR_SIGNATURE_ECX      0x654e726fU /* "orNe" */
#define NESTOR_SIGNATURE_EDX      0x726f7473U /* "stor" */

#define NESTOR_CALL_PORT          0x2020 /* and the three ports behind it, which do nothing */

/* Print RCX bytes (at most NESTOR_CONSOLE_MAX) at L1 physical address RBX as they are. */
#define NESTOR_CALL_CONSOLE       1
/* Count one test: RBX = enum nestor_outcome. */
#define NESTOR_CALL_TEST_RESULT   2
/* Stop the machine: RBX = exit code (0 = success). Does not return. */
#define NESTOR_CALL_STOP          3
/* Copy counters to L1 physical address RBX, at most RCX u64 values, summed over all CPUs, in the
 * order of hv/counters.def; RBX = how many there are. */
#define NESTOR_CALL_COUNTERS      4
/* Counts of the guest's own exits by basic exit reason: as COUNTERS, indexed by reason. */
#define NESTOR_CALL_EXIT_COUNTS   5
/* The same of the guest's guests, whoever handled them. */
#define NESTOR_CALL_EXITS_OF_L2   11
/* What nested VMX counts (contexts, EPT02): as COUNTERS, in the order of hv/nested_counts.def. */
#define NESTOR_CALL_NESTED_COUNTS 12
/* RBX = bits of NESTOR_CAP_*. */
#define NESTOR_CALL_CAPABILITIES  6
/* Print the last RBX exits of this CPU, at most as many as the flight recorder holds. */
#define NESTOR_CALL_RECORDER      7
/*
 * Changes of the guest's own memory, where NESTOR_CAP_TEST_CALLS is set. Addresses and sizes are
 * multiples of 4 KiB; memory that the machine has from the start is neither deleted nor moved. When
 * a call returns, no CPU finds any more what was there. Errors: enum nestor_error.
 */
/* Add RCX bytes of memory, contents undefined, at RBX; RDX = bits of NESTOR_REGION_*. */
#define NESTOR_CALL_REGION_ADD    8
/* Delete the region that starts at RBX. */
#define NESTOR_CALL_REGION_DELETE 9
/* Let the region that starts at RBX start at RCX, with its contents. */
#define NESTOR_CALL_REGION_MOVE   10
/* Give the memory of RCX bytes at RBX other frames, with its contents; it may be the machine's own.
 * The guest sees no difference. Where there are too few frames, or memory is missing, what comes
 * before it has been done. */
#define NESTOR_CALL_PAGES_MIGRATE 13

/* Take the memory of RCX bytes at RBX away, page by page; it may be the machine's own. It reads as
 * memory that is not there until it is given back, but nothing else can be added there. */
#define NESTOR_CALL_BALLOON_OUT   14
/* Give memory of RCX bytes at RBX back, full of zeros. Where one of the two fails, what comes
 * before the failure has been done. */
#define NESTOR_CALL_BALLOON_IN    15
/* The frame behind the page at RBX is bad, and is not used any more. RCX = NESTOR_POISON_*: what
 * becomes of the page. RBX = NESTOR_POISONED_*: what became of it. */
#define NESTOR_CALL_PAGE_POISON   18
/* Is there memory at RBX? RBX = so many bytes from there on, to the end of a page at least, follow
 * each other in the machine as they do in the guest. */
#define NESTOR_CALL_REGION_FIND   19
/* Give the region that starts at RBX other flags: RCX = bits of NESTOR_REGION_*. */
#define NESTOR_CALL_REGION_FLAGS  20
/*
 * Which pages of the region that starts at RBX, with NESTOR_REGION_LOG_DIRTY, have been written to
 * by the guest, its guests or for them, since the last call or since it has the flag: a bit for
 * each page, in whole u64 values, goes to the RDX bytes at RCX; RBX = how many are set. From then
 * on they count anew. A page may be told without need, but none is left out. Where an error is
 * returned, nothing is lost.
 */
#define NESTOR_CALL_DIRTY_LOG     21

/* With test_calls = on: every kick of this VM waits RBX turns of a loop before its NMI is sent,
 * so that a test can place the NMI anywhere on its target's way. */
#define NESTOR_CALL_KICK_DELAY    16
/* With test_calls = on: this CPU answers no kick any more, so that a test can see the watchdog name
 * it. Does not return. */
#define NESTOR_CALL_DEAF          17

/*
 * With test_calls = on, to measure changes of a VM with more pfn-caches than vCPUs have: let RCX of
 * them, at most NESTOR_CACHES_MAX, be at the pages from RBX on, which need not exist; those of an
 * earlier call go. One CPU at a time.
 */
#define NESTOR_CALL_CACHES        22
/* With test_calls = on: the pfn-caches of the pages of RCX bytes at RBX become invalid, page by
 * page, as by changes of them. */
#define NESTOR_CALL_INVALIDATE    23

#define NESTOR_CACHES_MAX         16384
#define NESTOR_REGION_READONLY    (1ULL << 0) /* writes are dropped */
#define NESTOR_REGION_LOG_DIRTY   (1ULL << 1) /* DIRTY_LOG tells of writes */

#define NESTOR_POISON_SOFT        0 /* it gets another frame, with its contents */
#define NESTOR_POISON_HARD        1 /* its contents are lost: it goes, until BALLOON_IN */
#define NESTOR_POISONED_MOVED     0
#define NESTOR_POISONED_GONE      1 /* it reads all ones and drops writes */

#define NESTOR_CONSOLE_MAX        4096

#define NESTOR_CAP_TEST_CALLS     (1ULL << 0) /* hypercalls that change memory are on */
#define NESTOR_CAP_NESTED         (1ULL << 1) /* VMX is offered to L1 */
#define NESTOR_CAP_TPR_SHADOW     (1ULL << 2) /* the CPU keeps task priority and CR8 itself */
#define NESTOR_CAP_APIC_VIRTUAL   (1ULL << 3) /* it delivers and ends interrupts itself */

/* RAX = minus one of these. */
enum nestor_error {
	NESTOR_EPERM = 1,    /* test calls are off, or the region is the machine's own */
	NESTOR_ENOENT = 2,   /* no region starts there; a page is in no region, or out */
	NESTOR_E2BIG = 7,    /* too many bytes */
	NESTOR_ENOMEM = 12,  /* too little free memory */
	NESTOR_EFAULT = 14,  /* the address is not (all) in the guest's memory */
	NESTOR_EBUSY = 16,   /* another CPU makes this call */
	NESTOR_EEXIST = 17,  /* overlaps another region; a page is there already */
	NESTOR_EINVAL = 22,  /* a value that is not allowed; no bytes; no multiple of 4 KiB */
	NESTOR_ERANGE = 34,  /* passes the end of the physical address space */
	NESTOR_ENOTSUP = 95, /* unknown number */
};

enum nestor_outcome {
	NESTOR_TEST_PASS = 0,
	NESTOR_TEST_SKIP = 1,
	NESTOR_TEST_FAIL = 2,
	NESTOR_TEST_ERROR = 3, /* the test itself is broken */
};

#endif
