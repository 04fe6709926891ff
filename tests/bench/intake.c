/*
 * Ways of making queue files durable, one beside the other; what STATES.md says of their cost comes from here.
 *
 *     intake WAY DIRECTORY COUNT CONNECTIONS WORKERS GROUP SIZE WAITING
 *
 * One thread does what the intake does: it makes and writes COUNT files of SIZE
 * bytes, CONNECTIONS of them under way at a time; WORKERS threads make up to
 * GROUP that wait durable at once. A message is removed when WAITING later
 * ones have been answered (as if it were delivered then).
 *
 *     each   fsync(file), fsync(directory) for each
 *     group  fdatasync of each file of the group, fsync of each directory once
 *     start  the same, but all files' writing is begun first (sync_file_range, a hint to Linux)
 *     slots  files that were made ahead are written over: one fdatasync for each, no directory
 *     log    the files are not synced: the group is written to a log that was made ahead, which has one fdatasync
 *
 * Prints: seconds, median and 99th percentile of milliseconds to the answer, fdatasync and fsync calls, milliseconds
 * of CPU (its own).
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define PARTS      32
#define GROUP_MOST 256
#define SLOT_SIZE  16384
#define LOG_SIZE   (32 << 20)
#define EMPTIED    32 /* files at a time */

struct item {
	struct item *next;
	long         number;
	int          fd;
	double       begun;
};

/* Half of the log: what stands in it. */
struct half {
	long numbers[LOG_SIZE / 2 / 4096];
	long count;
};

struct line {
	struct item *first, *last;
};

static struct {
	const char *way;
	long        count, connections, workers, group, size, waiting;
	int         root, parts[PARTS];
	char       *text;
	long       *slot_free, slots_free, slot_count;
	int         log;
	off_t       log_at;
	struct half halves[2];
	int         half;
} the;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t  work_there = PTHREAD_COND_INITIALIZER, done_there = PTHREAD_COND_INITIALIZER,
		       emptied = PTHREAD_COND_INITIALIZER;
static struct line     work, done;
static bool            ended;
static long            fdatasyncs, fsyncs;

static double
now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
need(bool ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	exit(1);
}

static bool
is_way(const char *way)
{
	return strcmp(the.way, way) == 0;
}

static void
join(struct line *l, struct item *i)
{
	i->next = NULL;
	if (l->last != NULL)
		l->last->next = i;
	else
		l->first = i;
	l->last = i;
}

static struct item *
leave(struct line *l)
{
	struct item *i = l->first;
	if (i != NULL && (l->first = i->next) == NULL)
		l->last = NULL;
	return i;
}

static void
name_of(long number, char name[32])
{
	snprintf(name, 32, "m%012ld", number);
}

/* --- making durable ------------------------------------------------------------ */

static void
sync_data(int fd)
{
	need(fdatasync(fd) == 0, "fdatasync");
	__atomic_add_fetch(&fdatasyncs, 1, __ATOMIC_RELAXED);
}

static void
sync_all(int fd)
{
	need(fsync(fd) == 0, "fsync");
	__atomic_add_fetch(&fsyncs, 1, __ATOMIC_RELAXED);
}

static int
part_of(const struct item *i)
{
	return (int)(i->number / 4 % PARTS);
}

static void
sync_parts(struct item **items, long count)
{
	bool seen[PARTS] = {false};
	for (long i = 0; i < count; i++) {
		if (!seen[part_of(items[i])])
			sync_all(the.parts[part_of(items[i])]);
		seen[part_of(items[i])] = true;
	}
}

/* Makes the files of a half of the log durable, those that are still there: then it may be written over. */
static void *
empty_half(void *which)
{
	struct half *h = which;
	for (long at = 0; at < h->count; at += EMPTIED) {
		int fds[EMPTIED];
		long n = 0;
		for (long i = at; i < h->count && i < at + EMPTIED; i++) {
			struct item item = {.number = h->numbers[i]};
			char name[32];
			name_of(item.number, name);
			fds[n] = openat(the.parts[part_of(&item)], name, O_RDWR);
			if (fds[n] >= 0)
				sync_file_range(fds[n++], 0, 0, SYNC_FILE_RANGE_WRITE);
		}
		for (long i = 0; i < n; i++) {
			sync_data(fds[i]);
			close(fds[i]);
		}
	}
	for (int i = 0; i < PARTS; i++)
		sync_all(the.parts[i]);
	pthread_mutex_lock(&lock);
	h->count = 0;
	pthread_cond_broadcast(&emptied);
	pthread_mutex_unlock(&lock);
	return NULL;
}

static void
change_half(void)
{
	pthread_t thread;
	pthread_create(&thread, NULL, empty_half, &the.halves[the.half]);
	pthread_detach(thread);
	the.half = !the.half;
	the.log_at = the.half * LOG_SIZE / 2;
	pthread_mutex_lock(&lock);
	while (the.halves[the.half].count > 0)
		pthread_cond_wait(&emptied, &lock);
	pthread_mutex_unlock(&lock);
}

static void
sync_log(struct item **items, long count)
{
	static pthread_mutex_t writer = PTHREAD_MUTEX_INITIALIZER;
	pthread_mutex_lock(&writer);
	if (the.log_at + count * the.size > (the.half + 1) * LOG_SIZE / 2)
		change_half();
	struct half *h = &the.halves[the.half];
	for (long i = 0; i < count; i++) {
		need(pwrite(the.log, the.text, (size_t)the.size, the.log_at) == the.size, "log");
		the.log_at += (the.size + 4095) / 4096 * 4096;
		h->numbers[h->count++] = items[i]->number;
	}
	sync_data(the.log);
	pthread_mutex_unlock(&writer);
}

static void
make_durable(struct item **items, long count)
{
	if (is_way("log")) {
		sync_log(items, count);
		return;
	}
	if (is_way("start"))
		for (long i = 0; i < count; i++)
			sync_file_range(items[i]->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
	for (long i = 0; i < count; i++)
		is_way("each") ? sync_all(items[i]->fd) : sync_data(items[i]->fd);
	if (!is_way("slots"))
		sync_parts(items, count);
}

static void *
run_worker(void *unused)
{
	struct item *items[GROUP_MOST];
	(void)unused;
	pthread_mutex_lock(&lock);
	for (;;) {
		while (work.first == NULL && !ended)
			pthread_cond_wait(&work_there, &lock);
		if (ended)
			break;
		long count = 0;
		while (count < the.group && work.first != NULL)
			items[count++] = leave(&work);
		pthread_mutex_unlock(&lock);
		make_durable(items, count);
		pthread_mutex_lock(&lock);
		for (long i = 0; i < count; i++)
			join(&done, items[i]);
		pthread_cond_signal(&done_there);
	}
	pthread_mutex_unlock(&lock);
	return NULL;
}

/* --- files ----------------------------------------------------------------------- */

static void
make_slots(void)
{
	char *zeros = calloc(1, SLOT_SIZE);
	the.slot_count = the.waiting + the.connections + 64;
	the.slot_free = calloc((size_t)the.slot_count, sizeof(long));
	for (long i = 0; i < the.slot_count; i++) {
		char name[32];
		name_of(i, name);
		int fd = openat(the.parts[0], name, O_RDWR | O_CREAT, 0600);
		need(fd >= 0 && write(fd, zeros, SLOT_SIZE) == SLOT_SIZE && fsync(fd) == 0, "slot");
		close(fd);
		the.slot_free[the.slots_free++] = i;
	}
	fsync(the.parts[0]);
	free(zeros);
}

static void
make_log(void)
{
	char *zeros = calloc(1, LOG_SIZE);
	the.log = openat(the.root, "log", O_RDWR | O_CREAT, 0600);
	need(the.log >= 0 && write(the.log, zeros, LOG_SIZE) == LOG_SIZE && fsync(the.log) == 0, "log");
	free(zeros);
}

static void
begin(const char *directory)
{
	the.root = open(directory, O_RDONLY | O_DIRECTORY);
	need(the.root >= 0, directory);
	for (int i = 0; i < PARTS; i++) {
		char name[8];
		snprintf(name, sizeof name, "%d", i);
		mkdirat(the.root, name, 0700);
		the.parts[i] = openat(the.root, name, O_RDONLY | O_DIRECTORY);
	}
	the.text = malloc((size_t)the.size);
	memset(the.text, 'x', (size_t)the.size);
	if (is_way("slots"))
		make_slots();
	if (is_way("log"))
		make_log();
	sync();
}

static long *slot_of;

static void
write_item(struct item *i)
{
	char name[32];
	bool slots = is_way("slots");
	i->begun = now();
	if (slots)
		slot_of[i->number] = the.slot_free[--the.slots_free];
	name_of(slots ? slot_of[i->number] : i->number, name);
	i->fd = openat(slots ? the.parts[0] : the.parts[part_of(i)], name, slots ? O_RDWR : O_RDWR | O_CREAT | O_EXCL, 0600);
	need(i->fd >= 0 && write(i->fd, the.text, (size_t)the.size) == the.size, "write");
}

static void
remove_item(long number)
{
	struct item i = {.number = number};
	char name[32];
	if (is_way("slots")) {
		static const char blank[56];
		name_of(slot_of[number], name);
		int fd = openat(the.parts[0], name, O_RDWR);
		need(pwrite(fd, blank, sizeof blank, 0) == sizeof blank, "blank");
		close(fd);
		the.slot_free[the.slots_free++] = slot_of[number];
		return;
	}
	name_of(number, name);
	need(unlinkat(the.parts[part_of(&i)], name, 0) == 0, "unlink");
}

/* --- the run ------------------------------------------------------------------------ */

static double *times;

static void
run(void)
{
	struct item *items = calloc((size_t)the.connections, sizeof *items), *spare = NULL;
	for (long i = 0; i < the.connections; i++) {
		items[i].next = spare;
		spare = &items[i];
	}
	long begun = 0, answered = 0, removed = 0;
	while (answered < the.count) {
		while (spare != NULL && begun < the.count) {
			struct item *i = spare;
			spare = i->next;
			i->number = begun++;
			write_item(i);
			pthread_mutex_lock(&lock);
			join(&work, i);
			pthread_cond_signal(&work_there);
			pthread_mutex_unlock(&lock);
		}
		pthread_mutex_lock(&lock);
		while (done.first == NULL)
			pthread_cond_wait(&done_there, &lock);
		struct line mine = done;
		done = (struct line){0};
		pthread_mutex_unlock(&lock);
		for (struct item *i; (i = leave(&mine)) != NULL;) {
			close(i->fd);
			times[answered++] = (now() - i->begun) * 1e3;
			i->next = spare;
			spare = i;
		}
		while (removed < answered - the.waiting - the.connections)
			remove_item(removed++);
	}
}

static int
compare(const void *a, const void *b)
{
	const double *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

static double
cpu(void)
{
	struct rusage u;
	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e3 + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e3;
}

int
main(int argc, char **argv)
{
	if (argc != 9)
		return 100;
	the.way = argv[1];
	long *numbers[] = {&the.count, &the.connections, &the.workers, &the.group, &the.size, &the.waiting};
	for (int i = 0; i < 6; i++)
		*numbers[i] = strtol(argv[3 + i], NULL, 10);
	times = calloc((size_t)the.count, sizeof *times);
	slot_of = calloc((size_t)the.count, sizeof *slot_of);
	begin(argv[2]);
	pthread_t threads[64];
	for (long i = 0; i < the.workers; i++)
		pthread_create(&threads[i], NULL, run_worker, NULL);
	double cpu_before = cpu(), start = now();
	run();
	double seconds = now() - start;
	qsort(times, (size_t)the.count, sizeof *times, compare);
	printf("%.3f %.2f %.2f %ld %ld %.0f\n", seconds, times[the.count / 2], times[the.count * 99 / 100], fdatasyncs, fsyncs,
	    cpu() - cpu_before);
	return 0;
}
