/* SPDX-License-Identifier: MIT */
/* The pair of 8259 interrupt controllers: IRQ n arrives at vector PIC_VECTOR + n. */
#ifndef TESTS_GUEST_LIB_PIC_H
#define TESTS_GUEST_LIB_PIC_H

#include "hv/types.h"

#define PIC_VECTOR      0x50u
#define PIC_IRQ_TIMER   0u
#define PIC_IRQ_CASCADE 2u
#define PIC_IRQ_COM1    4u
#define PIC_IRQ_RTC     8u
#define PIC_MASTER      0x20u
#define PIC_SLAVE       0xa0u

enum pic_eoi_mode { PIC_MANUAL_EOI, PIC_AUTO_EOI };

bool pic_is_present(void);
/* Initialize both, everything masked. */
void pic_init(enum pic_eoi_mode mode);
/* IRQs by bits; the cascade is opened by itself when a slave's IRQ is. */
void pic_unmask(u16 irqs);
void pic_mask_all(void);
/* Non-specific end of interrupt, to the slave too when the IRQ is its. */
void pic_eoi(u32 irq);
u16 pic_in_service(void);
u16 pic_requested(void);

#endif
