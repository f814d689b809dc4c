/* SPDX-License-Identifier: MIT */
/*
 * Runs a kernel as a guest of Linux' KVM, and so as an L2 where Linux is L1: multiboot, PVH and
 * bzImage files, several CPUs, Nestor's own board. The guest's console goes to stdout; the status
 * is what the guest gave when it switched off.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/linux/vmm/vmm.h"

#define KVM_TSS_ADDRESS 0xfffbd000u /* three pages that no device has, for real mode without UG */
#define MEMORY_DEFAULT  (128 * MIB)

static const char usage[] =
	"usage: vmm [option ...] <kernel>\n"
	"  -c <CPUs>      1 to 16 (1)\n"
	"  -m <MiB>       memory, from 8 on (128)\n"
	"  -i <file>      a module, for Linux its initrd; up to 4\n"
	"  -a <text>      the kernel's command line\n"
	"  -p <text>      what begins each line of its console\n"
	"  -s             KVM's statistics at the end\n"
	"  -q             no interrupts of the 8254 in this machine meanwhile\n";

void vmm_end(struct vmm *vmm, int status, const char *why)
{
	static pthread_mutex_t once = PTHREAD_MUTEX_INITIALIZER;

	pthread_mutex_lock(&once);
	console_flush();
	quiet_end();
	if (vmm->options.statistics)
		statistics_print(vmm);
	printf("vmm: %s: END code=%d\n", why, status);
	fflush(stdout);
	_Exit(status);
}

static u64 number(const char *text, u64 least, u64 most, const char *what)
{
	char *rest;
	u64 value = strtoull(text, &rest, 10);

	if (*text == '\0' || *rest || value < least || value > most)
		vmm_fail("-%s %s: expected a number from %llu to %llu", what, text,
			 (unsigned long long)least, (unsigned long long)most);
	return value;
}

static void take_module(struct vmm_options *options, const char *path)
{
	if (options->module_count == VMM_MODULES_MAX)
		vmm_fail("-i %s: at most %u modules", path, VMM_MODULES_MAX);
	options->modules[options->module_count++] = path;
}

static void parse(struct vmm_options *options, int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "c:m:i:a:p:tsq")) != -1) {
		switch (option) {
		case 'c':
			options->cpus = (u32)number(optarg, 1, VMM_CPUS_MAX, "c");
			break;
		case 'm':
			options->memory = number(optarg, PC_MEMORY_MIN / MIB, 2048, "m") * MIB;
			break;
		case 'i':
			take_module(options, optarg);
			break;
		case 'a':
			options->cmdline = optarg;
			break;
		case 'p':
			options->prefix = optarg;
			break;
		case 't':
			options->times = true;
			break;
		case 's':
			options->statistics = true;
			break;
		case 'q':
			options->quiet = true;
			break;
		default:
			vmm_fail("see its usage\n%s", usage);
		}
	}
	if (optind != argc - 1)
		vmm_fail("expected one kernel\n%s", usage);
	options->kernel = argv[optind];
}

int main(int argc, char **argv)
{
	static struct vmm vmm = {
		.options = { .cpus = 1, .memory = MEMORY_DEFAULT, .cmdline = "", .prefix = "" },
	};

	parse(&vmm.options, argc, argv);
	console_open(vmm.options.prefix);
	vmm.kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (vmm.kvm < 0)
		vmm_fail("/dev/kvm: %m");
	vmm.vm = REQUEST(vmm.kvm, KVM_CREATE_VM, 0);
	REQUEST(vmm.vm, KVM_SET_TSS_ADDR, (uintptr_t)KVM_TSS_ADDRESS);
	memory_create(&vmm);
	devices_create(&vmm);
	for (u32 i = 0; i < vmm.options.cpus; i++)
		vmm_vcpu_create(&vmm, i);
	if (vmm.options.statistics)
		statistics_open(&vmm);
	devices_start(&vmm);
	if (vmm.options.times)
		console_start_clock();
	for (u32 i = 0; i < vmm.options.cpus; i++)
		if (pthread_create(&vmm.vcpus[i].thread, NULL, vmm_vcpu_run, &vmm.vcpus[i]))
			vmm_fail("no thread for vCPU %u", i);
	for (;;)
		pause();
}
