/* Random bytes of the kernel, and short ids made of them. */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* Fills `bytes`; cannot fail once the kernel's pool is ready (it waits for that at boot); ends the program if the kernel has none. */
void random_bytes(void *bytes, size_t len);
uint64_t random_number(void);
/* Writes `letters` random letters of [a-z2-7] and a NUL. For session ids (8 letters) and tickets (32: 160 bits). */
void random_letters(char *text, size_t letters);

#endif
