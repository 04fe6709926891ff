# Postern. One Makefile, not recursive.
#
#   make                    build all programs into $(B)
#   make CC=clang           the same with clang
#   make SANITIZE=yes       with AddressSanitizer and UndefinedBehaviorSanitizer
#   make check              unit tests (all tests: sh tests/run)
#   make demo               sh conf/demo
#   make install            DESTDIR, PREFIX, SETTINGS
#   make lint audit clean  (V=1 shows each command)
#
# Programs that link libc alone are built static-PIE with musl where musl-gcc
# is installed and CC is not chosen by hand, else with $(CC) like the others.

VERSION  = 0.1
PREFIX   = /usr/local
SETTINGS = /etc/postern
LIBEXEC  = $(PREFIX)/libexec/postern
BIN      = $(PREFIX)/bin
MAN      = $(PREFIX)/share/man
SANITIZE ?=
V        =
Q        = $(if $(V),,@)

ifeq ($(origin CC),default)
CC = gcc
MUSL_GCC := $(if $(SANITIZE),,$(shell command -v musl-gcc 2>/dev/null))
endif

B := build/$(notdir $(firstword $(CC)))$(if $(SANITIZE),-sanitize)

# --- programs: the file with main() names the program --------------------------

# libc alone (the folder's other files and lib/ are linked as needed)
PLAIN = listen/postern-listen smtpd/postern-smtpd \
	queue/postern-queued queue/postern-remote queue/postern-sendmail queue/postern-mailq queue/postern-queuectl \
	deliver/postern-deliver deliver/postern-lmtpd deliver/postern-lmtp sieve/postern-sieve \
	imapd/postern-imapd imapd/postern-imap pop3d/postern-pop3d pop3d/postern-pop3 trace/postern-trace
# with other libraries
RICH  = authd/postern-authd authd/postern-authproxy authd/postern-users authd/postern-lookup authd/postern-authtest tlsd/postern-tlsd
# Only with libcurl's headers
STS := $(if $(wildcard /usr/include/curl/curl.h /usr/include/*-linux-gnu/curl/curl.h),sts)
RICH += $(if $(STS),sts/postern-stsd)
TOOLS = postern-trace postern-sendmail postern-mailq postern-queuectl postern-users postern-lookup postern-authtest

# zlib, of which Debian ships the static archive: of it only deflate and inflate, which ask the libc for memory and nothing else.
ZLIB_A := $(firstword $(wildcard /usr/lib/*-linux-gnu/libz.a))
LIBS_postern-imap  = $(if $(ZLIB_A),$(ZLIB_A),-lz)
LIBS_postern-authd = -lmariadb -lcdb -lcrypt -lgsasl -lnettle -largon2
LIBS_postern-users = -lcdb -lcrypt -lgsasl -lnettle -largon2
LIBS_postern-tlsd  = -lssl -lcrypto
LIBS_postern-stsd  = -lcurl

LIB_FOLDERS = lib/front lib/filter lib/sasl lib/store lib/dns lib/mail lib/sandbox lib/ipc lib/base
# Only what is there yet.
PLAIN := $(foreach p,$(PLAIN),$(if $(wildcard $(p).c),$(p)))
RICH  := $(foreach p,$(RICH),$(if $(wildcard $(p).c),$(p)))
PROGRAM_NAMES = $(notdir $(PLAIN) $(RICH))

# --- flags -----------------------------------------------------------------------

WARN = -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Wstrict-prototypes -Wmissing-prototypes \
	-Wformat=2 -Wundef -Wvla -Werror=implicit-function-declaration
OPT  = -O2 -g
CFLAGS_ALL = -std=c17 -D_GNU_SOURCE $(WARN) $(OPT) -I. -fPIE -fstack-protector-strong -fno-strict-aliasing \
	-ffunction-sections -fdata-sections -MMD -MP $(CFLAGS)
ifeq ($(SANITIZE),)
CFLAGS_ALL += -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
LDFLAGS_ALL = -pie
else
CFLAGS_ALL += -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -DPOSTERN_SANITIZE=1
LDFLAGS_ALL = -pie -fsanitize=address,undefined
endif
LDFLAGS_ALL += -Wl,-z,relro,-z,now,-z,noexecstack,--gc-sections,--as-needed $(LDFLAGS)

# musl-gcc knows neither the kernel's headers nor static-PIE, so both are spelled out.
MUSL_DIR    := $(dir $(firstword $(wildcard /usr/lib/*-linux-musl/rcrt1.o)))
# musl copies 8 bytes a step: what is short is copied where it stands.
MUSL_CFLAGS  = -idirafter $(B)/uapi $(if $(findstring x86_64,$(MUSL_DIR)),-minline-stringops-dynamically)
MUSL_LDFLAGS = -static -nostartfiles $(MUSL_DIR)rcrt1.o $(MUSL_DIR)crti.o \
	-Wl,-pie,--no-dynamic-linker,-z,text,-z,relro,-z,now,-z,noexecstack,--gc-sections
MUSL_END     = $(MUSL_DIR)crtn.o

.PHONY: all check demo install lint audit clean
.DELETE_ON_ERROR:
.SECONDARY:
all: $(PROGRAM_NAMES:%=$(B)/%)

# --- objects and archives: $(B)/obj for $(CC), $(B)/musl for musl-gcc ------------

FOLDERS = $(LIB_FOLDERS) listen smtpd queue deliver sieve imapd pop3d authd tlsd $(STS) trace
MAINS   = $(addsuffix .c,$(PLAIN) $(RICH))
sources = $(filter-out $(MAINS),$(wildcard $(1)/*.c))

$(B)/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(if $(V),,@echo '  CC    $@')
	$(Q)$(CC) $(CFLAGS_ALL) -c $< -o $@

$(B)/musl/%.o: %.c Makefile | $(B)/uapi/zconf.h
	@mkdir -p $(@D)
	$(if $(V),,@echo '  MUSL  $@')
	$(Q)$(MUSL_GCC) $(CFLAGS_ALL) $(MUSL_CFLAGS) -c $< -o $@

# The link made last: a directory that an older Makefile left lacks it.
$(B)/uapi/zconf.h:
	@mkdir -p $(@D)
	@ln -sfn /usr/include/linux $(@D)/linux
	@ln -sfn /usr/include/asm-generic $(@D)/asm-generic
	@ln -sfn $(firstword $(wildcard /usr/include/*-linux-gnu/asm /usr/include/asm)) $(@D)/asm
	@ln -sfn /usr/include/zlib.h $(@D)/zlib.h
	@ln -sfn $(firstword $(wildcard /usr/include/*-linux-gnu/zconf.h /usr/include/zconf.h)) $@

define archive
$(B)/$(1)/$(2).a: $(patsubst %.c,$(B)/$(1)/%.o,$(call sources,$(2)))
	@mkdir -p $$(@D)
	@rm -f $$@
	@ar rcs $$@ $$^
endef
$(foreach kind,obj musl,$(foreach folder,$(FOLDERS),$(eval $(call archive,$(kind),$(folder)))))

# The paths are compiled into one object, so another SETTINGS or PREFIX only links anew.
PATHS = -DPOSTERN_SETTINGS='"$(SETTINGS)"' -DPOSTERN_LIBEXEC='"$(LIBEXEC)"' -DPOSTERN_VERSION='"$(VERSION)"'
$(B)/obj/lib/base/paths.o $(B)/musl/lib/base/paths.o: CFLAGS_ALL += $(PATHS)
$(B)/obj/lib/base/paths.o $(B)/musl/lib/base/paths.o: $(B)/paths.stamp
$(B)/paths.stamp: FORCE
	@mkdir -p $(@D)
	@echo "$(PATHS)" | cmp -s - $@ || echo "$(PATHS)" > $@
.PHONY: FORCE
FORCE:

archives = $(B)/$(1)/$(2).a $(foreach folder,$(LIB_FOLDERS),$(B)/$(1)/$(folder).a)

define plain_program
ifeq ($(MUSL_GCC),)
$(B)/$(notdir $(1)): $(B)/obj/$(1).o $(call archives,obj,$(patsubst %/,%,$(dir $(1))))
	@echo '  LINK  $$@'
	$$(Q)$$(CC) $$(LDFLAGS_ALL) -o $$@ $$^ $$(if $$(filter postern-remote,$$(@F)),-lresolv) $$(LIBS_$(notdir $(1)))
else
$(B)/$(notdir $(1)): $(B)/musl/$(1).o $(call archives,musl,$(patsubst %/,%,$(dir $(1))))
	@echo '  LINK  $$@'
	$$(Q)$$(MUSL_GCC) $$(MUSL_LDFLAGS) -o $$@ $$^ $$(LIBS_$(notdir $(1))) $$(MUSL_END)
endif
endef
$(foreach p,$(PLAIN),$(eval $(call plain_program,$(p))))

define rich_program
$(B)/$(notdir $(1)): $(B)/obj/$(1).o $(call archives,obj,$(patsubst %/,%,$(dir $(1))))
	@echo '  LINK  $$@'
	$$(Q)$$(CC) $$(LDFLAGS_ALL) -o $$@ $$^ $$(LIBS_$(notdir $(1)))
endef
$(foreach p,$(RICH),$(eval $(call rich_program,$(p))))

# --- unit tests: tests/unit/test_X.c, cmocka -------------------------------------

UNIT_TESTS = $(patsubst tests/unit/%.c,$(B)/unit/%,$(filter-out $(if $(STS),,%/test_sts.c),$(wildcard tests/unit/test_*.c)))
UNIT_FOLDERS = smtpd queue deliver sieve imapd pop3d authd tlsd $(STS) trace
$(B)/unit/%: $(B)/obj/tests/unit/%.o $(foreach folder,$(UNIT_FOLDERS) $(LIB_FOLDERS),$(B)/obj/$(folder).a)
	@mkdir -p $(@D)
	@echo '  LINK  $@'
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $< -Wl,--start-group $(filter %.a,$^) -Wl,--end-group -lcmocka -lmariadb -lcdb -lcrypt -lgsasl -lnettle -largon2 -lresolv -lz

check: $(UNIT_TESTS)
	@sh tests/unit/run $(UNIT_TESTS)

demo:
	sh conf/demo

# --- installing --------------------------------------------------------------------

PAGES = $(wildcard */*.[1578])
install: all
	install -d $(DESTDIR)$(LIBEXEC) $(DESTDIR)$(BIN) $(B)
	for p in $(filter-out $(TOOLS),$(PROGRAM_NAMES)); do install -m 755 $(B)/$$p $(DESTDIR)$(LIBEXEC)/$$p || exit 1; done
	for p in $(filter $(TOOLS),$(PROGRAM_NAMES)); do install -m 755 $(B)/$$p $(DESTDIR)$(BIN)/$$p || exit 1; done
	sed -e 's|@LIBEXEC@|$(LIBEXEC)|g' -e 's|@BIN@|$(BIN)|g' conf/postern.in > $(B)/postern
	install -m 755 $(B)/postern $(DESTDIR)$(BIN)/postern
	sed -e 's|@LIBEXEC@|$(LIBEXEC)|g' -e 's|@BIN@|$(BIN)|g' conf/check.in > $(B)/check
	install -m 755 $(B)/check $(DESTDIR)$(LIBEXEC)/check
	for m in $(PAGES); do d=$(DESTDIR)$(MAN)/man$${m##*.}; install -d $$d && install -m 644 $$m $$d/ || exit 1; done
	@# setuid is given by conf/install, which makes the user vmail first

# --- looking at it -------------------------------------------------------------------

LINT_SOURCES = $(wildcard $(addsuffix /*.c,$(FOLDERS)))
lint:
	$(Q)cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
	  --suppress=missingIncludeSystem -D_GNU_SOURCE -D__x86_64__=1 $(PATHS) -I. $(LINT_SOURCES)
	$(Q)mandoc -Tlint -Wwarning $(PAGES)

audit: all $(B)/calls
	@CC="$(CC)" sh conf/audit $(B) $(PLAIN) $(RICH)

$(B)/calls: $(B)/obj/conf/calls.o $(foreach folder,lib/sandbox lib/ipc lib/base,$(B)/obj/$(folder).a)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^

clean:
	rm -rf build

-include $(shell find $(B) -name '*.d' 2>/dev/null)
