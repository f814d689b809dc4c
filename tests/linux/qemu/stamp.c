/* SPDX-License-Identifier: MIT */
/* Shows a console as tests/linux/vmm.c does, with instructions since its start and a prefix:
 * stamp <prefix> */
#include <unistd.h>

#include "hv/log.h"
#include "tests/linux/vmm/vmm.h"

int main(int argc, char **argv)
{
	char bytes[512];
	ssize_t count;

	console_open(argc == 2 ? argv[1] : "");
	console_start_clock();
	while ((count = read(STDIN_FILENO, bytes, sizeof(bytes))) > 0)
		log_write(bytes, (size_t)count);
	console_flush();
	return 0;
}
