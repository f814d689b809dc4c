; SPDX-License-Identifier: MIT
; The built-in self-test: the multiboot image that runs as L1 when the configuration names no kernel.

section .rodata
align 4096
global selftest_image:data hidden
global selftest_image_end:data hidden
selftest_image:
	incbin "guest/selftest.elf"
selftest_image_end:
