; SPDX-License-Identifier: MIT
; L1's DSDT as iasl compiles it (hv/guest/dsdt.asl).

section .rodata
align 16
global dsdt_aml:data hidden
global dsdt_aml_end:data hidden
dsdt_aml:
	incbin "dsdt.aml"
dsdt_aml_end:

; For host tests, which link it as well.
section .note.GNU-stack noalloc noexec nowrite progbits
