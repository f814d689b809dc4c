/* SPDX-License-Identifier: MIT */
/* Tests of what must end the program:
 * it runs in a child, whose last words and signal are judged. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "host_memory.h"
#include "hv/panic.h"

struct death {
	char words[4096];
	int signal; /* 0: it lived */
};

static void end_child(int number)
{
	signal(number, SIG_DFL);
	raise(number);
}

/* In the child: without the sanitizer's report, a fault is a plain signal. */
static _Noreturn void child(void (*run)(void), int out)
{
	signal(SIGSEGV, end_child);
	signal(SIGBUS, end_child);
	signal(SIGABRT, SIG_DFL);
	dup2(out, STDERR_FILENO);
	run();
	_exit(0);
}

static struct death run_to_death(void (*run)(void))
{
	struct death death = { .signal = 0 };
	size_t used = 0;
	int ends[2];
	ssize_t got;
	int status;
	pid_t pid;

	ASSERT(pipe(ends) == 0);
	fflush(NULL);
	pid = fork();
	ASSERT(pid >= 0);
	if (pid == 0)
		child(run, ends[1]);
	close(ends[1]);
	while ((got = read(ends[0], death.words + used, sizeof(death.words) - 1 - used)) > 0)
		used += (size_t)got;
	close(ends[0]);
	ASSERT(waitpid(pid, &status, 0) == pid);
	if (WIFSIGNALED(status))
		death.signal = WTERMSIG(status);
	return death;
}

bool host_panics(void (*run)(void), const char *text)
{
	struct death death = run_to_death(run);

	if (death.signal == SIGABRT && strstr(death.words, text))
		return true;
	printf("# signal %d, said: %s\n", death.signal, death.words);
	return false;
}

bool host_faults(void (*run)(void))
{
	struct death death = run_to_death(run);

	return death.signal == SIGSEGV || death.signal == SIGBUS;
}
