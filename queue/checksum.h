/* CRC-32C (Castagnoli), for the commit mark of queue files. It notices what a crash tore; it is no defence against people. */
#ifndef QUEUE_CHECKSUM_H
#define QUEUE_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/* The sum of what was summed before (0 at first) and `bytes`. */
uint32_t checksum_add(uint32_t before, const void *bytes, size_t len);
/* The same on a processor without an instruction for it. */
uint32_t checksum_add_by_tables(uint32_t before, const void *bytes, size_t len);

#endif
