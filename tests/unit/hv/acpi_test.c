/* SPDX-License-Identifier: MIT */
/* Finding ACPI tables. The tables lie below 4 GiB, as an RSDT has 32-bit pointers. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include "unit.h"
#include "hv/acpi.h"

#define AREA     4096u
#define RSDP     0u
#define RSDT     64u
#define XSDT     129u /* tables need not be aligned */
#define FADT     512u
#define MADT     1024u
#define FADT_LEN 244u

static u8 *area;

static u64 address(u32 offset)
{
	return (uintptr_t)area + offset;
}

static void put(u32 offset, u64 value, u32 bytes)
{
	memcpy(area + offset, &value, bytes);
}

/* Make the bytes sum to zero. */
static void seal(u32 table, u32 length, u32 checksum_at)
{
	u8 sum = 0;

	area[table + checksum_at] = 0;
	for (u32 i = 0; i < length; i++)
		sum = (u8)(sum + area[table + i]);
	area[table + checksum_at] = (u8)-sum;
}

static void put_table(u32 offset, const char *signature, u32 length)
{
	memcpy(area + offset, signature, 4);
	put(offset + 4, length, 4);
	seal(offset, length, 9);
}

static int setup(void **state)
{
	(void)state;
	area = mmap(NULL, AREA, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1,
		    0);
	if (area == MAP_FAILED)
		return -1;
	put(FADT + 112, 1 << 10, 4);
	put(FADT + 116, 1, 1);
	put(FADT + 120, 0xcf9, 8);
	put(FADT + 128, 0x06, 1);
	put_table(FADT, "FACP", FADT_LEN);
	put_table(MADT, "APIC", 44);
	put(RSDT + 36, address(FADT), 4);
	put(RSDT + 40, address(MADT), 4);
	put_table(RSDT, "RSDT", 44);
	put(XSDT + 36, address(FADT), 8);
	put(XSDT + 44, address(MADT), 8);
	put_table(XSDT, "XSDT", 52);
	memcpy(area + RSDP, "RSD PTR ", 8);
	put(RSDP + 15, 2, 1);
	put(RSDP + 16, address(RSDT), 4);
	put(RSDP + 24, address(XSDT), 8);
	seal(RSDP, 20, 8);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	return munmap(area, AREA);
}

UNIT(tables_are_found_by_both_roots)
{
	assert_ptr_equal(acpi_find(address(RSDP), "FACP"), area + FADT);
	assert_ptr_equal(acpi_find(address(RSDP), "APIC"), area + MADT);
	assert_null(acpi_find(address(RSDP), "HPET"));
	memset(area + XSDT, 0, 52); /* now only the RSDT is good */
	assert_ptr_equal(acpi_find(address(RSDP), "FACP"), area + FADT);
	assert_ptr_equal(acpi_find(address(RSDP), "APIC"), area + MADT);
}

/* ACPI 1.0 knows no XSDT: what stands at its place means nothing. */
UNIT(revision_0_uses_the_rsdt)
{
	put(RSDP + 15, 0, 1);
	seal(RSDP, 20, 8);
	put(RSDT + 36, address(MADT), 4);
	seal(RSDT, 44, 9);
	assert_null(acpi_find(address(RSDP), "FACP"));
	assert_ptr_equal(acpi_find(address(RSDP), "APIC"), area + MADT);
}

UNIT(what_is_broken_is_not_found)
{
	assert_null(acpi_find(0, "FACP"));
	area[FADT + 40]++; /* wrong sum */
	assert_null(acpi_find(address(RSDP), "FACP"));
	assert_non_null(acpi_find(address(RSDP), "APIC"));
	put(MADT + 4, 35, 4); /* shorter than its header */
	seal(MADT, 35, 9);
	assert_null(acpi_find(address(RSDP), "APIC"));
	area[RSDP + 9]++;
	assert_null(acpi_find(address(RSDP), "FACP"));
	memset(area, 0, AREA);
	assert_null(acpi_find(address(RSDP), "FACP"));
}

UNIT(the_reset_register_must_be_a_port)
{
	const struct acpi_header *fadt = (const void *)(area + FADT);
	struct acpi_reset reset = { 0 };

	assert_true(acpi_reset_register(fadt, &reset));
	assert_int_equal(reset.port, 0xcf9);
	assert_int_equal(reset.value, 0x06);
	put(FADT + 116, 0, 1); /* in memory */
	assert_false(acpi_reset_register(fadt, &reset));
	put(FADT + 116, 1, 1);
	put(FADT + 112, 0, 4); /* not supported */
	assert_false(acpi_reset_register(fadt, &reset));
	put(FADT + 112, 1 << 10, 4);
	put(FADT + 4, 116, 4); /* ACPI 1.0: the table ends before */
	assert_false(acpi_reset_register(fadt, &reset));
	assert_false(acpi_reset_register(NULL, &reset));
}

UNIT(io_apics_are_the_entries_of_type_1)
{
	/* A local APIC, an I/O APIC, one cut short of its address, another, one that sticks out. */
	static const u8 entries[] = { 0,    8,    0,    0,    1, 0, 0, 0, 1, 12, 0, 0,  0, 0,
				      0xc0, 0xfe, 0,    0,    0, 0, 1, 4, 0, 0,  1, 12, 0, 0,
				      0,    0x10, 0xc0, 0xfe, 0, 0, 0, 0, 1, 13, 0, 0 };
	u8 table[44 + sizeof(entries)] = { 0 };
	struct acpi_header *madt = (struct acpi_header *)table;

	memcpy(table + 44, entries, sizeof(entries));
	madt->length = sizeof(table);
	assert_int_equal(acpi_io_apic(madt, 0), 0xfec00000);
	assert_int_equal(acpi_io_apic(madt, 1), 0xfec01000);
	assert_int_equal(acpi_io_apic(madt, 2), 0);
	assert_int_equal(acpi_io_apic(NULL, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(tables_are_found_by_both_roots, setup, teardown),
		cmocka_unit_test_setup_teardown(revision_0_uses_the_rsdt, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_broken_is_not_found, setup, teardown),
		cmocka_unit_test_setup_teardown(the_reset_register_must_be_a_port, setup, teardown),
		cmocka_unit_test_setup_teardown(io_apics_are_the_entries_of_type_1, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
