/* SPDX-License-Identifier: MIT */
/* Memory operands of VMX instructions. */
#include "hv/string.h"
#include "vmx/canonical.h"
#include "vmx/inject.h"
#include "vmx/linear_fast.h"
#include "vmx/linear_now.h"
#include "vmx/nested/insn_info.h"
#include "vmx/nested/nested.h"
#include "vmx/ops.h"
#include "vmx/segment.h"
#include "vmx/vm.h"

/* Where the operand lies, byte by byte, because it may cross a page. */
struct place {
	l1_gpa_t first, second; /* its part in the first page, and in the next */
	u32 bytes_in_first;
};

static enum vmcs_field of_segment(enum vmcs_field of_es, enum segment segment)
{
	return (enum vmcs_field)((u32)of_es + 2 * (u32)segment);
}

/* The linear address; false: #GP or #SS was injected. */
static bool find_linear(struct vcpu *v, u32 bytes, bool is_write, u64 *linear)
{
	struct insn_operand operand = insn_info_decode((u32)vmcs_read(VMCS_EXIT_INSN_INFO));
	struct insn_place place = {
		.regs = v->regs,
		.displacement = exit_qualification(v),
		.long_code = segment_is_64bit_code(),
		.base = vmcs_read(of_segment(VMCS_GUEST_BASE_ES, operand.segment)),
		.limit = (u32)vmcs_read(of_segment(VMCS_GUEST_LIMIT_ES, operand.segment)),
		.rights = (u32)vmcs_read(of_segment(VMCS_GUEST_AR_ES, operand.segment)),
		.bytes = bytes,
		.is_write = is_write,
	};
	enum vector fault;

	v->regs[GPR_RSP] = vmcs_read(VMCS_GUEST_RSP);
	fault = insn_operand_locate(&operand, &place, linear);
	if (fault != VECTOR_NONE)
		inject_exception_error(v, fault, 0);
	return fault == VECTOR_NONE;
}

static bool translate(struct vcpu *v, u64 linear, bool is_write, l1_gpa_t *gpa)
{
	const struct paging_mode mode = linear_mode_now(v);
	struct linear_result r =
		linear_now(v, &mode, linear, is_write ? LINEAR_WRITE : LINEAR_READ);

	*gpa = r.gpa;
	if (r.faults)
		inject_page_fault(v, linear, r.error_code);
	return !r.faults;
}

/* All of it is translated before any of it is touched. */
static bool locate(struct vcpu *v, u32 bytes, bool is_write, struct place *place)
{
	u64 linear;

	if (!find_linear(v, bytes, is_write, &linear))
		return false;
	place->bytes_in_first = (u32)MIN(PAGE_SIZE - linear % PAGE_SIZE, (u64)bytes);
	if (!translate(v, linear, is_write, &place->first))
		return false;
	return place->bytes_in_first == bytes ||
	       translate(v, linear + place->bytes_in_first, is_write, &place->second);
}

/* Memory that does not exist reads all ones, like the bus. */
static void read_part(struct vcpu *v, l1_gpa_t from, void *to, u32 bytes)
{
	if (bytes && walk_cache_read(&v->walk, from, to, bytes))
		memset(to, 0xff, bytes);
}

/*
 * The usual operand, of a hypervisor in 64-bit code: in one page, which the usual walk finds.
 * False: the rules in full have to be looked at.
 */
static bool locate_fast(struct vcpu *v, u32 info, u32 bytes, l1_gpa_t *gpa)
{
	u64 linear = vmcs_read(VMCS_EXIT_QUALIFICATION);

	if (!v->nested->long_mode || insn_info_segment(info) >= SEGMENT_FS ||
	    !insn_info_is_64bit_address(info))
		return false;
	if (!(info & INSN_INFO_NO_BASE))
		linear += vmx_register_read(v, insn_info_base(info));
	if (unlikely(!(info & INSN_INFO_NO_INDEX)))
		linear += v->regs[insn_info_index(info)] << (info & 3);
	return is_canonical(linear, LINEAR_BITS) && linear % PAGE_SIZE <= PAGE_SIZE - bytes &&
	       linear_fast(v, linear, false, gpa);
}

static bool __attribute__((noinline)) read_by_rules(struct vcpu *v, void *value, u32 bytes)
{
	struct place place;

	if (!locate(v, bytes, false, &place))
		return false;
	read_part(v, place.first, value, place.bytes_in_first);
	read_part(v, place.second, (u8 *)value + place.bytes_in_first,
		  bytes - place.bytes_in_first);
	return true;
}

bool vmx_operand_read_first(struct vcpu *v, u32 info, u64 *value, u32 bytes)
{
	u64 whole[2];
	l1_gpa_t gpa;

	if (likely(locate_fast(v, info, bytes, &gpa) && !(gpa.raw % sizeof(u64)) &&
		   !walk_cache_read_u64(&v->walk, gpa, value)))
		return true;
	ASSERT(bytes <= sizeof(whole));
	if (!read_by_rules(v, whole, bytes))
		return false;
	*value = whole[0];
	return true;
}

bool vmx_operand_read(struct vcpu *v, void *value, u32 bytes)
{
	if (bytes == sizeof(u64))
		return vmx_operand_read_first(v, (u32)vmcs_read(VMCS_EXIT_INSN_INFO), value, bytes);
	return read_by_rules(v, value, bytes);
}

static void write_part(struct vcpu *v, l1_gpa_t to, const void *from, u32 bytes)
{
	if (bytes)
		(void)walk_cache_write(&v->walk, to, from, bytes);
}

bool vmx_operand_write(struct vcpu *v, const void *value, u32 bytes)
{
	struct place place;

	if (!locate(v, bytes, true, &place))
		return false;
	write_part(v, place.first, value, place.bytes_in_first);
	write_part(v, place.second, (const u8 *)value + place.bytes_in_first,
		   bytes - place.bytes_in_first);
	return true;
}
