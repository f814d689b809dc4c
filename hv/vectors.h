/* SPDX-License-Identifier: MIT */
/* Vectors of exceptions (SDM "Exception and Interrupt Vectors"). */
#ifndef HV_VECTORS_H
#define HV_VECTORS_H

enum vector {
	VECTOR_DE = 0,
	VECTOR_DB = 1,
	VECTOR_NMI = 2,
	VECTOR_BP = 3,
	VECTOR_UD = 6,
	VECTOR_NM = 7,
	VECTOR_DF = 8,
	VECTOR_TS = 10,
	VECTOR_NP = 11,
	VECTOR_SS = 12,
	VECTOR_GP = 13,
	VECTOR_PF = 14,
	VECTOR_AC = 17,
	VECTOR_MC = 18,
	VECTOR_NONE = VECTOR_DE, /* where none is due: #DE is never L0's to raise */
};

#endif
