/* SPDX-License-Identifier: MIT */
/*
 * Write protection of single pages of L1's memory, for who keeps something that was made of what a
 * page says. While a page has users, EPT01 has no leaf over it that lets L1 write. The first write
 * is told (change_ops.page_written), each user unprotects the page, and then the write happens. A
 * page is a gfn: it stays protected whatever regions come and go there.
 *
 *   user       lock ─ ept01_protect ─ unlock ─ ept01_protect_wait ─ read the page, use it
 *   writer     write not allowed ─ page_written: ept01_unprotect, "read it again" ─ write
 *
 * No write is missed. What was read after the wait has every write that did not meet the
 * protection, and a write that meets it is told before it happens:
 *   L1's       Its CPUs have left the guest and done INVEPT by the end of the wait: no translation
 *              of EPT01 that allows a write is left in a TLB.
 *   L0's       for L1, by a window: its check and the copy are one reader section, and the wait
 *              includes a grace period. A section that began before has copied; one that begins
 *              later sees the protection, and writes under the lock, where the page is checked
 *              again and cannot become protected.
 *   L0's       for L1, at a held page: its check comes after the hold, and the wait includes one
 *              for who held the page when it was protected.
 * Told before, not afterwards: another CPU of L1 may see the bytes as soon as they are there, and
 * ask for what follows from them (INVEPT, VM entry). That must find the page unprotected, or it
 * would be answered with what is out of date.
 *
 * Not seen: the CPU's own writes to pages that a VMCS has by their frame (virtual-APIC page,
 * posted-interrupt descriptor), writes through other tables than EPT01 (EPT02's leaves are the
 * matter of who protects), and that a change of regions puts another frame behind the gfn
 * (mm/change.h tells that).
 *
 * A page that nobody uses any more stays a page of its own in EPT01, writable again by the next
 * fault, since it is likely to be protected again: then nothing is split and no table is made. When
 * its place is wanted for another page, the leaf grows back to what it was. So there are at most as
 * many leaves made small, and tables for them, as the set has room for, whatever L1 does.
 */
#ifndef MM_EPT01_PROTECT_H
#define MM_EPT01_PROTECT_H

#include "mm/ept.h"

struct backing;   /* mm/vm_memory.h */
struct vm_memory; /* mm/memslot.h */

/* Once for a VM, before a CPU joins: room for so many pages, at up to 88 bytes each, in one block
 * of the host pool. Without it no page can be protected. 0 or -ENOMEM. */
int ept01_protect_create(struct vm_memory *memory, u32 pages);
/*
 * Lock held. The page has one user more, whom page_written finds as soon as the lock is given up;
 * ept01_protect_wait follows before the user relies on it, also where the page had users already. A
 * page of a read-only region is accepted. 0, or nothing is done: -ENOENT (no region), -ENOMEM (no
 * room, or no page for a table).
 */
int ept01_protect(struct vm_memory *memory, l1_gfn_t gfn);
/* Lock held. One of its users less. No wait: CPUs that still have it read-only fault once. */
void ept01_unprotect(struct vm_memory *memory, l1_gfn_t gfn);
/* Lock not held: after one or more ept01_protect, calls the VM's CPUs out and waits. */
void ept01_protect_wait(struct vm_memory *memory);

/* Lock held: whether it has users. One load where no page has. */
bool ept01_is_protected(const struct vm_memory *memory, l1_gfn_t gfn);
/* In a reader section. False: it is not, or the protection's wait comes after the section. */
bool ept01_may_be_protected(const struct vm_memory *memory, l1_gfn_t gfn);
/* Lock held: no leaf over the page allows writes any more; the flush is the caller's. 0 or -ENOMEM:
 * no page for a table, where the leaf is larger. */
int ept01_take_write_away(struct ept *ept, u64 gfn);
/* Lock held: ept01_leaf, smaller or without write permission where pages are protected,
 * or clean in a region that logs. */
struct ept_leaf ept01_protected_leaf(const struct vm_memory *memory, const struct backing *backing,
				     u64 gfn, u32 level);

#endif
