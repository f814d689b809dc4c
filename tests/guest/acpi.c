/* SPDX-License-Identifier: MIT */
/* What the ACPI tables in the BIOS area say is so: CPUs, interrupts, ports. */
#include "hv/string.h"
#include "hv/x86.h"
#include "tests/guest/lib/acpi.h"
#include "tests/guest/lib/ioapic.h"
#include "tests/guest/lib/machine_test.h"
#include "tests/guest/lib/memory.h"
#include "tests/guest/lib/nestor.h"
#include "tests/guest/lib/smp.h"

#define IOAPIC_DATA      0x10u
#define ELCR             0x4d0u
#define CONTROL_SCI      0x0001u            /* PM1 control: SCI_EN */
#define CONTROL_SLEEP(n) ((u16)((n) << 10)) /* SLP_TYP */
#define COM1             0x3f8u
#define TIMER_WAIT       100000u

#define TABLES_REQUIRED()                                               \
	do {                                                            \
		if (!acpi_fadt() || !acpi_madt())                       \
			SKIP("no ACPI tables by way of the BIOS area"); \
	} while (0)

static u8 sum(u64 address, u64 bytes)
{
	u8 total = 0;

	for (u64 i = 0; i < bytes; i++)
		total = (u8)(total + *(const u8 *)(address + i));
	return total;
}

TEST(acpi, pointer_leads_to_both_roots)
{
	/* Expect: Nestor has one; both its sums are right; RSDT and XSDT name the same tables. */
	const struct acpi_rsdp *rsdp = (const void *)acpi_rsdp();
	const struct acpi_header *rsdt, *xsdt;

	if (!rsdp && !nestor_is_present())
		SKIP("no RSDP in the BIOS area");
	EXPECT(rsdp != NULL);
	EXPECT(acpi_fadt() != NULL);
	EXPECT(acpi_madt() != NULL);
	if (!rsdp || rsdp->revision < 2)
		SKIP("no XSDT");
	EXPECT_EQ(sum((u64)rsdp, ACPI_RSDP_BYTES_0), 0);
	EXPECT_EQ(sum((u64)rsdp, rsdp->length), 0);
	rsdt = (const void *)(u64)rsdp->rsdt_address;
	xsdt = (const void *)rsdp->xsdt_address;
	EXPECT_EQ(sum((u64)rsdt, rsdt->length), 0);
	EXPECT_EQ(sum((u64)xsdt, xsdt->length), 0);
	EXPECT_EQ((rsdt->length - sizeof(*rsdt)) / 4, (xsdt->length - sizeof(*xsdt)) / 8);
	for (u32 i = 0; i < (rsdt->length - sizeof(*rsdt)) / 4; i++) {
		u64 wide;

		memcpy(&wide, (const u8 *)(xsdt + 1) + 8 * (u64)i, 8);
		EXPECT_EQ(((const u32 *)(rsdt + 1))[i], wide);
	}
}

static bool is_in_ram(u64 address)
{
	for (size_t i = 0; i < memory_range_count(); i++) {
		struct memory_range range = memory_range(i);

		if (address >= range.base && address < range.end)
			return true;
	}
	return false;
}

TEST(acpi, tables_lie_outside_the_ram_of_the_map)
{
	/* Expect: nobody who takes RAM by the loader's map writes over a table. */
	const struct acpi_fadt *fadt = acpi_fadt();

	TABLES_REQUIRED();
	EXPECT(!is_in_ram(acpi_rsdp()));
	EXPECT(!is_in_ram((u64)fadt));
	EXPECT(!is_in_ram((u64)acpi_madt()));
	EXPECT(!is_in_ram(fadt->dsdt));
	EXPECT(!is_in_ram(fadt->firmware_ctrl));
}

/* Whether an enabled CPU with this APIC id is in the MADT; *count: how many CPUs are. */
static bool lists_cpu(u32 apic_id, u32 *count)
{
	const struct acpi_madt_local_x2apic *x2apic;
	const struct acpi_madt_local_apic *apic;
	bool found = false;

	*count = 0;
	for (u32 i = 0; (apic = acpi_madt_find(ACPI_MADT_LOCAL_APIC, i)) != NULL; i++) {
		if (!(apic->flags & ACPI_MADT_CPU_ENABLED))
			continue;
		found |= apic->apic_id == apic_id;
		(*count)++;
	}
	for (u32 i = 0; (x2apic = acpi_madt_find(ACPI_MADT_LOCAL_X2APIC, i)) != NULL; i++) {
		if (!(x2apic->flags & ACPI_MADT_CPU_ENABLED))
			continue;
		found |= x2apic->x2apic_id == apic_id;
		(*count)++;
	}
	return found;
}

TEST(acpi, cpus_are_those_that_answer)
{
	/* Expect: as many enabled CPUs as answer to INIT and SIPI, with their APIC ids. */
	u32 count;

	TABLES_REQUIRED();
	lists_cpu(0, &count);
	EXPECT_EQ(count, smp_count());
	for (u32 cpu = 0; cpu < smp_count(); cpu++)
		EXPECT(lists_cpu(smp_apic_id(cpu), &count));
}

TEST(acpi, io_apic_answers_at_its_address)
{
	/* Expect: a version and a number of pins, the same as where the other tests find it, and
	 * its interrupts begin at 0. */
	const struct acpi_madt_io_apic *io_apic;
	volatile u32 *registers;

	TABLES_REQUIRED();
	io_apic = acpi_madt_find(ACPI_MADT_IO_APIC, 0);
	if (!io_apic)
		SKIP("the MADT has no I/O APIC");
	registers = (volatile u32 *)(u64)io_apic->io_apic_address;
	registers[0] = IOAPIC_VERSION;
	EXPECT(ioapic_is_present());
	EXPECT_EQ(registers[IOAPIC_DATA / 4], ioapic_read(IOAPIC_VERSION));
	EXPECT_EQ(io_apic->global_system_interrupt_base, 0);
}

static const struct acpi_madt_override *find_override(u32 irq)
{
	const struct acpi_madt_override *override;

	for (u32 i = 0; (override = acpi_madt_find(ACPI_MADT_OVERRIDE, i)) != NULL; i++)
		if (override->source == irq)
			return override;
	return NULL;
}

MACHINE_TEST(acpi, overrides_are_as_lines_are_wired, NEED_IOAPIC | NEED_PIC)
{
	/* Expect: IRQ 0 at the pin of the timer; the SCI level-triggered, under Nestor for the
	 * 8259s as well. */
	const struct acpi_madt_override *timer, *sci;
	u32 irq;

	TABLES_REQUIRED();
	irq = acpi_fadt()->sci_int;
	timer = find_override(0);
	sci = find_override(irq);
	EXPECT(timer != NULL && sci != NULL);
	if (!timer || !sci)
		return;
	EXPECT_EQ(timer->global_system_interrupt, IOAPIC_PIN_TIMER);
	EXPECT_EQ(sci->global_system_interrupt, irq);
	EXPECT_EQ(sci->flags & ACPI_INTI_TRIGGER, ACPI_INTI_LEVEL);
	if (nestor_is_present())
		EXPECT(in8((u16)(ELCR + irq / 8)) >> (irq % 8) & 1);
}

TEST(acpi, pm_timer_ticks)
{
	/* Expect: what the FADT names counts, and has the bits that its flags say. */
	const struct acpi_fadt *fadt = acpi_fadt();
	u32 first, moved = 0;

	TABLES_REQUIRED();
	EXPECT_EQ(fadt->pm_tmr_len, 4);
	first = in32((u16)fadt->pm_tmr_blk);
	for (u32 i = 0; i < TIMER_WAIT && !moved; i++)
		moved = in32((u16)fadt->pm_tmr_blk) - first;
	EXPECT(moved != 0);
	if (!(fadt->flags & ACPI_FADT_TMR_VAL_EXT))
		EXPECT_EQ(first >> 24, 0);
}

TEST(acpi, control_register_takes_the_sleep_type)
{
	/* Expect: ACPI mode is on, and the type of a sleep that is not begun reads back. */
	const struct acpi_fadt *fadt = acpi_fadt();
	u16 port, before;

	TABLES_REQUIRED();
	port = (u16)fadt->pm1a_cnt_blk;
	before = in16(port);
	if (!(before & CONTROL_SCI))
		SKIP("not in ACPI mode");
	out16(port, (u16)((before & ~CONTROL_SLEEP(7)) | CONTROL_SLEEP(5)));
	EXPECT_EQ(in16(port) & CONTROL_SLEEP(7), CONTROL_SLEEP(5));
	out16(port, before);
	EXPECT_EQ(in16(port), before);
}

TEST(acpi, registers_are_claimed)
{
	/* Expect: under Nestor a device answers at each port that the FADT names. */
	static u64 before[NESTOR_COUNTERS], after[NESTOR_COUNTERS];
	const struct acpi_fadt *fadt = acpi_fadt();
	struct acpi_reset reset;

	if (!nestor_is_present())
		SKIP("needs Nestor");
	TABLES_REQUIRED();
	EXPECT(acpi_reset_register(&fadt->header, &reset));
	EXPECT(nestor_read_counters(before));
	in8(reset.port);
	in32((u16)fadt->pm1a_evt_blk);
	in16((u16)fadt->pm1a_cnt_blk);
	EXPECT(nestor_read_counters(after));
	EXPECT_EQ(after[NESTOR_COUNTER_PORT_UNCLAIMED], before[NESTOR_COUNTER_PORT_UNCLAIMED]);
}

TEST(acpi, control_structure_can_be_written)
{
	/* Expect: it is aligned for the global lock, which keeps what is written. */
	struct acpi_facs *facs;
	u32 before;

	TABLES_REQUIRED();
	facs = (void *)(u64)acpi_fadt()->firmware_ctrl;
	EXPECT_EQ((u64)facs % ACPI_FACS_ALIGN, 0);
	EXPECT_EQ(memcmp(facs->signature, "FACS", 4), 0);
	before = READ_ONCE(facs->global_lock);
	WRITE_ONCE(facs->global_lock, before ^ 2);
	EXPECT_EQ(READ_ONCE(facs->global_lock), before ^ 2);
	WRITE_ONCE(facs->global_lock, before);
}

TEST(acpi, dsdt_names_com1_pci_and_the_way_off)
{
	/* Expect: a whole table; under Nestor the ports of COM1, PNP0A03, and type 0 for \_S5. */
	static const u8 com1[] = { 0x47, 1, COM1 & 0xff, COM1 >> 8, COM1 & 0xff, COM1 >> 8 };
	static const u8 pci_root[] = { 0x41, 0xd0, 0x0a, 0x03 };
	const struct acpi_header *dsdt;

	TABLES_REQUIRED();
	dsdt = acpi_dsdt();
	EXPECT_EQ(memcmp(dsdt->signature, "DSDT", 4), 0);
	EXPECT_EQ(sum((u64)dsdt, dsdt->length), 0);
	if (!nestor_is_present())
		SKIP("what stands in it is for Nestor's board");
	EXPECT(acpi_dsdt_find(com1, sizeof(com1)) != NULL);
	EXPECT(acpi_dsdt_find(pci_root, sizeof(pci_root)) != NULL);
	EXPECT_EQ(acpi_s5_type(), 0);
}
