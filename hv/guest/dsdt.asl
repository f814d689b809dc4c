// SPDX-License-Identifier: MIT
// L1's DSDT: PCI's root and the ISA devices of its board, and how it is switched off. Names in capitals are macros of
// hv/dev, which the C preprocessor puts in. There are no processor devices: the MADT lists the CPUs, and they have neither
// C- nor P-states.

DefinitionBlock ("", "DSDT", 2, "NESTOR", "L1", 1)
{
	Name (\_S5, Package () { PM_SLEEP_TYPE_S5, PM_SLEEP_TYPE_S5, 0, 0 })

	Scope (\_SB)
	{
		Device (PCI0) // a host bridge alone; PM_RESET lies in the middle of its address register
		{
			Name (_HID, EisaId ("PNP0A03"))
			Name (_UID, 0)
			Name (_BBN, 0)
			Name (_CRS, ResourceTemplate ()
			{
				WordBusNumber (ResourceProducer, MinFixed, MaxFixed, PosDecode, 0, 0, 0, 0, 1)
				IO (Decode16, PCI_ADDRESS, PCI_ADDRESS, 0, 8)
				WordIO (ResourceProducer, MinFixed, MaxFixed, PosDecode, EntireRange,
					0, 0, 0x0cf7, 0, 0x0cf8)
				WordIO (ResourceProducer, MinFixed, MaxFixed, PosDecode, EntireRange,
					0, 0x0d00, 0xffff, 0, 0xf300)
				DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed, NonCacheable, ReadWrite,
					0, PCI_MEMORY_FIRST, PCI_MEMORY_LAST, 0, PCI_MEMORY_BYTES)
			})
		}

		Device (PIC)
		{
			Name (_HID, EisaId ("PNP0000"))
			Name (_CRS, ResourceTemplate ()
			{
				IO (Decode16, PIC_MASTER, PIC_MASTER, 0, 2)
				IO (Decode16, PIC_SLAVE, PIC_SLAVE, 0, 2)
				IO (Decode16, PIC_ELCR, PIC_ELCR, 0, 2)
				IRQNoFlags () { PIC_CASCADE }
			})
		}

		Device (PIT)
		{
			Name (_HID, EisaId ("PNP0100"))
			Name (_CRS, ResourceTemplate ()
			{
				IO (Decode16, PIT_CHANNEL0, PIT_CHANNEL0, 0, 4)
				IRQNoFlags () { BOARD_IRQ_TIMER }
			})
		}

		Device (SPKR) // port 61h: without a speaker, but it gates the 8254's channel 2
		{
			Name (_HID, EisaId ("PNP0800"))
			Name (_CRS, ResourceTemplate ()
			{
				IO (Decode16, PIT_SYSTEM_CONTROL, PIT_SYSTEM_CONTROL, 0, 1)
			})
		}

		Device (RTC)
		{
			Name (_HID, EisaId ("PNP0B00"))
			Name (_CRS, ResourceTemplate ()
			{
				IO (Decode16, RTC_INDEX, RTC_INDEX, 0, 2)
				IRQNoFlags () { BOARD_IRQ_RTC }
			})
		}

		Device (COM1)
		{
			Name (_HID, EisaId ("PNP0501"))
			Name (_UID, 1)
			Name (_CRS, ResourceTemplate ()
			{
				IO (Decode16, UART_COM1, UART_COM1, 0, 8)
				IRQNoFlags () { BOARD_IRQ_COM1 }
			})
		}

		Device (BRD) // what else answers: PCI's registers in memory, ACPI's registers, ways to end the machine, what is for tests
		{
			Name (_HID, EisaId ("PNP0C02"))
			Name (_UID, 1)
			Name (_CRS, ResourceTemplate ()
			{
				IO (Decode16, PM_BASE, PM_BASE, 0, 12)
				IO (Decode16, POWER_DEBUG_EXIT, POWER_DEBUG_EXIT, 0, 4)
				IO (Decode16, POWER_SHUTDOWN, POWER_SHUTDOWN, 0, 1)
				IO (Decode16, BOARD_LINES, BOARD_LINES, 0, IOAPIC_PINS)
				Memory32Fixed (ReadWrite, PCI_ECAM_BASE, PCI_ECAM_BYTES)
				IO (Decode16, NESTOR_CALL_PORT, NESTOR_CALL_PORT, 0, 4)
			})
		}
	}
}
