/* SPDX-License-Identifier: MIT */
/* The virtual machine that L1 is: its memory, what its CPUs look like,
 * its ports and device addresses, and the verdict it gives. */
#ifndef VMX_VM_H
#define VMX_VM_H

#include "hv/abi.h"
#include "hv/config.h"
#include "hv/spinlock.h"
#include "hv/start_state.h"
#include "mm/memslot.h"
#include "vmx/cpuid_policy.h"
#include "vmx/vcpu.h"

#define VCPUS_MAX      CONFIG_VCPUS_MAX
#define VM_PORT_RANGES 16
#define VM_MMIO_RANGES 16

/*
 * A run of I/O ports that a device claims. Accesses of 2 and 4 bytes arrive as they are, but byte
 * by byte where they reach beyond the run.
 */
struct port_range {
	u16 first;
	u16 last;
	u32 (*read)(void *device, u16 port, u32 bytes);
	void (*write)(void *device, u16 port, u32 bytes, u32 value);
	void *device;
};

/*
 * A run of L1-physical addresses that a device claims. Accesses of 1, 2, 4 and 8 bytes arrive as
 * they are, at any offset that they fit behind; values have no bits above the size.
 */
struct mmio_range {
	l1_gpa_t first;
	u64 bytes;
	u64 (*read)(void *device, u64 offset, u32 bytes);
	void (*write)(void *device, u64 offset, u32 bytes, u64 value);
	void *device;
};

/*
 * The board around the CPUs, which hv/ provides: time, interrupts through the 8259 pair, the end
 * of level-triggered interrupts. Every function, and every callback of the board's ranges, is
 * called with device_lock held.
 */
struct vm_board {
	void (*advance)(u64 now);
	u64 (*deadline)(void);
	bool (*acknowledge)(u8 *vector); /* of the 8259s; false: nothing is pending */
	void (*eoi)(u8 vector);
};

struct nested_vm;

struct vm {
	struct vm_memory *memory;
	const struct config *config;
	struct vcpu *vcpus[VCPUS_MAX];
	u32 vcpu_count;
	u32 cpu_count;       /* that run them: vCPU n on CPU n modulo this */
	u32 last_arbitrated; /* vCPU that won the last lowest-priority arbitration */
	u32 kick_delay;      /* turns that a kick waits: 0 but in tests (hv/abi.h) */
	u32 hopeless;        /* vCPUs that idle without a deadline */
	struct cpuid_policy cpuid;
	struct nested_vm *nested;  /* VMX for L1 */
	u64 memory_end_below_4g;   /* of what L1 has from the start */
	u64 cr4_allowed;           /* bits that L1 may set in CR4 */
	u64 pte_reserved;          /* address bits that its CPUs do not have */
	u32 tsc_per_tick;          /* TSC ticks per tick of the APIC timers' clock */
	enum apicv_level apicv;    /* the highest of its vCPUs */
	bool hides_virtual_events; /* Bochs 2.7: see apicv_event_cut_short() */
	bool has_pml;              /* vmcs01 uses it */
	void *apic_access_page;    /* its address is all that counts; NULL: not used */
	struct port_range ports[VM_PORT_RANGES]; /* in the order of their ports */
	u32 port_ranges;
	struct mmio_range mmio[VM_MMIO_RANGES];
	u32 mmio_ranges;

	struct test_caches *test_caches; /* vmx/cache_calls.c; atomic: busy while it is ~0 */

	struct spinlock device_lock; /* protects the devices behind ports and MMIO */
	const struct vm_board *board;
	u64 board_deadline; /* when the board wants its time; read by vCPU 0 */
	bool pic_asserted;  /* the 8259's output: set under device_lock */

	/* The verdict. */
	u64 outcomes[NESTOR_TEST_ERROR + 1]; /* by enum nestor_outcome */
	struct start_state start;            /* of vCPU 0 */
	bool stopping;
	u32 exit_code;
	u64 first_entry_tsc;
};

/* Claim ports; a range that overlaps a claimed one, or does not fit the table, is a bug of ours. */
void vm_claim_ports(struct vm *vm, const struct port_range *range);
/* Whose the ports of an access are: *range is the one range's. A run of ports that passes FFFFh is
 * nobody's there. */
enum port_claim { PORTS_FREE, PORTS_OF_ONE, PORTS_OF_SEVERAL };
enum port_claim vm_find_ports(const struct vm *vm, u16 port, u32 bytes,
			      const struct port_range **range);

/*
 * The same for addresses, before L1 runs. Memory stands in front: an access to a region's page
 * reaches a device only where it is a write and the region is read-only.
 */
void vm_claim_mmio(struct vm *vm, const struct mmio_range *range);
const struct mmio_range *vm_find_mmio(const struct vm *vm, l1_gpa_t gpa);

/* Around every access to a device: the lock is taken, the board brought to now;
 * afterwards its new deadline reaches vCPU 0. */
void vm_devices_begin(struct vm *vm, u64 now);
void vm_devices_end(struct vm *vm);

static inline bool vm_shares_cpus(const struct vm *vm)
{
	return vm->vcpu_count > vm->cpu_count;
}

/* End L1 for its own fault: "nestor: L1 stopped: text", its state, the last exits; exit code 2. */
void vm_stop_l1(struct vcpu *v, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* End the machine because L1 asked for it. */
void vm_stop(struct vm *vm, u32 code);

#endif
