/* SPDX-License-Identifier: MIT */
/* The search in the table of function names: pure. */
#include "hv/symbols.h"

bool symbol_search(const struct symbol_table *table, u32 offset, const char **name, u32 *start)
{
	const char *names = (const char *)&table->entries[table->count];
	u32 low = 0, high = table->count;

	while (low < high) {
		u32 middle = low + (high - low) / 2;

		if (table->entries[middle].offset <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0)
		return false;
	*name = names + table->entries[low - 1].name;
	*start = table->entries[low - 1].offset;
	return true;
}
