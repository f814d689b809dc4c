/* SPDX-License-Identifier: MIT */
/* Configuration mechanism #1 and the one function that it reaches. */
#include "unit.h"
#include "hv/dev/pci_host.h"

#define ENABLE 0x80000000u

static u32 read_at(struct pci_host *host, u32 address)
{
	pci_host_write_address(host, address);
	return pci_host_read_data(host, 0);
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
	assert_int_equal(pci_host_read_data(&host, 0) & 0xff, PCI_VENDOR & 0xff);
	assert_int_equal(pci_host_read_data(&host, 1) & 0xff, PCI_VENDOR >> 8);
	assert_int_equal(pci_host_read_data(&host, 2) & 0xffff, PCI_DEVICE);
	assert_int_equal(pci_host_read_data(&host, 3) & 0xff, PCI_DEVICE >> 8);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reserved_bits_of_the_address_read_zero),
		cmocka_unit_test(function_0_is_a_host_bridge),
		cmocka_unit_test(bytes_of_the_data_register_follow_each_other),
		cmocka_unit_test(all_else_reads_ones),
	};

	return cmocka_run_group_tests_name("hv/dev/pci_host", tests, NULL, NULL);
}
