/* Paths fixed when the suite is built; paths.c is the only file that knows them. */
#ifndef BASE_PATHS_H
#define BASE_PATHS_H

extern const char paths_settings[];  /* default /etc/postern */
extern const char paths_libexec[];   /* where the programs are: default /usr/local/libexec/postern */
extern const char paths_version[];

#endif
