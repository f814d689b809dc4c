/* SPDX-License-Identifier: MIT */
/* PCI configuration by ports and by memory, the host bridge behind it, and the reset register. */
#include "hv/acpi.h"
#include "hv/pci.h"
#include "tests/guest/lib/acpi.h"
#include "tests/guest/lib/nestor.h"
#include "tests/test.h"

#define NOBODY     0xffffffffu
#define ECAM_BYTES 0x1000u /* for each function */
#define EMPTY_BUS  200u
#define RESET      0xcf9u
#define RESET_TYPE 0x02u /* which reset a later write asks for */

#define PCI_REQUIRED()                                        \
	do {                                                  \
		if (pci_config_read(0, PCI_REG_ID) == NOBODY) \
			SKIP("no PCI, or not this way");      \
	} while (0)

TEST(pci, address_register_reads_back)
{
	/* Expect: enable bit, bus, device, function and register, whatever is there. */
	static const u32 values[] = { 0x80000000, 0, 0x80fffffc, 0x00123454, 0x8000f8a0 };

	PCI_REQUIRED();
	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		out32(PCI_ADDRESS, values[i]);
		EXPECT_EQ(in32(PCI_ADDRESS), values[i]);
	}
}

TEST(pci, narrow_accesses_do_not_reach_the_address_register)
{
	/* Expect: bytes and words there are other devices', as kernels rely on that look for the
	 * older mechanism by a write to CFBh. */
	PCI_REQUIRED();
	out32(PCI_ADDRESS, 0x80000004);
	out8(PCI_ADDRESS, 0xa0);
	out8(PCI_ADDRESS + 2, 0x12);
	out8(PCI_ADDRESS + 3, 0x01);
	out16(PCI_ADDRESS + 2, 0);
	EXPECT_EQ(in32(PCI_ADDRESS), 0x80000004);
	EXPECT_EQ(in8(PCI_ADDRESS), 0xff);
	EXPECT_EQ(in16(PCI_ADDRESS + 2), 0xffff);
}

TEST(pci, reset_register_is_a_byte_of_its_own)
{
	/* Expect: CF9h keeps the type of reset through writes to the address register, whose
	 * second byte has the bit that resets, and the other way round. */
	u8 before;

	PCI_REQUIRED();
	before = in8(RESET);
	out32(PCI_ADDRESS, 0x80000008);
	out8(RESET, RESET_TYPE);
	EXPECT_EQ(in32(PCI_ADDRESS), 0x80000008);
	out32(PCI_ADDRESS, 0x8000ff00);
	EXPECT_EQ(in8(RESET), RESET_TYPE);
	out8(RESET, before & RESET_TYPE);
}

TEST(pci, device_0_is_a_host_bridge)
{
	/* Expect: class 0600h and ids that are some; under Nestor one function without BARs. */
	u32 id;

	PCI_REQUIRED();
	id = pci_config_read(0, PCI_REG_ID);
	EXPECT((id & 0xffff) != 0 && (id & 0xffff) != 0xffff);
	EXPECT_EQ(pci_config_read(0, PCI_REG_CLASS) >> 16, PCI_CLASS_HOST_BRIDGE);
	if (!nestor_is_present())
		return;
	EXPECT_EQ(id, 0x4e451234);
	for (u32 reg = PCI_REG_CLASS + 4; reg < 0x100; reg += 4)
		EXPECT_EQ(pci_config_read(0, reg), 0);
}

TEST(pci, data_register_is_read_in_parts)
{
	/* Expect: bytes and words of it are parts of what a read of all gives. */
	u32 class;

	PCI_REQUIRED();
	class = pci_config_read(0, PCI_REG_CLASS);
	for (u32 i = 0; i < 4; i++)
		EXPECT_EQ(in8((u16)(PCI_DATA + i)), class >> (8 * i) & 0xff);
	EXPECT_EQ(in16(PCI_DATA), class & 0xffff);
	EXPECT_EQ(in16(PCI_DATA + 2), class >> 16);
}

TEST(pci, read_only_registers_stay)
{
	/* Expect: ids and class take no writes; under Nestor nothing does, a BAR neither. */
	u32 id, class;

	PCI_REQUIRED();
	class = pci_config_read(0, PCI_REG_CLASS);
	out32(PCI_DATA, ~class);
	EXPECT_EQ(in32(PCI_DATA), class);
	id = pci_config_read(0, PCI_REG_ID);
	out32(PCI_DATA, ~id);
	out8(PCI_DATA, 0);
	EXPECT_EQ(in32(PCI_DATA), id);
	if (!nestor_is_present())
		return;
	pci_config_read(0, PCI_REG_BAR0);
	out32(PCI_DATA, ~0u);
	EXPECT_EQ(in32(PCI_DATA), 0);
	pci_config_read(0, PCI_REG_COMMAND);
	out16(PCI_DATA, 0x407);
	EXPECT_EQ(in32(PCI_DATA), 0);
}

TEST(pci, data_register_reads_ones_while_disabled)
{
	/* Expect: without the enable bit there is no configuration access. */
	PCI_REQUIRED();
	out32(PCI_ADDRESS, 0);
	EXPECT_EQ(in32(PCI_DATA), NOBODY);
	EXPECT_EQ(in8(PCI_DATA), 0xff);
}

TEST(pci, nobody_answers_elsewhere)
{
	/* Expect: all ones from a bus that is not there; under Nestor from every other function of
	 * bus 0 and from the other buses, and none of these accesses is at an unclaimed port. */
	static u64 before[NESTOR_COUNTERS], after[NESTOR_COUNTERS];
	u32 answers = 0;

	PCI_REQUIRED();
	for (u32 reg = 0; reg < 0x100; reg += 4)
		answers += pci_config_read(EMPTY_BUS * PCI_BUS_FUNCTIONS, reg) != NOBODY;
	EXPECT_EQ(answers, 0);
	if (!nestor_is_present())
		return;
	EXPECT(nestor_read_counters(before));
	for (u32 function = 1; function < PCI_BUS_FUNCTIONS; function++)
		answers += pci_config_read(function, PCI_REG_ID) != NOBODY;
	for (u32 bus = 1; bus < 256; bus++)
		answers += pci_config_read(bus * PCI_BUS_FUNCTIONS, PCI_REG_ID) != NOBODY;
	EXPECT_EQ(answers, 0);
	EXPECT(nestor_read_counters(after));
	EXPECT_EQ(after[NESTOR_COUNTER_PORT_UNCLAIMED], before[NESTOR_COUNTER_PORT_UNCLAIMED]);
}

TEST(pci, memory_shows_the_same)
{
	/* Expect: where the MCFG says, all of function 0 as the ports give it, in parts as well;
	 * under Nestor nothing behind it, and writes change nothing. */
	const struct acpi_mcfg *mcfg;
	volatile u32 *space;
	u32 answers = 0;

	PCI_REQUIRED();
	mcfg = acpi_rsdp() ? (const void *)acpi_find(acpi_rsdp(), "MCFG") : NULL;
	if (!mcfg && !nestor_is_present())
		SKIP("no MCFG by way of the BIOS area");
	EXPECT(mcfg != NULL);
	if (!mcfg)
		return;
	space = (volatile u32 *)mcfg->base_address;
	for (u32 reg = 0; reg < 0x100; reg += 4)
		EXPECT_EQ(space[reg / 4], pci_config_read(0, reg));
	EXPECT_EQ(((volatile u16 *)space)[PCI_REG_CLASS / 2 + 1], PCI_CLASS_HOST_BRIDGE);
	EXPECT_EQ(((volatile u8 *)space)[PCI_REG_CLASS + 3], PCI_CLASS_HOST_BRIDGE >> 8);
	if (!nestor_is_present())
		return;
	space[0] = 0;
	EXPECT_EQ(space[0], 0x4e451234);
	EXPECT_EQ(space[0x100 / 4], 0);
	for (u32 function = 1; function < PCI_BUS_FUNCTIONS; function++)
		answers += space[function * ECAM_BYTES / 4] != NOBODY;
	EXPECT_EQ(answers, 0);
}
