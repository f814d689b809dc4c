/* SPDX-License-Identifier: MIT */
/*
 * ACPI tables as they lie in memory (ACPI specification 6.0, "ACPI Software Programming Model");
 * names as there. Tables need not be aligned.
 */
#ifndef HV_ACPI_FORMAT_H
#define HV_ACPI_FORMAT_H

#include "hv/types.h"

#define ACPI_PACKED         __attribute__((packed))

/* "Root System Description Pointer": found by its signature on a 16-byte boundary of the BIOS
 * area. */
#define ACPI_RSDP_SIGNATURE "RSD PTR "
#define ACPI_RSDP_START     0xe0000u
#define ACPI_RSDP_END       0x100000u
#define ACPI_RSDP_STEP      16u

struct acpi_rsdp {
	char signature[8];
	u8 checksum; /* of what revision 0 has: up to rsdt_address */
	char oemid[6];
	u8 revision;
	u32 rsdt_address;
	u32 length; /* from here on: since revision 2 */
	u64 xsdt_address;
	u8 extended_checksum; /* of all */
	u8 reserved[3];
} ACPI_PACKED;

#define ACPI_RSDP_BYTES_0 offsetof(struct acpi_rsdp, length)

/* "System Description Table Header" */
struct acpi_header {
	char signature[4];
	u32 length; /* of the whole table */
	u8 revision;
	u8 checksum;
	char oemid[6];
	char oem_table_id[8];
	u32 oem_revision;
	char creator_id[4];
	u32 creator_revision;
} ACPI_PACKED;

/* "Generic Address Structure" */
#define ACPI_SPACE_IO     1
#define ACPI_ACCESS_BYTE  1
#define ACPI_ACCESS_WORD  2
#define ACPI_ACCESS_DWORD 3

struct acpi_gas {
	u8 address_space_id;
	u8 register_bit_width;
	u8 register_bit_offset;
	u8 access_size;
	u64 address;
} ACPI_PACKED;

/* "Fixed ACPI Description Table" */
#define ACPI_FADT_WBINVD               BIT(0)
#define ACPI_FADT_PROC_C1              BIT(2)
#define ACPI_FADT_PWR_BUTTON           BIT(4) /* there is none in the fixed registers */
#define ACPI_FADT_SLP_BUTTON           BIT(5) /* nor this */
#define ACPI_FADT_FIX_RTC              BIT(6) /* nor the RTC's wake status */
#define ACPI_FADT_TMR_VAL_EXT          BIT(8) /* the PM timer has 32 bits */
#define ACPI_FADT_RESET_REG_SUP        BIT(10)
#define ACPI_FADT_HEADLESS             BIT(12)
#define ACPI_FADT_HW_REDUCED_ACPI      BIT(20)

/* "IA-PC Boot Architecture Flags" */
#define ACPI_IAPC_LEGACY_DEVICES       BIT(0)
#define ACPI_IAPC_8042                 BIT(1)
#define ACPI_IAPC_VGA_NOT_PRESENT      BIT(2)
#define ACPI_IAPC_CMOS_RTC_NOT_PRESENT BIT(5)

struct acpi_fadt {
	struct acpi_header header;
	u32 firmware_ctrl;
	u32 dsdt;
	u8 reserved_int_model;
	u8 preferred_pm_profile;
	u16 sci_int;
	u32 smi_cmd;
	u8 acpi_enable;
	u8 acpi_disable;
	u8 s4bios_req;
	u8 pstate_cnt;
	u32 pm1a_evt_blk;
	u32 pm1b_evt_blk;
	u32 pm1a_cnt_blk;
	u32 pm1b_cnt_blk;
	u32 pm2_cnt_blk;
	u32 pm_tmr_blk;
	u32 gpe0_blk;
	u32 gpe1_blk;
	u8 pm1_evt_len;
	u8 pm1_cnt_len;
	u8 pm2_cnt_len;
	u8 pm_tmr_len;
	u8 gpe0_blk_len;
	u8 gpe1_blk_len;
	u8 gpe1_base;
	u8 cst_cnt;
	u16 p_lvl2_lat;
	u16 p_lvl3_lat;
	u16 flush_size;
	u16 flush_stride;
	u8 duty_offset;
	u8 duty_width;
	u8 day_alrm;
	u8 mon_alrm;
	u8 century;
	u16 iapc_boot_arch;
	u8 reserved;
	u32 flags;
	struct acpi_gas reset_reg;
	u8 reset_value;
	u16 arm_boot_arch;
	u8 fadt_minor_version;
	u64 x_firmware_ctrl;
	u64 x_dsdt;
	struct acpi_gas x_pm1a_evt_blk;
	struct acpi_gas x_pm1b_evt_blk;
	struct acpi_gas x_pm1a_cnt_blk;
	struct acpi_gas x_pm1b_cnt_blk;
	struct acpi_gas x_pm2_cnt_blk;
	struct acpi_gas x_pm_tmr_blk;
	struct acpi_gas x_gpe0_blk;
	struct acpi_gas x_gpe1_blk;
	struct acpi_gas sleep_control_reg;
	struct acpi_gas sleep_status_reg;
	char hypervisor_vendor_identity[8];
} ACPI_PACKED;

/* "Firmware ACPI Control Structure": 64-byte aligned, without a checksum; the OS writes to it. */
#define ACPI_FACS_ALIGN 64

struct acpi_facs {
	char signature[4];
	u32 length;
	u32 hardware_signature;
	u32 firmware_waking_vector;
	u32 global_lock;
	u32 flags;
	u64 x_firmware_waking_vector;
	u8 version;
	u8 reserved[3];
	u32 ospm_flags;
	u8 reserved_2[24];
};

/* "Multiple APIC Description Table" */
#define ACPI_MADT_PCAT_COMPAT BIT(0) /* there are 8259s as well */
#define ACPI_MADT_CPU_ENABLED BIT(0)
#define ACPI_MADT_ALL_CPUS    0xff

/* "MPS INTI Flags": 0 is what the bus has, for ISA edges and active high. */
#define ACPI_INTI_POLARITY    3
#define ACPI_INTI_ACTIVE_HIGH 1
#define ACPI_INTI_TRIGGER     (3 << 2)
#define ACPI_INTI_LEVEL       (3 << 2)

/* PCI Firmware Specification, "MCFG Table Description": one bus group. */
struct acpi_mcfg {
	struct acpi_header header;
	u64 reserved;
	u64 base_address;
	u16 pci_segment_group;
	u8 start_bus, end_bus;
	u32 reserved_entry;
} ACPI_PACKED;

/* "Interrupt Controller Structure Types" */
enum acpi_madt_type {
	ACPI_MADT_LOCAL_APIC = 0,
	ACPI_MADT_IO_APIC = 1,
	ACPI_MADT_OVERRIDE = 2,
	ACPI_MADT_LOCAL_APIC_NMI = 4,
	ACPI_MADT_LOCAL_X2APIC = 9,
};

struct acpi_madt {
	struct acpi_header header;
	u32 local_interrupt_controller_address;
	u32 flags;
} ACPI_PACKED; /* then the entries, each of which begins with this: */

struct acpi_madt_entry {
	u8 type; /* enum acpi_madt_type */
	u8 length;
} ACPI_PACKED;

struct acpi_madt_local_apic {
	struct acpi_madt_entry entry;
	u8 acpi_processor_uid;
	u8 apic_id;
	u32 flags;
} ACPI_PACKED;

struct acpi_madt_io_apic {
	struct acpi_madt_entry entry;
	u8 io_apic_id;
	u8 reserved;
	u32 io_apic_address;
	u32 global_system_interrupt_base;
} ACPI_PACKED;

/* "Interrupt Source Override Structure" */
struct acpi_madt_override {
	struct acpi_madt_entry entry;
	u8 bus; /* 0: ISA */
	u8 source;
	u32 global_system_interrupt;
	u16 flags;
} ACPI_PACKED;

struct acpi_madt_local_apic_nmi {
	struct acpi_madt_entry entry;
	u8 acpi_processor_uid;
	u16 flags;
	u8 local_apic_lint;
} ACPI_PACKED;

struct acpi_madt_local_x2apic {
	struct acpi_madt_entry entry;
	u16 reserved;
	u32 x2apic_id;
	u32 flags;
	u32 acpi_processor_uid;
} ACPI_PACKED;

_Static_assert(sizeof(struct acpi_rsdp) == 36 && ACPI_RSDP_BYTES_0 == 20 &&
		       sizeof(struct acpi_header) == 36 && sizeof(struct acpi_gas) == 12 &&
		       sizeof(struct acpi_fadt) == 276 && sizeof(struct acpi_facs) == 64,
	       "the layouts are the specification's");
_Static_assert(offsetof(struct acpi_fadt, flags) == 112 &&
		       offsetof(struct acpi_fadt, x_firmware_ctrl) == 132 &&
		       offsetof(struct acpi_fadt, sleep_control_reg) == 244,
	       "\"FADT Format\"");
_Static_assert(sizeof(struct acpi_madt) == 44 && sizeof(struct acpi_madt_local_apic) == 8 &&
		       sizeof(struct acpi_madt_io_apic) == 12 &&
		       sizeof(struct acpi_madt_override) == 10 &&
		       sizeof(struct acpi_madt_local_apic_nmi) == 6 &&
		       sizeof(struct acpi_madt_local_x2apic) == 16,
	       "\"Multiple APIC Description Table (MADT)\"");

#endif
