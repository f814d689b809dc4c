/* SPDX-License-Identifier: MIT */
/*
 * hv/guest/acpi_tables.c, read back by hv/acpi.c and boot/madt.c, with the DSDT of the image. The
 * tables lie below 4 GiB, as an RSDT has 32-bit pointers. What is built for each number of CPUs is
 * left in build/acpi/<CPUs>/ for iasl to judge (tests/run/acpi_test.sh).
 */
#define _GNU_SOURCE
#include "unit.h"
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include "boot/madt.h"
#include "hv/acpi.h"
#include "hv/dev/board.h"
#include "hv/guest/acpi_tables.h"
#include "hv/guest/dsdt.h"
#include "hv/guest/pc_memory.h"
#include "hv/log.h"

static const u32 cpu_counts[] = { 1, 2, 4, 16 };
static struct acpi_tables *tables;

/* The board's COM1 writes there. */
void log_write(const char *bytes, size_t count)
{
	(void)bytes;
	(void)count;
}

static u64 rsdp(void)
{
	return (uintptr_t)&tables->rsdp;
}

static void build(u32 vcpus)
{
	acpi_tables_build(tables, &(struct acpi_setup){ l1_gpa((uintptr_t)tables), vcpus, dsdt_aml,
							dsdt_aml_end });
}

static int setup(void **state)
{
	(void)state;
	tables = mmap(NULL, sizeof(*tables), PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	return tables == MAP_FAILED ? -1 : 0;
}

static int teardown(void **state)
{
	(void)state;
	return munmap(tables, sizeof(*tables));
}

static u8 sum(const void *bytes, size_t count)
{
	u8 total = 0;

	for (size_t i = 0; i < count; i++)
		total = (u8)(total + ((const u8 *)bytes)[i]);
	return total;
}

static const struct acpi_fadt *fadt(void)
{
	const void *table = acpi_find(rsdp(), "FACP");

	assert_non_null(table);
	return table;
}

static const struct acpi_header *dsdt(void)
{
	return (const void *)(uintptr_t)fadt()->dsdt;
}

UNIT(the_pointer_sums_up_in_both_lengths)
{
	build(2);
	assert_memory_equal(tables->rsdp.signature, "RSD PTR ", 8);
	assert_int_equal(tables->rsdp.revision, 2);
	assert_int_equal(tables->rsdp.length, 36);
	assert_int_equal(sum(&tables->rsdp, 20), 0);
	assert_int_equal(sum(&tables->rsdp, 36), 0);
}

UNIT(both_roots_lead_to_the_same_tables)
{
	const struct acpi_header *found[2];

	build(2);
	found[0] = acpi_find(rsdp(), "FACP");
	found[1] = acpi_find(rsdp(), "APIC");
	assert_ptr_equal(found[0], &tables->fadt);
	assert_ptr_equal(found[1], &tables->madt);
	tables->xsdt.header.checksum++;
	assert_ptr_equal(acpi_find(rsdp(), "FACP"), found[0]);
	assert_ptr_equal(acpi_find(rsdp(), "APIC"), found[1]);
	tables->rsdt.header.checksum++;
	assert_null(acpi_find(rsdp(), "FACP"));
}

UNIT(cpus_are_those_of_the_machine)
{
	for (u32 i = 0; i < ARRAY_SIZE(cpu_counts); i++) {
		struct cpu_list list = { 0 };
		const struct acpi_header *madt;

		build(cpu_counts[i]);
		madt = acpi_find(rsdp(), "APIC");
		assert_non_null(madt);
		assert_int_equal(madt_parse((const u8 *)madt, madt->length, &list), 0);
		assert_int_equal(list.count, cpu_counts[i]);
		assert_int_equal(list.dropped, 0);
		for (u32 cpu = 0; cpu < list.count; cpu++)
			assert_int_equal(list.apic_ids[cpu], cpu);
	}
}

/* The n-th entry of a type. */
static const void *entry(enum acpi_madt_type type, u32 number)
{
	const struct acpi_madt_entry *at = NULL;
	const struct acpi_header *madt = acpi_find(rsdp(), "APIC");

	while ((at = acpi_madt_next(madt, at)) != NULL)
		if (at->type == type && number-- == 0)
			return at;
	return NULL;
}

UNIT(interrupts_are_as_the_board_wires_them)
{
	const struct acpi_madt_override *timer, *sci;
	const struct acpi_madt_local_apic_nmi *nmi;

	build(4);
	timer = entry(ACPI_MADT_OVERRIDE, 0);
	sci = entry(ACPI_MADT_OVERRIDE, 1);
	nmi = entry(ACPI_MADT_LOCAL_APIC_NMI, 0);
	assert_true(timer && sci && nmi);
	assert_int_equal(timer->source, 0);
	assert_int_equal(timer->global_system_interrupt, 2);
	assert_int_equal(timer->flags, 0);
	assert_int_equal(sci->source, 9);
	assert_int_equal(sci->global_system_interrupt, 9);
	assert_int_equal(sci->flags, 0xd); /* active high, level */
	assert_null(entry(ACPI_MADT_OVERRIDE, 2));
	assert_int_equal(nmi->acpi_processor_uid, 0xff);
	assert_int_equal(nmi->local_apic_lint, 1);
	assert_int_equal(acpi_io_apic(acpi_find(rsdp(), "APIC"), 0), 0xfec00000);
	assert_int_equal(acpi_io_apic(acpi_find(rsdp(), "APIC"), 1), 0);
	assert_int_equal(fadt()->sci_int, 9);
}

/* A board's pin that rises when its IRQ does: what the overrides are about. */
UNIT(the_board_agrees_with_the_overrides)
{
	static struct board board;

	build(1);
	board_init(&board, &(struct board_setup){ .tsc_hz = 1000000000 });
	for (u32 i = 0; i < ACPI_OVERRIDES; i++) {
		const struct acpi_madt_override *override = entry(ACPI_MADT_OVERRIDE, i);
		bool level = (override->flags & ACPI_INTI_TRIGGER) == ACPI_INTI_LEVEL;
		const struct byte_ports *elcr = &board.ports[2];

		assert_int_equal(elcr->first, PIC_ELCR);
		assert_int_equal(elcr->read(elcr->device, (u16)(PIC_ELCR + override->source / 8),
					    0) >> (override->source % 8) &
					 1,
				 level);
		board_set_irq(&board, override->source, false);
		assert_false(board.ioapic.lines & BIT(override->global_system_interrupt));
		board_set_irq(&board, override->source, true);
		assert_true(board.ioapic.lines & BIT(override->global_system_interrupt));
	}
}

static void check_port(const struct acpi_gas *gas, u32 legacy, u32 bytes)
{
	assert_int_equal(gas->address_space_id, ACPI_SPACE_IO);
	assert_int_equal(gas->register_bit_width, 8 * bytes);
	assert_int_equal(gas->register_bit_offset, 0);
	assert_int_equal(gas->address, legacy);
}

UNIT(fixed_hardware_is_where_the_board_has_it)
{
	const struct acpi_fadt *table;
	struct acpi_gas gas;

	build(1);
	table = fadt();
	gas = table->x_pm1a_evt_blk;
	check_port(&gas, table->pm1a_evt_blk, table->pm1_evt_len);
	gas = table->x_pm1a_cnt_blk;
	check_port(&gas, table->pm1a_cnt_blk, table->pm1_cnt_len);
	gas = table->x_pm_tmr_blk;
	check_port(&gas, table->pm_tmr_blk, table->pm_tmr_len);
	assert_int_equal(table->pm1a_evt_blk, 0x600);
	assert_int_equal(table->pm1a_cnt_blk, 0x604);
	assert_int_equal(table->pm_tmr_blk, 0x608);
	assert_int_equal(table->century, 0x32);
	assert_int_equal(table->smi_cmd, 0);
	assert_false(table->flags & ACPI_FADT_HW_REDUCED_ACPI);
	assert_true(table->flags & ACPI_FADT_TMR_VAL_EXT);
	assert_false(table->iapc_boot_arch & (ACPI_IAPC_8042 | ACPI_IAPC_CMOS_RTC_NOT_PRESENT));
	assert_true(table->iapc_boot_arch & ACPI_IAPC_VGA_NOT_PRESENT);
}

UNIT(the_reset_register_is_the_chipsets)
{
	struct acpi_reset reset;

	build(1);
	assert_true(acpi_reset_register(&fadt()->header, &reset));
	assert_int_equal(reset.port, 0xcf9);
	assert_int_equal(reset.value, 6);
}

UNIT(the_control_structure_is_aligned)
{
	const struct acpi_facs *facs;

	build(1);
	facs = (const void *)(uintptr_t)fadt()->firmware_ctrl;
	assert_true(IS_ALIGNED((uintptr_t)facs, 64));
	assert_memory_equal(facs->signature, "FACS", 4);
	assert_int_equal(facs->length, 64);
	assert_int_equal(fadt()->x_firmware_ctrl, 0); /* one of the two only */
}

static bool dsdt_has(const void *bytes, size_t count)
{
	return memmem(dsdt(), dsdt()->length, bytes, count) != NULL;
}

UNIT(the_dsdt_is_whole)
{
	build(1);
	assert_memory_equal(dsdt()->signature, "DSDT", 4);
	assert_int_equal(dsdt()->length, dsdt_aml_end - dsdt_aml);
	assert_int_equal(sum(dsdt(), dsdt()->length), 0);
	assert_int_equal(fadt()->x_dsdt, fadt()->dsdt);
}

/* As bytes: names, EISA ids, "I/O Port Descriptor" and "IRQ Descriptor" next to each other. */
UNIT(the_dsdt_says_what_the_board_has)
{
	static const u8 com1[] = { 0x47, 1, 0xf8, 3, 0xf8, 3, 0, 8, 0x22, 0x10, 0 };
	static const u8 rtc[] = { 0x47, 1, 0x70, 0, 0x70, 0, 0, 2, 0x22, 0, 1 };
	static const u8 off[] = { '_', 'S', '5', '_', 0x12, 6, 4, 0, 0, 0, 0 };
	static const u8 calls[] = { 0x47, 1, 0x20, 0x20, 0x20, 0x20, 0, 4 };
	static const u8 uart_id[] = { 0x41, 0xd0, 0x05, 0x01 };

	build(1);
	assert_true(dsdt_has(com1, sizeof(com1)));
	assert_true(dsdt_has(uart_id, sizeof(uart_id)));
	assert_true(dsdt_has(rtc, sizeof(rtc)));
	assert_true(dsdt_has(calls, sizeof(calls)));
	assert_true(dsdt_has(off, sizeof(off)));
}

/* As bytes as well: a Word Address Space Descriptor is 88h, one of DWords 87h. */
UNIT(the_dsdt_has_pci_s_root)
{
	static const u8 root_id[] = { 0x41, 0xd0, 0x0a, 0x03 };
	static const u8 ports[] = { 0x47, 1, 0xf8, 0x0c, 0xf8, 0x0c, 0, 8 };
	static const u8 buses[] = { 0x88, 0x0d, 0, 2, 0x0c, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0 };
	const struct {
		u8 type, length[2], kind, flags, specific;
		u32 granularity, first, last, offset, bytes;
	} __attribute__((packed))
	window = { 0x87, { 0x17, 0 }, 0, 0x0c, 1, 0, 0xc0000000, 0xfe9fffff, 0, 0x3ea00000 };
	static const u8 ecam[] = { 0x86, 9, 0, 1, 0, 0, 0xa0, 0xfe, 0, 0, 0x10, 0 };

	build(1);
	assert_true(dsdt_has(root_id, sizeof(root_id)));
	assert_true(dsdt_has(ports, sizeof(ports)));
	assert_true(dsdt_has(buses, sizeof(buses)));
	assert_true(dsdt_has(&window, sizeof(window)));
	assert_int_equal(window.first, PC_HOLE_START);
	assert_true(window.last < PCI_ECAM_BASE);
	assert_true(dsdt_has(ecam, sizeof(ecam)));
}

UNIT(configuration_space_in_memory_is_where_the_board_has_it)
{
	static struct board board;
	const struct mmio_range *range = &board.mmio_ranges[1];
	const struct acpi_mcfg *mcfg;

	build(1);
	board_init(&board, &(struct board_setup){ .tsc_hz = 1000000000 });
	mcfg = (const void *)acpi_find(rsdp(), "MCFG");
	assert_non_null(mcfg);
	assert_int_equal(mcfg->header.length, 60);
	assert_int_equal(mcfg->base_address, range->first.raw);
	assert_int_equal((mcfg->end_bus - mcfg->start_bus + 1ULL) * MIB, range->bytes);
	assert_int_equal(mcfg->pci_segment_group, 0);
	assert_int_equal(range->read(range->device, 0, 4), PCI_DEVICE << 16 | PCI_VENDOR);
}

static void leave(u32 vcpus, const char *name, const void *bytes, size_t count)
{
	char path[64];
	FILE *file;

	mkdir("build", 0777);
	mkdir("build/acpi", 0777);
	snprintf(path, sizeof(path), "build/acpi/%u", vcpus);
	mkdir(path, 0777);
	snprintf(path, sizeof(path), "build/acpi/%u/%s.dat", vcpus, name);
	file = fopen(path, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, count, file), count);
	assert_int_equal(fclose(file), 0);
}

/* With the addresses that L1 sees; the RSDP is nothing that iasl knows. */
UNIT(every_table_is_left_for_iasl)
{
	for (u32 i = 0; i < ARRAY_SIZE(cpu_counts); i++) {
		u32 vcpus = cpu_counts[i];

		acpi_tables_build(tables, &(struct acpi_setup){ l1_gpa(PC_ACPI_START), vcpus,
								dsdt_aml, dsdt_aml_end });
		leave(vcpus, "facs", &tables->facs, sizeof(tables->facs));
		leave(vcpus, "rsdt", &tables->rsdt, tables->rsdt.header.length);
		leave(vcpus, "xsdt", &tables->xsdt, tables->xsdt.header.length);
		leave(vcpus, "facp", &tables->fadt, tables->fadt.header.length);
		leave(vcpus, "apic", &tables->madt, tables->madt.fixed.header.length);
		leave(vcpus, "mcfg", &tables->mcfg, sizeof(tables->mcfg));
		leave(vcpus, "dsdt", tables->dsdt, (size_t)(dsdt_aml_end - dsdt_aml));
	}
}

#define TEST_ROW(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_ROW(the_pointer_sums_up_in_both_lengths),
		TEST_ROW(both_roots_lead_to_the_same_tables),
		TEST_ROW(cpus_are_those_of_the_machine),
		TEST_ROW(interrupts_are_as_the_board_wires_them),
		TEST_ROW(the_board_agrees_with_the_overrides),
		TEST_ROW(fixed_hardware_is_where_the_board_has_it),
		TEST_ROW(the_reset_register_is_the_chipsets),
		TEST_ROW(the_control_structure_is_aligned),
		TEST_ROW(the_dsdt_is_whole),
		TEST_ROW(the_dsdt_says_what_the_board_has),
		TEST_ROW(the_dsdt_has_pci_s_root),
		TEST_ROW(configuration_space_in_memory_is_where_the_board_has_it),
		TEST_ROW(every_table_is_left_for_iasl),
	};

	return cmocka_run_group_tests_name("hv/guest/acpi_tables", tests, NULL, NULL);
}
