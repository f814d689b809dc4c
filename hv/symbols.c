/* SPDX-License-Identifier: MIT */
/* Looking up a function's name: binary search in the table that the linker placed. */
#include "hv/symbols.h"
#include "hv/image.h"

bool symbol_find(u64 address, const char **name, u64 *offset)
{
	u64 base = (uintptr_t)ImageBase;
	u32 start;

	/* The first link has no table. */
	if (__symbols_end - __symbols_start < (ptrdiff_t)sizeof(struct symbol_table))
		return false;
	if (address < (uintptr_t)__text_start || address >= (uintptr_t)__text_end)
		return false;
	if (!symbol_search((const void *)__symbols_start, (u32)(address - base), name, &start))
		return false;
	*offset = address - base - start;
	return true;
}
