/* SPDX-License-Identifier: MIT */
/*
 * Address spaces as types: an L2 address cannot be passed for an L1 address, nor a frame number for
 * an address. Only memslot, ept12 and ept02 turn one space into another.
 */
#ifndef MM_ADDR_H
#define MM_ADDR_H

#include "hv/types.h"

/* For a space: the address type, its frame-number type, and the ways between the two. */
#define ADDRESS_SPACE(addr, frame)                                  \
	typedef struct {                                            \
		u64 raw;                                            \
	} addr##_t;                                                 \
	typedef struct {                                            \
		u64 raw;                                            \
	} frame##_t;                                                \
	static inline addr##_t addr(u64 raw)                        \
	{                                                           \
		return (addr##_t){ raw };                           \
	}                                                           \
	static inline frame##_t frame(u64 raw)                      \
	{                                                           \
		return (frame##_t){ raw };                          \
	}                                                           \
	static inline frame##_t addr##_to_##frame(addr##_t a)       \
	{                                                           \
		return (frame##_t){ a.raw >> PAGE_SHIFT };          \
	}                                                           \
	static inline addr##_t frame##_to_##addr(frame##_t f)       \
	{                                                           \
		return (addr##_t){ f.raw << PAGE_SHIFT };           \
	}                                                           \
	static inline addr##_t addr##_add(addr##_t a, u64 bytes)    \
	{                                                           \
		return (addr##_t){ a.raw + bytes };                 \
	}                                                           \
	static inline frame##_t frame##_add(frame##_t f, u64 pages) \
	{                                                           \
		return (frame##_t){ f.raw + pages };                \
	}

ADDRESS_SPACE(hpa, pfn)       /* host physical */
ADDRESS_SPACE(l1_gpa, l1_gfn) /* what L1 takes for physical */
ADDRESS_SPACE(l2_gpa, l2_gfn) /* what L2 takes for physical */

#undef ADDRESS_SPACE

#endif
