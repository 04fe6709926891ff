/*
 * without CALL-NUMBERS PROGRAM ARGUMENTS: runs a program on a kernel that seems
 * not to know some system calls ("444,445,446"): they fail with ENOSYS.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#define CALLS_MOST 16

int
main(int argc, char **argv)
{
	struct sock_filter code[2 * CALLS_MOST + 2];
	unsigned short len = 0;
	if (argc < 3)
		return 100;
	code[len++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	for (char *next = argv[1]; *next != '\0' && len < 2 * CALLS_MOST; next += *next == ',') {
		unsigned long number = strtoul(next, &next, 10);
		code[len++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)number, 0, 1);
		code[len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS);
	}
	code[len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog program = {.len = len, .filter = code};
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0) {
		perror("without");
		return 111;
	}
	execv(argv[2], argv + 2);
	perror(argv[2]);
	return 111;
}
