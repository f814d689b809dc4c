; SPDX-License-Identifier: MIT
; A module whose byte i is i % 251, which the guest tests know; its size is no multiple of a page.
%assign at 0
%rep 70001
	db at % 251
%assign at at + 1
%endrep
