/* SPDX-License-Identifier: MIT */
/* As the first process: say what the TSC is and how long CPUs have idled, then do /next or, where
 * there is none, switch off (tests/linux/bench.sh). */
#include <stdio.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <termios.h>
#include <unistd.h>
#include <x86intrin.h>

int main(void)
{
	unsigned long long tsc = __rdtsc();
	double up = 0, idle = 0;
	FILE *file;

	mount("proc", "/proc", "proc", 0, NULL);
	file = fopen("/proc/uptime", "r");
	if (!file || fscanf(file, "%lf %lf", &up, &idle) != 2)
		perror("bench_init: /proc/uptime");
	printf("\nBENCH linux_init tsc=%llu idle=%.2f\n", tsc, idle);
	fflush(stdout);
	tcdrain(STDOUT_FILENO);
	execl("/next", "/next", NULL);
	reboot(RB_POWER_OFF);
	return 1;
}
