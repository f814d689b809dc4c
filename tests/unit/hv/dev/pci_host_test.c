/* SPDX-License-Identifier: MIT */
/* Both ways to configuration space and the one function that they reach. */
#include "unit.h"
#include "hv/dev/pci_host.h"

#define ENABLE 0x80000000u

static u32 read_at(struct pci_host *host, u32 address)
{
	pci_host_write_address(host, address);
	return pci_host_read_data(host, 0, 4);
}

UNIT(reserved_bits_of_the_address_read_zero)
{
	struct pci_host host = { 0 };

	pci_host_write_address(&host, 0xffffffff);
	assert_int_equal(pci_host_read_address(&host), 0x80fffffc);
	pci_host_write_address(&host, 0x00345678);
	assert_int_equal(pci_host_read_address(&host), 0x00345678);
}

UNIT(function_0_is_a_host_bridge)
{
	struct pci_host host = { 0 };

	assert_int_equal(read_at(&host, ENABLE), PCI_DEVICE << 16 | PCI_VENDOR);
	assert_int_equal(read_at(&host, ENABLE | 8) >> 16, 0x0600);
	for (u32 reg = 4; reg < 0x100; reg += 4)
		if (reg != 8)
			assert_int_equal(read_at(&host, ENABLE | reg), 0);
}

UNIT(bytes_of_the_data_register_follow_each_other)
{
	struct pci_host host = { 0 };

	pci_host_write_address(&host, ENABLE);
	assert_int_equal(pci_host_read_data(&host, 0, 1), PCI_VENDOR & 0xff);
	assert_int_equal(pci_host_read_data(&host, 1, 1), PCI_VENDOR >> 8);
	assert_int_equal(pci_host_read_data(&host, 2, 2), PCI_DEVICE);
	assert_int_equal(pci_host_read_data(&host, 3, 1), PCI_DEVICE >> 8);
}

UNIT(all_else_reads_ones)
{
	struct pci_host host = { 0 };

	assert_int_equal(read_at(&host, 0), 0xffffffff);
	for (u32 function = 1; function < 0x10000; function++) {
		assert_int_equal(read_at(&host, ENABLE | function << 8), 0xffffffff);
		assert_int_equal(read_at(&host, ENABLE | function << 8 | 8), 0xffffffff);
	}
}

UNIT(memory_shows_the_same)
{
	struct pci_host host = { 0 };

	for (u32 reg = 0; reg < 0x100; reg += 4)
		assert_int_equal(pci_ecam_read(&host, reg, 4), read_at(&host, ENABLE | reg));
	assert_int_equal(pci_ecam_read(&host, 8, 8), 0x06000000);
	assert_int_equal(pci_ecam_read(&host, 1, 2), (PCI_DEVICE & 0xff) << 8 | PCI_VENDOR >> 8);
	assert_int_equal(pci_ecam_read(&host, 0x100, 4), 0); /* no extended capabilities */
	assert_int_equal(pci_ecam_read(&host, 0xffc, 4), 0);
	for (u64 function = 1; function < PCI_ECAM_BYTES >> 12; function++) {
		assert_int_equal(pci_ecam_read(&host, function << 12, 4), 0xffffffff);
		assert_true(pci_ecam_read(&host, function << 12 | 0xff8, 8) == ~0ULL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reserved_bits_of_the_address_read_zero),
		cmocka_unit_test(function_0_is_a_host_bridge),
		cmocka_unit_test(bytes_of_the_data_register_follow_each_other),
		cmocka_unit_test(all_else_reads_ones),
		cmocka_unit_test(memory_shows_the_same),
	};

	return cmocka_run_group_tests_name("hv/dev/pci_host", tests, NULL, NULL);
}
