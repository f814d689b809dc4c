/* SPDX-License-Identifier: MIT */
/* Making L1: memory by the map, image by the load plan, devices, a vCPU for each CPU; then running
 * it. */
#include "hv/machine.h"
#include "hv/cpu.h"
#include "hv/dev/power.h"
#include "hv/guest/acpi_tables.h"
#include "hv/guest/dsdt.h"
#include "hv/guest/load_start.h"
#include "hv/guest/pc_bios.h"
#include "hv/guest/pc_memory.h"
#include "hv/l1_board.h"
#include "hv/log.h"
#include "hv/msr_index.h"
#include "hv/panic.h"
#include "hv/tsc.h"
#include "hv/x86.h"
#include "mm/ept01.h"
#include "mm/page.h"
#include "mm/window.h"
#include "vmx/caps.h"
#include "vmx/control_regs.h"
#include "vmx/nested_calls.h"
#include "vmx/pml01.h"
#include "vmx/sched.h"
#include "vmx/vm.h"
#include "vmx/vm_change.h"
#include "vmx/xsave_probe.h"

/* Guest frames that L1 does not get unless it is told a size:
 * for what the regions' books and moves need. */
#define FRAMES_KEPT_BACK 1024

static struct machine {
	struct vcpu vcpus[VCPUS_MAX];
	struct vm vm;
	struct load_plan plan;
	struct load_range ranges[PC_RANGES_MAX];
	struct acpi_tables acpi;
	struct power power;
	u64 memory; /* bytes */
	u32 range_count;
	bool ready; /* set with release when the VM is complete; APs wait for it with acquire */
} machine;

const struct vm *machine_vm(void)
{
	return &machine.vm;
}

/* Files lie in memory that the firmware maps one to one and L0's own tables do not map. */
static const void *firmware_memory(u64 address)
{
	return (const void *)(uintptr_t)address;
}

static u64 memory_size(const struct config *config)
{
	u64 frames = guest_frame_free_count();

	if (config->memory)
		return config->memory;
	return (frames > FRAMES_KEPT_BACK ? frames - FRAMES_KEPT_BACK : 0) * PAGE_SIZE;
}

void machine_plan(const struct boot_info *info)
{
	struct load_module modules[LOAD_MODULES_MAX];
	struct kernel_image image;
	struct load_error error;
	struct load_request request = {
		.image = &image,
		.name = info->kernel.name,
		.cmdline = info->config.cmdline,
		.modules = modules,
		.module_count = info->module_count,
		.ranges = machine.ranges,
		.rsdp = PC_ACPI_START,
	};

	for (u32 i = 0; i < info->module_count; i++) {
		const struct boot_blob *blob = &info->modules[i];

		modules[i] = (struct load_module){ firmware_memory(blob->base), blob->size,
						   blob->name, blob->cmdline };
	}
	machine.memory = memory_size(&info->config);
	machine.range_count = pc_memory_map(machine.memory, machine.ranges);
	request.range_count = machine.range_count;
	if (kernel_parse(firmware_memory(info->kernel.base), info->kernel.size, &image, &error) ||
	    load_plan_make(&request, &machine.plan, &error))
		panic("%s", error.text);
}

static void make_memory(struct vm *vm)
{
	struct ept_leaf_counts leaves;

	vm->memory = vm_memory_create(l1_gfn(BIT(vmx_caps()->physical_bits) >> PAGE_SHIFT));
	if (!vm->memory)
		panic("no memory for L1's region table");
	for (u32 i = 0; i < machine.range_count; i++) {
		const struct load_range *range = &machine.ranges[i];
		enum memslot_result result =
			memslot_add_ram(vm->memory, l1_gpa_to_l1_gfn(range->base),
					range->bytes >> PAGE_SHIFT, MEMSLOT_FIXED);

		if (result != MEMSLOT_OK)
			panic("L1's memory at 0x%llx: %s", (unsigned long long)range->base.raw,
			      memslot_result_text(result));
	}
	if (ept01_populate(vm->memory))
		panic("EPT01 does not fit into the host pool");
	ept01_count(vm->memory, &leaves);
	log_line("ept01", "L1 has %u regions in %llu + %llu + %llu leaves of 1 GiB, 2 MiB, 4 KiB",
		 memslot_count(vm->memory), (unsigned long long)leaves.leaves_1g,
		 (unsigned long long)leaves.leaves_2m, (unsigned long long)leaves.leaves_4k);
}

/* Copy bytes that L0 does not map (files in firmware-allocated memory)
 * into L1, page by page through windows. */
static void copy_in(const struct load_copy *copy)
{
	u64 done = 0;

	while (done < copy->bytes) {
		hpa_t from = hpa((uintptr_t)copy->from +
				 done); /* one to one, also for the built-in image */
		u64 offset = from.raw & (PAGE_SIZE - 1);
		u64 part = MIN(PAGE_SIZE - offset, copy->bytes - done);
		u8 *page = window_map(hpa_to_pfn(from), WINDOW_READ);

		if (guest_write(machine.vm.memory, l1_gpa_add(copy->to, done), page + offset, part))
			panic("L1 has no memory at 0x%llx for its image",
			      (unsigned long long)(copy->to.raw + done));
		window_unmap(page);
		done += part;
	}
	if (guest_zero(machine.vm.memory, l1_gpa_add(copy->to, done), copy->zero_bytes))
		panic("L1 has no memory at 0x%llx to clear",
		      (unsigned long long)(copy->to.raw + done));
}

/* Before the image, which may be linked over it. */
static void make_bios(void)
{
	u32 vectors[PC_BIOS_VECTORS];

	pc_bios_vectors(vectors);
	if (guest_write(machine.vm.memory, l1_gpa(0), vectors, sizeof(vectors)) ||
	    guest_write(machine.vm.memory, pc_bios_gpa(), pc_bios_code,
			(u64)(pc_bios_code_end - pc_bios_code)))
		panic("L1 has no memory for the interrupt vectors");
}

/* Not earlier: how many CPUs came up is part of them. No loader puts anything into that area. */
static void make_acpi(u32 vcpus)
{
	acpi_tables_build(&machine.acpi, &(struct acpi_setup){ l1_gpa(PC_ACPI_START), vcpus,
							       dsdt_aml, dsdt_aml_end });
	if (guest_write(machine.vm.memory, l1_gpa(PC_ACPI_START), &machine.acpi,
			sizeof(machine.acpi)))
		panic("L1 has no memory for its ACPI tables");
}

static u64 memory_end_below_4g(void)
{
	u64 end = 0;

	for (u32 i = 0; i < machine.range_count; i++)
		if (machine.ranges[i].base.raw < 4 * GIB)
			end = machine.ranges[i].base.raw + machine.ranges[i].bytes;
	return end;
}

static void make_devices(struct vm *vm)
{
	const struct port_range ranges[] = {
		{ POWER_DEBUG_EXIT, POWER_DEBUG_EXIT + 3, power_read, power_write, &machine.power },
		{ POWER_SHUTDOWN, POWER_SHUTDOWN, power_read, power_write, &machine.power },
	};
	const struct load_range *last = &machine.ranges[machine.range_count - 1];
	const struct l1_memory memory = {
		.below_4g = vm->memory_end_below_4g,
		.above_4g = last->base.raw >= 4 * GIB ? last->bytes : 0,
	};

	machine.power.vm = vm;
	for (u32 i = 0; i < ARRAY_SIZE(ranges); i++)
		vm_claim_ports(vm, &ranges[i]);
	l1_board_create(vm, &memory);
}

static void make_vcpus(struct vm *vm)
{
	if (pfn_cache_expect(vm->memory, vm->vcpu_count * WALK_CACHE_PAGES))
		panic("no memory for the index of pfn-caches");
	for (u32 i = 0; i < vm->vcpu_count; i++) {
		if (vcpu_create(&machine.vcpus[i], vm, i))
			panic("no memory for the local APIC of vCPU %u", i);
		vm->vcpus[i] = &machine.vcpus[i];
	}
	vm->start = load_start(&machine.plan);
}

void machine_join(void)
{
	while (!__atomic_load_n(&machine.ready, __ATOMIC_ACQUIRE))
		cpu_pause();
	sched_run(&machine.vm);
}

u32 machine_run(const struct boot_info *info)
{
	struct vm *vm = &machine.vm;

	vm->config = &info->config;
	vm->vcpu_count =
		info->config.vcpus ? info->config.vcpus : MIN(cpu_online_count(), VCPUS_MAX);
	vm->cpu_count = MIN(vm->vcpu_count, cpu_online_count());
	vm->tsc_per_tick = (u32)(tsc_hz() >> 32) + 1; /* CPUID tells the clock in 32 bits */
	cpuid_policy_build(&vm->cpuid, &(struct cpuid_setup){
					       .vcpus = vm->vcpu_count,
					       .cpu2_controls = vmx_controls_for(CONTROL_SET_CPU2),
					       .nested = true,
					       .xsave_compacts = xsave_compacts(),
					       .tsc_hz = tsc_hz(),
					       .tsc_per_tick = vm->tsc_per_tick,
				       });
	vm->pte_reserved = BITS(51, 0) & ~BITS(vmx_caps()->physical_bits - 1, 0);
	vm->cr4_allowed = cr4_offered(&vm->cpuid) & vmx_caps()->cr4_fixed1;
	vm->memory_end_below_4g = memory_end_below_4g();
	make_memory(vm);
	if (info->config.bios)
		make_bios();
	make_acpi(vm->vcpu_count);
	for (u32 i = 0; i < machine.plan.copy_count; i++)
		copy_in(&machine.plan.copies[i]);
	if (nested_create_vm(vm))
		panic("no memory for the contexts of nested VMX");
	make_vcpus(vm);
	if (apicv_init_vm(vm))
		panic("no memory for the APIC-access page");
	pml01_init_vm(vm);
	vm_change_init(vm);
	make_devices(vm);
	log_line("L1", "starts: %s, %llu MiB, %u vCPU%s", info->kernel.name,
		 (unsigned long long)(machine.memory / MIB), vm->vcpu_count,
		 vm->vcpu_count == 1 ? "" : "s");
	__atomic_store_n(&machine.ready, true, __ATOMIC_RELEASE);
	sched_run(vm);
	return vm->exit_code;
}
