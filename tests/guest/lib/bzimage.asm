; SPDX-License-Identifier: MIT
; A bzImage of a test guest (Linux boot protocol, version 2.12): a setup sector with the header, then the image, which stays
; where it is linked. CODE and INIT_SIZE come from the command line.

SECTOR		equ 512
LOAD_ADDRESS	equ 4 << 20		; guest.ld

	times 0x1f1 - ($ - $$) db 0
	db 1				; setup_sects
	dw 0				; root_flags
	dd (code_end - code) / 16	; syssize
	dw 0, 0, 0			; ram_size, vid_mode, root_dev
	dw 0xaa55			; boot_flag
	db 0xeb, header_end - $ - 1	; jump
	db "HdrS"
	dw 0x20c			; version
	dd 0				; realmode_swtch
	dw 0, 0				; start_sys_seg, kernel_version
	db 0, 1				; type_of_loader; loadflags: LOADED_HIGH
	dw 0				; setup_move_size
	dd LOAD_ADDRESS, 0, 0, 0	; code32_start, ramdisk, bootsect_kludge
	dw 0				; heap_end_ptr
	db 0, 0				; ext_loader_ver, ext_loader_type
	dd 0, 0x7fffffff, 0x200000	; cmd_line_ptr, initrd_addr_max, kernel_alignment
	db 0, 21			; relocatable_kernel, min_alignment
	dw 1				; xloadflags: XLF_KERNEL_64
	dd 2047, 0			; cmdline_size, hardware_subarch
	dq 0				; hardware_subarch_data
	dd 0, 0				; payload_offset, payload_length
	dq 0, LOAD_ADDRESS		; setup_data, pref_address
	dd INIT_SIZE, 0			; init_size, handover_offset
header_end:
	times 2 * SECTOR - ($ - $$) db 0
code:
	incbin CODE
	align 16, db 0
code_end:
