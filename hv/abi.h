/* SPDX-License-Identifier: MIT */
/*
 * The interface between Nestor and its guest, shared by both: CPUID leaves and hypercalls.
 * docs/abi.md tells it in prose.
 *
 * Discovery: one of the CPUID leaves 4000_0000h, 4000_0100h ... 4000_0F00h answers
 * EBX:ECX:EDX = "NestorNestor" and EAX = its last leaf; base + 1 answers EAX = NESTOR_ABI_VERSION.
 * A hypercall is VMCALL in ring 0 with RAX = number, RBX, RCX, RDX = arguments;
 * RAX = 0 or a negative error number (two's complement), RBX = result where one is named.
 * Other registers keep their values. From ring 1-3: #UD.
 */
#ifndef HV_ABI_H
#define HV_ABI_H

#define NESTOR_ABI_VERSION       1
#define NESTOR_CPUID_BASE        0x40000000U
#define NESTOR_CPUID_STRIDE      0x100U
#define NESTOR_CPUID_LAST        0x40000F00U
#define NESTOR_SIGNATURE_EBX     0x7473654eU /* "Nest" */
#define NESTOR_SIGNATURE_ECX     0x654e726fU /* "orNe" */
#define NESTOR_SIGNATURE_EDX     0x726f7473U /* "stor" */

/* Print RCX bytes (at most NESTOR_CONSOLE_MAX) at L1 physical address RBX as they are. */
#define NESTOR_CALL_CONSOLE      1
/* Count one test: RBX = enum nestor_outcome. */
#define NESTOR_CALL_TEST_RESULT  2
/* Stop the machine: RBX = exit code (0 = success). Does not return. */
#define NESTOR_CALL_STOP         3
/* Copy counters to L1 physical address RBX, at most RCX u64 values, summed over all CPUs, in the
 * order of hv/counters.def; RBX = how many there are. */
#define NESTOR_CALL_COUNTERS     4
/* Exit counts by basic exit reason: as COUNTERS, indexed by reason. */
#define NESTOR_CALL_EXIT_COUNTS  5
/* RBX = bits of NESTOR_CAP_*. */
#define NESTOR_CALL_CAPABILITIES 6
/* Print the last RBX exits of this CPU, at most as many as the flight recorder holds. */
#define NESTOR_CALL_RECORDER     7

/* With test_calls = on: every kick of this VM waits RBX turns of a loop before its NMI is sent,
 * so that a test can place the NMI anywhere on its target's way. */
#define NESTOR_CALL_KICK_DELAY   16

#define NESTOR_CONSOLE_MAX       4096

#define NESTOR_CAP_TEST_CALLS    (1ULL << 0) /* hypercalls that change memory are on */
#define NESTOR_CAP_NESTED        (1ULL << 1) /* VMX is offered to L1 */

enum nestor_outcome {
	NESTOR_TEST_PASS = 0,
	NESTOR_TEST_SKIP = 1,
	NESTOR_TEST_FAIL = 2,
	NESTOR_TEST_ERROR = 3, /* the test itself is broken */
};

#endif
