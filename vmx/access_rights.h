/* SPDX-License-Identifier: MIT */
/* Access rights of segment registers as the VMCS holds them (SDM "Format of Access Rights"), and
 * the parts of a selector. */
#ifndef VMX_ACCESS_RIGHTS_H
#define VMX_ACCESS_RIGHTS_H

/* In the order of the VMCS's fields; instruction information has the first six. */
enum segment {
	SEGMENT_ES,
	SEGMENT_CS,
	SEGMENT_SS,
	SEGMENT_DS,
	SEGMENT_FS,
	SEGMENT_GS,
	SEGMENT_LDTR,
	SEGMENT_TR,
	SEGMENTS
};

#define AR_TYPE(ar)        ((ar)&0xfu)
#define AR_S               (1u << 4)
#define AR_DPL(ar)         ((ar) >> 5 & 3u)
#define AR_P               (1u << 7)
#define AR_L               (1u << 13)
#define AR_DB              (1u << 14)
#define AR_G               (1u << 15)
#define AR_UNUSABLE        (1u << 16)

#define AR_FLAT_CODE       (AR_G | AR_DB | AR_P | AR_S | 0xbu) /* execute/read, accessed */
#define AR_LONG_CODE       (AR_G | AR_L | AR_P | AR_S | 0xbu)  /* the same for 64-bit mode */
#define AR_FLAT_DATA       (AR_G | AR_DB | AR_P | AR_S | 0x3u) /* read/write, accessed */
#define AR_BUSY_TSS        (AR_P | 0xbu)
#define AR_LDT             (AR_P | 0x2u)
#define AR_REAL_CODE       (AR_P | AR_S | 0xbu)
#define AR_REAL_DATA       (AR_P | AR_S | 0x3u)

#define AR_TYPE_BUSY_TSS16 0x3u

#define SELECTOR_RPL(sel)  ((sel)&3u)
#define SELECTOR_TI        (1u << 2) /* in the LDT */

#endif
